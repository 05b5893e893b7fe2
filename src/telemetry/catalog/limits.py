"""Limits of datastreams: from a permit, or from a rule set times the station's coefficients, with every input kept."""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic.alias_generators import to_camel

from core import errors as core_errors
from core import instants
from core.database import Database
from telemetry.catalog import errors, revisions, rule_sets, stations
from telemetry.catalog.coefficients import effective
from telemetry.catalog.revisions import Expected
from telemetry.catalog.schemas.limits import Applied, Limit, LimitEdit, NewLimit, RuleSetApplication, Span
from telemetry.catalog.schemas.rule_sets import KeptBaseLimit
from telemetry.catalog.store import datastreams as datastream_store
from telemetry.catalog.store import limits as store
from telemetry.catalog.store.limits import LimitRow, Provenance
from telemetry.catalog.store.writing import changing


def computed(datastream_id: int, base: KeptBaseLimit, coefficients: Mapping[str, float]) -> LimitRow:
    """The limit of a datastream; coefficients are kept only where they multiply."""
    used = dict(coefficients) if base.scaled else {}
    return LimitRow(
        datastream_id=datastream_id,
        averaging=base.averaging,
        base_lower=base.lower,
        base_upper=base.upper,
        coefficients=used,
        lower=effective(base.lower, used),
        upper=effective(base.upper, used),
        oxygen_reference=base.oxygen_reference,
        limit_unit=base.limit_unit,
    )


async def get(database: Any, limit_id: int) -> Limit:
    """Takes a database or a connection."""
    found = await store.find(database, limit_id)
    if found is None:
        raise errors.not_found(errors.LimitNotFound, "limit", limit_id)
    return found


async def enter(database: Database, new: NewLimit) -> Limit:
    """Enter the limit of a permit."""
    async with changing(database) as connection:
        station_id = await stations.held(connection, new.station)
        datastream_id = await store.datastream_of(connection, station_id, new.symbol)
        if datastream_id is None:
            raise errors.not_found(
                errors.DatastreamNotFound, "symbol", new.symbol, expected=f"a property that {new.station} observes"
            )
        bounds = new.lower, new.upper
        row = LimitRow(datastream_id, new.averaging, *bounds, {}, *bounds, new.oxygen_reference, new.limit_unit)
        await _make_room(connection, [row], "permit", new, replace=False)
        common = Provenance(None, new.valid_from, new.valid_to, new.legal_source, new.confidence, new.verified)
        ids = await store.insert(connection, [row], common)
    return await get(database, ids[0])


async def edit(database: Database, limit_id: int, changes: LimitEdit, expected: Expected) -> Limit:
    async with changing(database) as connection:
        await store.lock(connection, limit_id)
        current = await get(connection, limit_id)
        revisions.check(current.revision, expected)
        await store.update(connection, _edited(current, changes))
    return await get(database, limit_id)


def _edited(current: Limit, changes: LimitEdit) -> Limit:
    given = {name: getattr(changes, name) for name in changes.model_fields_set}
    if current.basis == "permit":
        now = revisions.merged(NewLimit, current, changes)
        return current.model_copy(update=given | {"base_lower": now.lower, "base_upper": now.upper})
    if bounds := given.keys() & {"lower", "upper", "oxygen_reference", "limit_unit"}:
        faults = [
            core_errors.Fault(
                to_camel(name), core_errors.shown(given[name]), "nothing: base value and coefficients give it"
            )
            for name in sorted(bounds)
        ]
        raise errors.LimitComputed(f"Apply {current.rule_set} again with other coefficients.", faults=faults)
    span = revisions.merged(Span, current, LimitEdit(**{k: v for k, v in given.items() if k == "valid_to"}))
    return current.model_copy(update=given | {"valid_to": span.valid_to})


async def withdraw(database: Database, limit_id: int, expected: Expected) -> None:
    """Take out a limit that was entered by mistake; one that no longer holds is ended with `validTo` instead."""
    async with changing(database) as connection:
        await store.lock(connection, limit_id)
        current = await get(connection, limit_id)
        revisions.check(current.revision, expected)
        await store.drop(connection, [limit_id])


async def apply(database: Database, station: str, wanted: RuleSetApplication) -> Applied:
    """Give every active datastream of the station the rule set's limit times the coefficients."""
    async with changing(database) as connection:
        station_id = await stations.held(connection, station)
        rule_set = await rule_sets.get(connection, wanted.rule_set)
        spelled = await datastream_store.spellings(connection, station_id)
        observed = {found.symbol: found.datastream_id for found in spelled}
        coefficients = wanted.coefficients.given()
        rows = [
            computed(observed[base.symbol], base, coefficients) for base in rule_set.limits if base.symbol in observed
        ]
        if not rows:
            fault = core_errors.Fault(
                "ruleSet", wanted.rule_set, f"a rule set with a base limit for {', '.join(observed) or '-'}"
            )
            raise errors.NotSuitable(f"{wanted.rule_set} limits nothing that {station} observes.", faults=[fault])
        await _make_room(connection, rows, "rule_set", wanted, replace=wanted.replace)
        ended = await store.end_rule_sets(connection, station_id, wanted.valid_from) if wanted.end_others else 0
        common = Provenance(
            rule_set=rule_set.code,
            valid_from=wanted.valid_from,
            valid_to=wanted.valid_to,
            legal_source=rule_set.legal_source,
            confidence=rule_set.confidence,
            verified=rule_set.verified,
        )
        ids = await store.insert(connection, rows, common)
        limits = await store.by_ids(connection, ids)
    limited = {base.symbol for base in rule_set.limits}
    return Applied(
        limits=limits,
        without_limit=sorted(observed.keys() - limited),
        without_datastream=sorted(limited - observed.keys()),
        ended=ended,
    )


async def _make_room(connection: Any, rows: Sequence[LimitRow], basis: str, span: Span, *, replace: bool) -> None:
    """Two limits of one basis and window never begin at one moment: the old ones go, or the request is refused."""
    there = await store.beginning(connection, rows, basis, span.valid_from)
    if not there:
        return
    if replace:
        await store.drop(connection, [number for number, _ in there])
        return
    begins = instants.text(span.valid_from)
    faults = [
        core_errors.Fault("validFrom", begins, f"another moment, or an edit of limit {number} of {name}")
        for number, name in there
    ]
    raise errors.LimitExists(f"{len(there)} of these limits begin at {begins} already.", faults=faults)
