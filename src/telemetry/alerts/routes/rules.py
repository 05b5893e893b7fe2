"""Alert rules over HTTP: a rule decides who is called at night.

Rules that name a station are read by who may read it. Changing a rule needs the right `catalog.edit` on all stations
that it can hold for.
"""

from typing import Annotated

import structlog
from fastapi import APIRouter, Depends, Query, Request, Response

from core import access, paging
from core.access import StaffOnly, Steward
from core.database import Database, Opened
from core.rights import Right
from telemetry.alerts import errors
from telemetry.alerts.kinds import Kind
from telemetry.alerts.rules import ruling
from telemetry.alerts.rules.schemas import AlertRule, AlertRuleEdit, AlertRuleValues, EffectiveRule, NewAlertRule
from telemetry.catalog import errors as catalog_errors
from telemetry.catalog import sight
from telemetry.catalog.routes import answers
from telemetry.catalog.schemas import fields
from telemetry.catalog.snapshot import Snapshot

router = APIRouter(prefix="/v1/alert-rules", tags=["alert rules"])

_log = structlog.get_logger(__name__)

KindQuery = Annotated[Kind | None, Query(description="Rules of this kind only.")]


def _snapshot(request: Request) -> Snapshot:
    found: Snapshot = request.app.state.catalog.snapshot
    return found


Catalog = Annotated[Snapshot, Depends(_snapshot)]


def _sees(within: frozenset[str] | None, rule: AlertRule) -> bool:
    """Whether the rule is of a station within reach; one that names no station tells of none."""
    return within is None or rule.station is None or rule.station in within


async def _seen(opened: Database, staff: access.Staff, rule_id: int) -> AlertRule:
    found = await ruling.get(opened, rule_id)
    if not _sees(access.reached(staff), found):
        raise ruling.no_rule(rule_id)
    return found


def _require(staff: access.Staff, catalog: Snapshot, station: str | None, station_kind: str | None) -> None:
    """Raise Forbidden where the rule can hold for a station that the right does not reach."""
    if station is not None:
        access.require(staff, Right.EDIT_CATALOG, station)
    else:
        sight.require_kind(staff, Right.EDIT_CATALOG, station_kind, catalog)


async def _edited(staff: Steward, opened: Opened, catalog: Catalog, rule_id: fields.Identifier) -> int:
    """Dependency: the id of a rule that may be changed."""
    found = await _seen(opened, staff, rule_id)
    _require(staff, catalog, found.station, found.station_kind)
    return rule_id


Edited = Annotated[int, Depends(_edited)]


def _log_change(staff: access.Staff, action: str, rule: AlertRule) -> None:
    about = " ".join(filter(None, (rule.kind, rule.station_kind, rule.symbol, rule.station)))
    _log.info(f"alert_rule.{action}", by=staff.name, rule=rule.id, subject=about)


@router.get("", summary="List alert rules", responses=answers.refusals())
async def list_alert_rules(
    staff: StaffOnly,
    opened: Opened,
    kind: KindQuery = None,
    station: Annotated[fields.Code | None, Query(description="Rules that name this station.")] = None,
    station_kind: Annotated[
        fields.StationKind | None, Query(alias="stationKind", description="Rules that name this kind of station.")
    ] = None,
    symbol: Annotated[fields.Symbol | None, Query(description="Rules that name this property.")] = None,
) -> paging.Page[AlertRule]:
    """All rules on one page, by kind and subject, those that the service comes with among them.

    Left out are rules that name a station that you may not read.

    Of the rules that fit a datastream the one that names the most holds: its station, then its property, then the kind
    of its station. Parameters that it leaves out come from the wider ones.

    Needs the right `network.read`.
    """
    within = access.reached(staff)
    found = [
        rule
        for rule in await ruling.every(opened)
        if kind in {None, rule.kind}
        and station in {None, rule.station}
        and station_kind in {None, rule.station_kind}
        and symbol in {None, rule.symbol}
        and _sees(within, rule)
    ]
    return paging.Page[AlertRule](items=found)


