"""Migrations are applied without a word: what `quantrac run` and `quantrac migrate` print is theirs alone."""

from tests.fixtures.databases import Migrated


def test_migrating_prints_nothing(migrated: Migrated) -> None:
    assert not migrated.printed
