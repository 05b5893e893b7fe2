"""Every named query is used by the module that loads it, has a name of its own, and prepares on the migrated schema."""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import asyncpg

from core import queries
from core.database import Database
from tests.architecture.sources import SOURCE, Module, modules

# A query with this line in its comment needs the extension, and is prepared where the server has it.
_TIMESCALE_ONLY = "-- TimescaleDB only."
_TEMPORARY_TABLE = re.compile(r"^\s*CREATE TEMP(ORARY)? TABLE", re.MULTILINE)


@dataclass(frozen=True)
class Loaded:
    """A module's `variable = queries.load(__file__, "subject")`."""

    module: Module
    variable: str
    subject: str

    @property
    def queries(self) -> queries.Queries:
        return queries.load(str(self.module.path), self.subject)

    def used(self) -> set[str]:
        """The names that the module takes from the variable."""
        return {
            str(node.slice.value)
            for node in ast.walk(self.module.tree)
            if isinstance(node, ast.Subscript)
            and isinstance(node.value, ast.Name)
            and node.value.id == self.variable
            and isinstance(node.slice, ast.Constant)
        }


def _loads(module: Module) -> Iterator[Loaded]:
    for node in ast.walk(module.tree):
        match node:
            case ast.Assign(
                targets=[ast.Name(id=variable)],
                value=ast.Call(
                    func=ast.Attribute(attr="load"), args=[ast.Name(id="__file__"), ast.Constant(value=str(subject))]
                ),
            ):
                yield Loaded(module, variable, subject)


@cache
def _loaded() -> tuple[Loaded, ...]:
    return tuple(loaded for module in modules() for loaded in _loads(module))


def _texts() -> dict[str, str]:
    return {name: text for loaded in _loaded() for name, text in loaded.queries.texts.items()}


def test_every_sql_file_is_loaded_by_one_module() -> None:
    files = Counter(loaded.queries.path for loaded in _loaded())
    assert set(files) == set(SOURCE.rglob("sql/*.sql"))
    assert [path for path, times in files.items() if times > 1] == []


def test_every_query_is_used_and_none_is_missing() -> None:
    for loaded in _loaded():
        there = set(loaded.queries.texts)
        assert loaded.used() - there == set(), f"{loaded.queries.path} lacks them"
        assert there - loaded.used() == set(), f"{loaded.module.place} does not use them"


def test_names_of_queries_are_unique_across_the_project() -> None:
    names = Counter(name for loaded in _loaded() for name in loaded.queries.texts)
    assert [name for name, times in names.items() if times > 1] == []


async def _refused(connection: Any, text: str) -> str | None:
    """What the server says against the query; None when it prepares."""
    try:
        async with connection.transaction():
            await connection.prepare(text)
    except asyncpg.PostgresError as error:
        return str(error)
    return None


async def test_every_query_prepares_on_the_migrated_schema(database: Database) -> None:
    texts = _texts()
    async with database.connection() as connection, connection.transaction():
        if not await connection.fetchval("SELECT EXISTS (SELECT FROM pg_extension WHERE extname = 'timescaledb')"):
            texts = {name: text for name, text in texts.items() if _TIMESCALE_ONLY not in text}
        # Queries may speak of tables that their session makes first.
        made = {name for name, text in texts.items() if _TEMPORARY_TABLE.search(text)}
        for name in made:
            await connection.execute(texts[name])
        answers = {name: await _refused(connection, text) for name, text in texts.items() if name not in made}
    assert {name: answer for name, answer in answers.items() if answer} == {}