@router.get(
    "/effective",
    summary="Read the rules that hold for a datastream or station",
    responses=answers.refusals(catalog_errors.StationNotFound, catalog_errors.ObservedPropertyNotFound),
)
async def read_effective_rules(
    staff: StaffOnly,
    opened: Opened,
    station: Annotated[fields.Code, Query(description="Code of the station.", examples=["TH-NT-001"])],
    symbol: Annotated[
        fields.Symbol | None, Query(description="Symbol of the property; without it the kinds about stations.")
    ] = None,
    kind: KindQuery = None,
) -> paging.Page[EffectiveRule]:
    """One rule for each kind, with every parameter that the evaluation uses, and the id of the row that it is from.

    Needs the right `network.read`.
    """
    sight.check_station(staff, station)
    return paging.Page[EffectiveRule](items=await ruling.effective(opened, station, symbol, kind))


@router.post(
    "",
    status_code=201,
    summary="Add an alert rule",
    responses=answers.refusals(
        catalog_errors.NotSuitable,
        catalog_errors.StationNotFound,
        catalog_errors.ObservedPropertyNotFound,
        errors.AlertRuleTaken,
    ),
)
async def create_alert_rule(
    staff: Steward, opened: Opened, catalog: Catalog, new: NewAlertRule, response: Response
) -> AlertRule:
    """Add a rule; for the subject of one that the service comes with, it takes that one's place.

    Needs the right `catalog.edit` on its station, on all stations of its kind of station, or on all.
    """
    if new.station is not None:
        sight.check_station(staff, new.station)
    _require(staff, catalog, new.station, new.station_kind)
    made = await ruling.create(opened, new)
    _log_change(staff, "added", made)
    answers.tag(response, made.revision or 0)
    response.headers["Location"] = f"/v1/alert-rules/{made.id}"
    return made


@router.get("/{rule_id}", summary="Read an alert rule", responses=answers.refusals(errors.AlertRuleNotFound))
async def read_alert_rule(
    staff: StaffOnly, opened: Opened, rule_id: fields.Identifier, response: Response
) -> AlertRule:
    """One rule of the table; its `ETag` is what an edit sends as `If-Match`. Needs the right `network.read`."""
    found = await _seen(opened, staff, rule_id)
    answers.tag(response, found.revision or 0)
    return found


@router.put(
    "/{rule_id}",
    summary="Replace an alert rule",
    responses=answers.refusals(catalog_errors.NotSuitable, errors.AlertRuleNotFound, edits=True),
)
async def replace_alert_rule(
    staff: Steward,
    opened: Opened,
    rule_id: Edited,
    values: AlertRuleValues,
    expected: answers.IfMatch,
    response: Response,
) -> AlertRule:
    """Give it other values as a whole; what is left out is as in a new rule. For whom it holds never changes.

    Needs the right `catalog.edit` on all stations that it can hold for.
    """
    now = await ruling.edit(opened, rule_id, values, expected)
    _log_change(staff, "replaced", now)
    answers.tag(response, now.revision or 0)
    return now


@router.patch(
    "/{rule_id}",
    summary="Edit an alert rule",
    responses=answers.refusals(catalog_errors.NotSuitable, errors.AlertRuleNotFound, edits=True),
)
async def edit_alert_rule(
    staff: Steward,
    opened: Opened,
    rule_id: Edited,
    changes: AlertRuleEdit,
    expected: answers.IfMatch,
    response: Response,
) -> AlertRule:
    """Change the members that are sent. Alerts that are open are judged by it from their next readings on.

    Needs the right `catalog.edit` on all stations that it can hold for.
    """
    now = await ruling.edit(opened, rule_id, changes, expected)
    _log_change(staff, "edited", now)
    answers.tag(response, now.revision or 0)
    return now


@router.delete(
    "/{rule_id}",
    status_code=204,
    summary="Withdraw an alert rule",
    responses=answers.refusals(errors.AlertRuleNotFound, edits=True),
)
async def withdraw_alert_rule(staff: Steward, opened: Opened, rule_id: Edited, expected: answers.IfMatch) -> None:
    """Take a rule out; the next wider one holds, in the end the one that the service comes with.

    Needs the right `catalog.edit` on all stations that it can hold for.
    """
    await ruling.withdraw(opened, rule_id, expected)
    _log.info("alert_rule.withdrawn", by=staff.name, rule=rule_id)
