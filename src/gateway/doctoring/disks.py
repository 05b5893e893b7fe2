"""Checks of free disk: writes stop before a volume is full, because a full one stops the database."""

import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

from gateway.doctoring.findings import Finding, Line

_LEAST_SHARE = 0.10
_LEAST_BYTES = 2 * 2**30


def space(what: str, path: Path, total: int, free: int) -> Finding:
    """total, free: bytes of the volume that the path is on."""
    line = Line("disk", f"free disk for {what}, {path}")
    found = f"{free / 2**30:.1f} GiB of {total / 2**30:.1f} GiB ({free / max(total, 1):.0%})"
    if free < _LEAST_BYTES or free < _LEAST_SHARE * total:
        return line.fault(
            found,
            f"Free at least {_LEAST_SHARE:.0%} and {_LEAST_BYTES // 2**30} GiB, or move the folder to a larger disk.",
        )
    return line.ok(found)


def look(folders: Mapping[str, Path | None]) -> list[Finding]:
    """One finding for each folder; None is one whose place is not known here."""
    return [_looked(what, path) for what, path in folders.items()]


def _looked(what: str, path: Path | None) -> Finding:
    line = Line("disk", f"free disk for {what}")
    if path is None:
        return line.skipped("where it lies is not told to this role, or it is another machine's; look there")
    try:
        usage = shutil.disk_usage(path)
    except OSError as error:
        return line.skipped(f"{path} cannot be looked at from here ({type(error).__name__})")
    return space(what, path, usage.total, usage.free)


def folders_of(data_directory: str | None, tablespaces: Iterable[str], *, local: bool) -> dict[str, Path | None]:
    """Where a database keeps what: its data, its log of changes where that has a disk of its own, its tablespaces."""
    if not local or data_directory is None:
        return {"the database": None}
    data = Path(data_directory)
    return {
        "the database": data,
        "the database's log of changes": data / "pg_wal",
        **{f"the tablespace {place}": Path(place) for place in tablespaces},
    }
