"""Brings a database to the schema of this version with yoyo, from numbered plain SQL files."""

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from yoyo import get_backend, read_migrations

_INSTALLED = Path(__file__).parent / "migrations"
_CHECKOUT = Path(__file__).parents[2] / "migrations"
FOLDER = _INSTALLED if _INSTALLED.is_dir() else _CHECKOUT


@dataclass(frozen=True, slots=True)
class MigrationState:
    applied: tuple[str, ...]
    pending: tuple[str, ...]


def _address(dsn: str) -> str:
    parts: SplitResult = urlsplit(dsn)
    return parts._replace(scheme="postgresql+psycopg").geturl()


def state(dsn: str) -> MigrationState:
    """Which migrations the database has and which it lacks."""
    with get_backend(_address(dsn)) as backend:
        known = read_migrations(str(FOLDER))
        pending = {migration.id for migration in backend.to_apply(known)}
        names = [migration.id for migration in known]
    return MigrationState(
        applied=tuple(name for name in names if name not in pending),
        pending=tuple(name for name in names if name in pending),
    )


def migrate(dsn: str) -> tuple[str, ...]:
    """Apply what is pending, one process at a time; the names that were applied, in order."""
    with get_backend(_address(dsn)) as backend, backend.lock(timeout=60):
        pending = backend.to_apply(read_migrations(str(FOLDER)))
        backend.apply_migrations(pending)
        return tuple(migration.id for migration in pending)
