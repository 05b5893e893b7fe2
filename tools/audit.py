"""Asks whether anything is known against the locked packages: 0 nothing is, 1 something is, 3 not all could be asked.

pip-audit says "no known vulnerabilities" also when it found no advisory for any package because the index has none,
so what it skipped is counted here and never taken for a clean answer.
"""

import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
LOCK = ROOT / "locks" / "run.txt"
CLEAN, VULNERABLE, NOT_ASKED = 0, 1, 3
_SECONDS = 300
# Versions and hashes come from the lock: nothing is resolved, downloaded or installed.
_OPTIONS = ("--disable-pip", "--no-deps", "--require-hashes", "--progress-spinner=off", "--format=json")


@dataclass(frozen=True)
class Audit:
    """advisories: package with version, identifier, and the versions that mend it."""

    asked: int
    skipped: tuple[str, ...]
    advisories: tuple[tuple[str, str, str], ...]

    @property
    def code(self) -> int:
        if self.advisories:
            return VULNERABLE
        return NOT_ASKED if self.skipped or not self.asked else CLEAN


def read(report: dict[str, Any]) -> Audit:
    """What a report of pip-audit says."""
    packages = report["dependencies"]
    return Audit(
        asked=sum("skip_reason" not in package for package in packages),
        skipped=tuple(package["name"] for package in packages if "skip_reason" in package),
        advisories=tuple(
            (f"{package['name']} {package['version']}", known["id"], ", ".join(known["fix_versions"]) or "none yet")
            for package in packages
            for known in package.get("vulns", ())
        ),
    )


def told(audit: Audit) -> str:
    """The result as text; the first line is the verdict."""
    if not audit.asked:
        return "Nothing is known: the advisory database has none of the packages, or the index in use passes none on."
    lines = [f"{package}: {known} (mended in {mended})" for package, known, mended in audit.advisories]
    if audit.skipped:
        lines.append(f"Not in the advisory database: {', '.join(audit.skipped)}")
    verdict = f"{len(audit.advisories)} advisories" if audit.advisories else "no advisory"
    return "\n".join([f"{audit.asked} packages of {LOCK.name}: {verdict}.", *lines])


def main(*options: str) -> int:
    """Audit the lock; `options` are pip-audit's, such as `--vulnerability-service osv`."""
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "audit.json"
        command = [
            sys.executable,
            "-m",
            "pip_audit",
            f"--requirement={LOCK}",
            f"--output={output}",
            *_OPTIONS,
            *options,
        ]
        try:
            done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=_SECONDS, cwd=ROOT)
        except subprocess.TimeoutExpired:
            print(f"Nothing is known: the advisory database did not answer within {_SECONDS} s.", file=sys.stderr)
            return NOT_ASKED
        # Without a report the exit code does not tell a finding from a failure.
        if not output.is_file() or not output.stat().st_size:
            last = (done.stderr.strip() or "it said nothing").splitlines()[-1]
            print(f"Nothing is known: the advisory database could not be asked. {last[:300]}", file=sys.stderr)
            return NOT_ASKED
        audit = read(json.loads(output.read_text(encoding="utf-8")))
    print(told(audit), file=sys.stdout if audit.code == CLEAN else sys.stderr)
    return audit.code


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
