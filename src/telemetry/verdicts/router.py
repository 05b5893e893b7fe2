"""HTTP interface to verdicts and averaging policies."""

from datetime import datetime
from typing import Annotated

import structlog
from fastapi import APIRouter, Depends, Path, Query, Request, Response

from core import access, instants, paging
from core.access import StaffOnly, Steward
from core.database import Opened
from core.instants import Zone
from core.rights import Right
from core.wire import QueryInstant
from telemetry.catalog import errors as catalog_errors
from telemetry.catalog import sight
from telemetry.catalog.routes import answers as catalog_answers
from telemetry.catalog.schemas.fields import Code, Identifier, Symbol
from telemetry.catalog.snapshot import Snapshot
from telemetry.series import answers, export
from telemetry.series.router import ListForm
from telemetry.verdicts import asking, errors, judging, policies, schemas, showing, store, tables

router = APIRouter(prefix="/v1", tags=["verdicts"])
_log = structlog.get_logger(__name__)

Station = Annotated[Code | None, Query(description="Code of a station.", examples=["TH-KT-032"])]
SymbolQuery = Annotated[Symbol | None, Query(description="Symbol of the observed property.", examples=["SO2"])]
WindowQuery = Annotated[schemas.Window | None, Query(description="Averages over this window only.")]


def _snapshot(request: Request) -> Snapshot:
    found: Snapshot = request.app.state.catalog.snapshot
    return found


Catalog = Annotated[Snapshot, Depends(_snapshot)]
PolicyId = Annotated[Identifier, Path(description="Id of the policy.", examples=[3])]


@router.get(
    "/verdicts",
    summary="List verdicts",
    response_model=paging.Page[schemas.Verdict],
    responses={
        200: {"content": answers.CSV_CONTENT},
        **catalog_answers.refusals(catalog_errors.StationNotFound, paging.InvalidCursor),
    },
)
async def list_verdicts(
    staff: StaffOnly,
    opened: Opened,
    station: Station = None,
    symbol: SymbolQuery = None,
    window: WindowQuery = None,
    verdict: Annotated[schemas.VerdictName | None, Query(description="Verdicts of this kind only.")] = None,
    since: Annotated[
        QueryInstant | None, Query(alias="from", description="Periods that end after this instant.")
    ] = None,
    until: Annotated[QueryInstant | None, Query(alias="to", description="Periods that begin before this.")] = None,
    limit: paging.PageSize = 1000,
    cursor: paging.CursorText = None,
    zone: Annotated[Zone, Query(description="The zone in which CSV writes times.")] = Zone.UTC,
    form: Annotated[ListForm | None, Query(alias="format", description="Goes before `Accept`.")] = None,
    accept: answers.Accept = "",
) -> Response:
    """Verdicts in force, newest period first, each with its numbers and the limit and policy it was reached by.

    Needs the right `network.read`; shown are those of the stations that it reaches. CSV has
    the same page as JSON; the cursor of the next one is in the header `X-Next-Cursor` then.
    """
    visible = await sight.stations_asked(opened, staff, station)
    time, number = paging.after(cursor, datetime, int)
    asked = store.Filter(visible, symbol, window, verdict, since, until)
    found = await store.page(opened, asked, (time, number), limit + 1)
    following = paging.next_cursor(found, limit, lambda item: (item.period_end, item.id))
    page = paging.Page[schemas.Verdict](items=found[:limit], next_cursor=following)
    if not answers.csv_wanted(form, accept):
        return answers.json(page.model_dump(mode="json"))
    answer = answers.table("verdicts", export.table(tables.HEADER, tables.rows(page.items, zone)))
    if following is not None:
        answer.headers["X-Next-Cursor"] = following
    return answer


@router.get(
    "/verdicts/provisional",
    summary="Ask what a verdict would be now",
    responses=catalog_answers.refusals(catalog_errors.StationNotFound),
)
async def read_provisional_verdicts(
    staff: StaffOnly,
    opened: Opened,
    station: Annotated[Code, Query(description="Code of the station.", examples=["TH-KK-01"])],
    symbol: SymbolQuery = None,
    window: Annotated[schemas.Window, Query(description="The window.")] = "year",
) -> list[schemas.Provisional]:
    """The periods under way as if they ended now: what is still to come is not expected. Nothing of it is kept.

    Needs the right `network.read`.
    """
    await sight.stations_asked(opened, staff, station)
    return await showing.provisional(opened, station, symbol, window, instants.now())


