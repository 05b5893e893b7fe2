"""Rows of rule sets and their base limits."""

from collections.abc import Sequence
from typing import Any

from core import queries
from core.database import Database
from telemetry.catalog.schemas.rule_sets import BaseLimit, KeptBaseLimit, NewRuleSet, RuleSet, RuleSetSummary

_sql = queries.load(__file__, "rule_sets")


async def page(database: Database, after: str | None, rows: int) -> list[RuleSetSummary]:
    return [RuleSetSummary(**row) for row in await database.fetch(_sql["rule_sets_page"], after, rows)]


async def find(database: Any, code: str) -> RuleSet | None:
    row = await database.fetchrow(_sql["rule_set_by_code"], code)
    if row is None:
        return None
    limits = await database.fetch(_sql["rule_set_base_limits"], code)
    return RuleSet(**row, limits=[KeptBaseLimit(**limit) for limit in limits])


async def lock(connection: Any, code: str) -> int | None:
    """The rule set's number, held until the transaction ends; None where there is none."""
    number: int | None = await connection.fetchval(_sql["rule_set_lock"], code)
    return number


async def unknown_symbols(connection: Any, symbols: Sequence[str]) -> list[str]:
    return [row["symbol"] for row in await connection.fetch(_sql["rule_set_unknown_symbols"], list(symbols))]


async def insert(connection: Any, new: NewRuleSet) -> None:
    await connection.execute(_sql["rule_set_insert"], *_values(new))


async def update(connection: Any, now: NewRuleSet) -> None:
    await connection.execute(_sql["rule_set_update"], *_values(now))


async def set_base_limits(connection: Any, code: str, limits: Sequence[BaseLimit]) -> None:
    await connection.execute(_sql["rule_set_base_limits_drop"], code)
    await connection.execute(
        _sql["rule_set_base_limits_insert"],
        code,
        [limit.symbol for limit in limits],
        [limit.averaging for limit in limits],
        [limit.lower for limit in limits],
        [limit.upper for limit in limits],
        [limit.scaled for limit in limits],
        [limit.oxygen_reference for limit in limits],
        [limit.limit_unit for limit in limits],
    )


def _values(rule_set: NewRuleSet) -> tuple[object, ...]:
    return (
        rule_set.code,
        rule_set.name_vi,
        rule_set.name_en,
        rule_set.legal_source,
        rule_set.confidence,
        rule_set.verified,
    )
