"""Checks of the schema: whether the database has what this version needs, and whether its files are whole."""

import hashlib
from pathlib import Path

from gateway.doctoring.findings import Finding, Line


def known(folder: Path) -> frozenset[str]:
    return frozenset(path.stem for path in folder.glob("*.sql"))


def state(applied: frozenset[str] | None, expected: frozenset[str]) -> Finding:
    """applied: None where the role may not know."""
    line = Line("migrations", "schema of the database")
    if applied is None:
        return line.skipped("this role may not read which migrations were applied")
    behind, ahead = sorted(expected - applied), sorted(applied - expected)
    if not applied:
        return line.fault("never migrated", "Run `quantrac migrate`.")
    if behind:
        return line.fault(f"behind: {', '.join(behind)} not applied", "Run `quantrac migrate`.")
    if ahead:
        return line.notice(
            f"ahead of this version: {', '.join(ahead)}",
            "Right during an upgrade; else start the version that made it.",
        )
    return line.ok(f"as this version needs it, {max(applied)}")


def files(folder: Path) -> Finding:
    """What is applied next is what was released: `checksums` holds what `sha256sum *.sql` printed then."""
    line = Line("migrations", "files of the migrations against their checksums")
    try:
        frozen = {
            name: digest for digest, name in map(str.split, (folder / "checksums").read_text("utf-8").splitlines())
        }
    except (OSError, ValueError) as error:
        return line.fault(f"the checksums cannot be read ({type(error).__name__})", "Install quantrac anew.")
    found = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.glob("*.sql")}
    wrong = sorted(name for name in frozen.keys() | found.keys() if frozen.get(name) != found.get(name))
    if wrong:
        return line.fault(
            f"not as they were released: {', '.join(wrong)}", "Install quantrac anew; in a checkout, see `make help`."
        )
    return line.ok(f"{len(found)} files as they were released")
