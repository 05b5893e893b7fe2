"""What no tracked file may hold: paths of one machine, and addresses of package indexes."""

import re

from tests.architecture.sources import ROOT, tracked_files

# Written in pieces, so that this file does not find itself.
_FORBIDDEN = re.compile(
    "|".join(
        [
            r"(?<![\w.])/" + r"(work|root|Users)/",
            r"(?<![\w.])/" + r"home/[a-z]",
            r"registry\." + r"npmjs\.org",
            r"files\." + r"pythonhosted\.org",
            r"pypi\." + r"org",
            r"--(extra-)?" + r"index-url",
            r"--find" + r"-links",
            r'"resolved":' + r'\s*"http',
        ]
    )
)


def _found() -> list[str]:
    found = []
    for path in tracked_files():
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except UnicodeDecodeError:
            continue
        for number, line in enumerate(lines, start=1):
            if match := _FORBIDDEN.search(line):
                found.append(f"{path.relative_to(ROOT)}:{number}: {match.group()}")
    return found


def test_no_file_names_a_machine_or_a_package_index() -> None:
    assert _found() == []
