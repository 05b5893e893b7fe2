"""Rows of alert rules."""

import json
from dataclasses import dataclass
from typing import Any

from core import queries
from telemetry.alerts.rules.book import Book, Rule, book, defaults

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


async def find(database: Any, rule_id: int) -> KeptRule | None:
    row = await database.fetchrow(_sql["alert_rule_by_id"], rule_id)
    return None if row is None else _kept(row)


async def lock(connection: Any, rule_id: int) -> KeptRule | None:
    """The rule, held until the transaction ends."""
    row = await connection.fetchrow(_sql["alert_rule_lock"], rule_id)
    return None if row is None else _kept(row)


async def insert(connection: Any, rule: Rule) -> int:
    """The id of the new rule, whose station and property are there."""
    number: int = await connection.fetchval(
        _sql["alert_rule_insert"], rule.kind, rule.station_kind, rule.symbol, rule.station, *_values(rule)
    )
    return number


async def update(connection: Any, rule_id: int, rule: Rule) -> None:
    await connection.execute(_sql["alert_rule_update"], rule_id, *_values(rule))


async def delete(connection: Any, rule_id: int) -> None:
    await connection.execute(_sql["alert_rule_delete"], rule_id)


def _values(rule: Rule) -> tuple[object, ...]:
    return (
        rule.enabled,
        rule.severity,
        rule.raise_after_seconds,
        rule.clear_after_seconds,
        rule.hysteresis,
        rule.escalate_after_seconds,
        json.dumps(rule.parameters),
        rule.source,
        rule.verified,
    )
