"""Adding, editing and withdrawing alert rules, and which one holds for a datastream."""

from collections.abc import Sequence
from typing import Any

from pydantic import ValidationError

from core import errors as core_errors
from core.database import Database
from telemetry.alerts import errors, kinds
from telemetry.alerts.changing import changing
from telemetry.alerts.kinds import KINDS, About, Kind
from telemetry.alerts.rules import store
from telemetry.alerts.rules.book import Rule, book, defaults
from telemetry.alerts.rules.schemas import AlertRule, AlertRuleEdit, AlertRuleValues, EffectiveRule, NewAlertRule, shown
from telemetry.alerts.rules.store import KeptRule
from telemetry.catalog import properties, revisions, stations
from telemetry.catalog.errors import NotSuitable, not_found
from telemetry.catalog.revisions import Expected


async def every(database: Any) -> list[AlertRule]:
    """Those of the table, and those that the service comes with and that no other takes the place of; by subject."""
    kept = await store.kept(database)
    taken = {found.rule.key for found in kept}
    rules = [shown(found.rule, found.id, found.revision) for found in kept]
    rules += [shown(rule, None, None) for rule in defaults() if rule.key not in taken]
    return sorted(rules, key=lambda rule: (rule.kind, rule.station or "", rule.symbol or "", rule.station_kind or ""))


async def get(database: Any, rule_id: int) -> AlertRule:
    found = await store.find(database, rule_id)
    return _shown(_there(found, rule_id))


async def create(database: Database, new: NewAlertRule) -> AlertRule:
    async with changing(database) as connection:
        await _check(connection, new)
        rule_id = await store.insert(connection, _rule(new))
    return await get(database, rule_id)


async def edit(
    database: Database, rule_id: int, changes: AlertRuleEdit | AlertRuleValues, expected: Expected
) -> AlertRule:
    """With values as a whole in the place of the former ones, or with some members."""
    async with changing(database) as connection:
        current = _there(await store.lock(connection, rule_id), rule_id)
        revisions.check(current.revision, expected)
        if isinstance(changes, AlertRuleEdit):
            now = revisions.merged(NewAlertRule, _shown(current), changes)
        else:
            now = NewAlertRule(**dict(changes), **_key(current.rule))
        _refuse(parameter_faults(now))
        await store.update(connection, rule_id, _rule(now))
    return await get(database, rule_id)


async def withdraw(database: Database, rule_id: int, expected: Expected) -> None:
    """What is wider holds from then on."""
    async with changing(database) as connection:
        current = _there(await store.lock(connection, rule_id), rule_id)
        revisions.check(current.revision, expected)
        await store.delete(connection, rule_id)


async def effective(database: Any, station: str, symbol: str | None, kind: Kind | None) -> list[EffectiveRule]:
    """The rule of each kind that can be about the datastream, or about the station where no symbol is given."""
    station_kind = (await stations.get(database, station)).kind
    if symbol is not None:
        await properties.get(database, symbol)
    kept = await store.kept(database)
    rules = book(defaults(), [found.rule for found in kept])
    numbered = {found.rule.key: found for found in kept}
    asked = [kind] if kind is not None else [kind for kind in Kind if _fits(kind, symbol)]
    found = []
    for one in asked:
        rule = rules.effective(one, station_kind, symbol, station)
        row = numbered.get(rule.key)
        settled = rule.model_copy(update={"parameters": kinds.complete(one, rule.parameters)})
        document = shown(settled, row.id if row else None, row.revision if row else None)
        found.append(EffectiveRule(**dict(document)))
    return found


def _fits(kind: Kind, symbol: str | None) -> bool:
    if symbol is not None:
        return KINDS[kind].about is About.DATASTREAM
    # The quarantine is looked at station by station, too.
    return KINDS[kind].about is About.STATION or kind is Kind.QUARANTINE_GROWING


def subject_faults(new: NewAlertRule) -> list[core_errors.Fault]:
    """What the rule names although its kind is not about it."""
    about = KINDS[new.kind].about
    found = []
    if new.symbol is not None and about is not About.DATASTREAM:
        found.append(core_errors.Fault("symbol", new.symbol, f"nothing: {new.kind} is about a {about} as a whole"))
    if new.kind is Kind.JOB_STUCK:
        found += [
            core_errors.Fault(name, str(value), "nothing: job-stuck is about the network as a whole")
            for name, value in (("stationKind", new.station_kind), ("station", new.station))
            if value is not None
        ]
    return found


def parameter_faults(new: NewAlertRule) -> list[core_errors.Fault]:
    return kinds.faults(new.kind, new.parameters)


async def _check(connection: Any, new: NewAlertRule) -> None:
    _refuse([*subject_faults(new), *parameter_faults(new)])
    if new.symbol is not None:
        await properties.get(connection, new.symbol)
    if new.station is not None:
        station = await stations.get(connection, new.station)
        if new.station_kind not in {None, station.kind}:
            fault = core_errors.Fault(
                "stationKind", str(new.station_kind), f"{station.kind}, as {new.station} is, or null"
            )
            _refuse([fault])


def _refuse(faults: Sequence[core_errors.Fault]) -> None:
    if faults:
        raise NotSuitable(f"Not valid: {', '.join(fault.field for fault in faults)}.", faults=faults)


def _rule(new: NewAlertRule) -> Rule:
    try:
        return Rule(**dict(new))
    except ValidationError as failure:
        raise NotSuitable.because(failure) from failure


def _there(found: KeptRule | None, rule_id: int) -> KeptRule:
    if found is None:
        raise no_rule(rule_id)
    return found


def no_rule(rule_id: int) -> core_errors.NotFound:
    return not_found(errors.AlertRuleNotFound, "alert rule", rule_id, expected="the id of a rule of the table")


def _shown(kept: KeptRule) -> AlertRule:
    return shown(kept.rule, kept.id, kept.revision)


def _key(rule: Rule) -> dict[str, Any]:
    return {name: getattr(rule, name) for name in ("kind", "station_kind", "symbol", "station")}
