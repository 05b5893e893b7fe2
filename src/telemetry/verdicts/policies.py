"""Averaging policies: how large a share of the data a verdict needs, for a rule set or a kind of station."""

from typing import Any

from core import errors as core_errors
from core import queries
from core.database import Database
from telemetry.catalog import revisions, rule_sets
from telemetry.catalog.revisions import Expected
from telemetry.catalog.store.writing import changing
from telemetry.verdicts import errors
from telemetry.verdicts.schemas import NewPolicy, Policy, PolicyTerms

_sql = queries.load(__file__, "policies")


async def every(database: Database) -> list[Policy]:
    """Those of rule sets first, then those of kinds of stations, then those for all."""
    return [_policy(row) for row in await database.fetch(_sql["policies_all"], None)]


async def get(database: Any, policy_id: int) -> Policy:
    """Takes a database or a connection."""
    row = await database.fetchrow(_sql["policies_all"], policy_id)
    if row is None:
        raise errors.PolicyNotFound(policy_id)
    return _policy(row)


def _policy(row: Any) -> Policy:
    members = dict(row)
    return Policy(window=members.pop("averaging"), **members)


async def create(database: Database, new: NewPolicy) -> Policy:
    async with changing(database) as connection:
        if new.rule_set is not None:
            await rule_sets.get(connection, new.rule_set)
        made = await connection.fetchval(
            _sql["policies_insert"], new.rule_set, new.station_kind, new.window, *_terms(new)
        )
        if made is None:
            of = f"{new.rule_set or new.station_kind}, {new.window}"
            fault = core_errors.Fault("window", of, "one without a policy, or an edit of the one that is there")
            raise errors.PolicyExists(f"There is a policy for {of}.", faults=[fault])
    return await get(database, made)


async def edit(database: Database, policy_id: int, terms: PolicyTerms, expected: Expected) -> Policy:
    """What was judged by the policy is judged again where it asks for another share."""
    async with changing(database) as connection:
        await connection.fetchval(_sql["policies_lock"], policy_id)
        current = await get(connection, policy_id)
        revisions.check(current.revision, expected)
        await connection.execute(_sql["policies_update"], policy_id, *_terms(terms))
    return await get(database, policy_id)


def _terms(terms: PolicyTerms) -> tuple[object, ...]:
    return terms.minimum_share, terms.label_end, terms.source, terms.confidence, terms.verified
