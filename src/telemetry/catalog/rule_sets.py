"""Adding and editing rule sets with their base limits."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from core import errors as core_errors
from core.database import Database
from telemetry.catalog import errors, revisions
from telemetry.catalog.revisions import Expected
from telemetry.catalog.schemas.rule_sets import BaseLimit, NewRuleSet, RuleSet, RuleSetEdit
from telemetry.catalog.store import rule_sets as store
from telemetry.catalog.store.writing import changing


async def get(database: Any, code: str) -> RuleSet:
    """Takes a database or a connection."""
    found = await store.find(database, code)
    if found is None:
        raise errors.not_found(errors.RuleSetNotFound, "rule set", code)
    return found


async def create(database: Database, new: NewRuleSet) -> RuleSet:
    async with changing(database, code=new.code) as connection:
        await store.insert(connection, new)
        await _set_base_limits(connection, new.code, new.limits)
    return await get(database, new.code)


async def edit(database: Database, code: str, changes: RuleSetEdit, expected: Expected) -> RuleSet:
    async with changing(database) as connection:
        await store.lock(connection, code)
        current = await get(connection, code)
        revisions.check(current.revision, expected)
        kept = [BaseLimit(**limit.model_dump(exclude={"unit"}, by_alias=False)) for limit in current.limits]
        now = revisions.merged(NewRuleSet, current, changes, limits=kept)
        await store.update(connection, now)
        if "limits" in changes.model_fields_set:
            await _set_base_limits(connection, code, now.limits)
    return await get(database, code)


async def _set_base_limits(connection: Any, code: str, limits: Sequence[BaseLimit]) -> None:
    unknown = await store.unknown_symbols(connection, [limit.symbol for limit in limits])
    count = Counter((limit.symbol, limit.averaging) for limit in limits)
    faults = [
        core_errors.Fault("limits.symbol", symbol, "the symbol of an observed property of the catalogue")
        for symbol in unknown
    ] + [
        core_errors.Fault("limits", f"{symbol} ({averaging}) {n} times", "one base limit for each symbol and window")
        for (symbol, averaging), n in count.items()
        if n > 1
    ]
    if faults:
        raise errors.NotSuitable("The base limits cannot be kept.", faults=faults)
    await store.set_base_limits(connection, code, limits)
