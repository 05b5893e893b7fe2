"""Migrations are numbered without holes, say what they follow, and never change once they are released.

`migrations/checksums` is what `sha256sum *.sql` prints in that folder. While a migration is in no release yet, `make
freeze-migrations` writes it anew; afterwards a change is a new file.
"""

import hashlib
from pathlib import Path

import pytest

from gateway import migrating
from tests.architecture.sources import MIGRATIONS

FILES = sorted(MIGRATIONS.glob("*.sql"))
CHECKSUMS = MIGRATIONS / "checksums"


def _frozen() -> dict[str, str]:
    lines = (line.split() for line in CHECKSUMS.read_text(encoding="utf-8").splitlines())
    return {name: digest for digest, name in lines}


def test_migrations_are_numbered_without_holes() -> None:
    numbers = [int(path.name[:4]) for path in FILES]
    assert numbers == list(range(1, len(FILES) + 1))


def test_the_folder_that_is_applied_is_the_one_that_is_checked() -> None:
    assert migrating.FOLDER == MIGRATIONS


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_migration_is_the_file_that_was_frozen(path: Path) -> None:
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    assert _frozen().get(path.name) == found, (
        f"{path.name} is not what migrations/checksums says. Databases have applied it as it was: "
        "write a new migration. Only if no release has it yet, run `make freeze-migrations`."
    )


def test_every_frozen_migration_is_still_there() -> None:
    assert _frozen().keys() - {path.name for path in FILES} == set()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_migration_says_what_it_is_for_follows_an_earlier_one_and_limits_its_locks(path: Path) -> None:
    first, second, *rest = path.read_text(encoding="utf-8").splitlines()
    assert first.startswith("-- ")
    assert len(first) > len("-- depends:")
    followed = second.removeprefix("-- depends:").strip()
    assert second.startswith("-- depends:")
    assert followed == "" if path == FILES[0] else followed in {earlier.stem for earlier in FILES[: FILES.index(path)]}
    assert any(line.startswith("SET lock_timeout") for line in rest), "a migration must not wait for locks for ever"
