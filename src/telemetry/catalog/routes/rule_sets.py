"""Rule sets over HTTP."""

from fastapi import APIRouter, Response

from core import access, paging
from core.access import StaffOnly, Steward
from core.database import Opened
from core.rights import Right
from telemetry.catalog import errors, rule_sets
from telemetry.catalog.routes import answers
from telemetry.catalog.schemas import fields
from telemetry.catalog.schemas.rule_sets import NewRuleSet, RuleSet, RuleSetEdit, RuleSetSummary
from telemetry.catalog.store import rule_sets as store

router = APIRouter(prefix="/v1/rule-sets", tags=["rule sets"])


@router.get("", summary="List rule sets", responses=answers.refusals())
async def list_rule_sets(
    _: StaffOnly, opened: Opened, cursor: paging.CursorText = None, limit: paging.PageSize = 1000
) -> paging.Page[RuleSetSummary]:
    """Rule sets by code, with their legal source and how sure their numbers are."""
    (code,) = paging.after(cursor, str)
    found = await store.page(opened, code, limit + 1)
    following = paging.next_cursor(found, limit, lambda item: (item.code,))
    return paging.Page[RuleSetSummary](items=found[:limit], next_cursor=following)


@router.post(
    "", status_code=201, summary="Add a rule set", responses=answers.refusals(errors.NotSuitable, errors.Taken)
)
async def create_rule_set(staff: Steward, opened: Opened, new: NewRuleSet, response: Response) -> RuleSet:
    """Add a rule set with its base limits, before coefficients. It limits nothing until it is applied to stations.

    Needs catalog.edit, not narrowed.
    """
    access.require_everywhere(staff, Right.EDIT_CATALOG)
    made = await rule_sets.create(opened, new)
    answers.log_change(staff, "rule_set_added", made.code)
    answers.tag(response, made.revision)
    response.headers["Location"] = f"/v1/rule-sets/{made.code}"
    return made


@router.get("/{code}", summary="Read a rule set", responses=answers.refusals(errors.RuleSetNotFound))
async def read_rule_set(_: StaffOnly, opened: Opened, code: fields.RuleSetCode, response: Response) -> RuleSet:
    """One rule set with its base limits; its `ETag` is what an edit sends as `If-Match`."""
    found = await rule_sets.get(opened, code)
    answers.tag(response, found.revision)
    return found


@router.patch(
    "/{code}",
    summary="Edit a rule set",
    responses=answers.refusals(errors.NotSuitable, errors.RuleSetNotFound, edits=True),
)
async def edit_rule_set(
    staff: Steward,
    opened: Opened,
    code: fields.RuleSetCode,
    changes: RuleSetEdit,
    expected: answers.IfMatch,
    response: Response,
) -> RuleSet:
    """Change the members that are sent; `limits` replaces all base limits.

    Limits that the rule set gave to stations before keep their numbers: apply it again where they must change.

    Needs catalog.edit, not narrowed.
    """
    access.require_everywhere(staff, Right.EDIT_CATALOG)
    now = await rule_sets.edit(opened, code, changes, expected)
    answers.log_change(staff, "rule_set_edited", code, revision=now.revision)
    answers.tag(response, now.revision)
    return now
