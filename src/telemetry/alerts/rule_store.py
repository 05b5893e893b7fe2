"""Rows of alert rules."""

import json
from dataclasses import dataclass
from typing import Any

from core import queries
from telemetry.alerts.rules import Book, Rule, book, defaults

_sql = queries.load(__file__, "alert_rules")


@dataclass(frozen=True, slots=True)
class KeptRule:
    """A rule of the table."""

    id: int
    rule: Rule
    revision: int


def _kept(row: Any) -> KeptRule:
    members = {name: row[name] for name in Rule.model_fields if name != "parameters"}
    return KeptRule(row["id"], Rule(**members, parameters=json.loads(row["parameters"])), row["revision"])


async def kept(database: Any) -> list[KeptRule]:
    """From the widest to the narrowest of each kind. Takes a database or a connection."""
    return [_kept(row) for row in await database.fetch(_sql["alert_rules_all"])]


async def read(database: Any) -> Book:
    """The rules of the table before those that the service comes with."""
    return book(defaults(), [found.rule for found in await kept(database)])