@router.get("/verdicts/legend", summary="Read what each verdict means", responses=catalog_answers.refusals())
async def read_verdict_legend(_: StaffOnly) -> list[schemas.Meaning]:
    """Every verdict and every reason for none, with a label in Vietnamese and a sentence in English.

    Needs the right `network.read`.
    """
    return [schemas.Meaning(name=name, label_vi=vi, label_en=en) for name, (vi, en) in judging.LEGEND.items()]


@router.post(
    "/verdicts/judge",
    status_code=202,
    summary="Have a span judged again",
    responses=catalog_answers.refusals(catalog_errors.StationNotFound, errors.NothingToJudge),
)
async def judge_again(staff: Steward, opened: Opened, wanted: schemas.JudgeRequest) -> schemas.JudgeAnswer:
    """Put every closed period that overlaps the span on the agenda of the judging process.

    The outcome is a function of the stored data and limits: where nothing that counts changed, nothing changes. Needs
    the right `catalog.edit` on the station.
    """
    sight.check_station(staff, wanted.station)
    access.require(staff, Right.EDIT_CATALOG, wanted.station)
    count = await asking.ask(opened, wanted, staff.name)
    _log.info("verdicts.asked", by=staff.name, station=wanted.station, symbol=wanted.symbol)
    return schemas.JudgeAnswer(datastreams=count)


@router.get(
    "/verdicts/{verdict_id}",
    summary="Read a verdict with the data behind it",
    responses=catalog_answers.refusals(errors.VerdictNotFound),
)
async def read_verdict(
    staff: StaffOnly, opened: Opened, verdict_id: Annotated[schemas.Id, Path(description="Id.", examples=[48211])]
) -> schemas.VerdictDetail:
    """One verdict with its past, the observations of its period and the receipts that they came with.

    A verdict that was withdrawn is answered by its last state among the former ones.

    Needs the right `network.read`.
    """
    return await showing.detail(opened, verdict_id, lambda station: access.may_read(staff, station))


@router.get("/averaging-policies", summary="List averaging policies", responses=catalog_answers.refusals())
async def list_averaging_policies(_: StaffOnly, opened: Opened) -> list[schemas.Policy]:
    """For a limit holds the policy of its rule set, else that of the station's kind, else the one for all.

    Needs the right `network.read`.
    """
    return await policies.every(opened)


@router.post(
    "/averaging-policies",
    status_code=201,
    summary="Add an averaging policy",
    responses=catalog_answers.refusals(catalog_errors.NotSuitable, catalog_errors.RuleSetNotFound, errors.PolicyExists),
)
async def create_averaging_policy(
    staff: Steward, opened: Opened, catalog: Catalog, new: schemas.NewPolicy, response: Response
) -> schemas.Policy:
    """Add a policy for a rule set, or for a kind of station; what it holds for is judged again.

    Needs the right `catalog.edit` on all stations of the kind; for a rule set on all stations.
    """
    sight.require_kind(staff, Right.EDIT_CATALOG, new.station_kind, catalog)
    made = await policies.create(opened, new)
    catalog_answers.log_change(staff, "averaging_policy_added", str(made.id))
    catalog_answers.tag(response, made.revision)
    response.headers["Location"] = f"/v1/averaging-policies/{made.id}"
    return made


@router.get(
    "/averaging-policies/{policy_id}",
    summary="Read an averaging policy",
    responses=catalog_answers.refusals(errors.PolicyNotFound),
)
async def read_averaging_policy(
    _: StaffOnly, opened: Opened, policy_id: PolicyId, response: Response
) -> schemas.Policy:
    """One policy; its `ETag` is what an edit sends as `If-Match`. Needs the right `network.read`."""
    found = await policies.get(opened, policy_id)
    catalog_answers.tag(response, found.revision)
    return found


@router.put(
    "/averaging-policies/{policy_id}",
    summary="Change an averaging policy",
    responses=catalog_answers.refusals(errors.PolicyNotFound, edits=True),
)
async def edit_averaging_policy(
    staff: Steward,
    opened: Opened,
    catalog: Catalog,
    policy_id: PolicyId,
    terms: schemas.PolicyTerms,
    expected: catalog_answers.IfMatch,
    response: Response,
) -> schemas.Policy:
    """Replace the terms of a policy. Where it asks for another share, what was judged by it is judged again.

    Needs the right `catalog.edit` on all stations of its kind; for one of a rule set or for all, on all stations.
    """
    sight.require_kind(staff, Right.EDIT_CATALOG, (await policies.get(opened, policy_id)).station_kind, catalog)
    now = await policies.edit(opened, policy_id, terms, expected)
    catalog_answers.log_change(staff, "averaging_policy_edited", str(policy_id), revision=now.revision)
    catalog_answers.tag(response, now.revision)
    return now
