"""Webhooks over HTTP: whom to tell of what, and what became of it."""

from datetime import timedelta
from typing import Annotated

import structlog
from fastapi import APIRouter, Depends, Path, Query, Request, Response

from core import paging
from core.access import Staff
from core.database import Opened
from core.wire import WholeNumber
from telemetry.catalog.routes import answers
from telemetry.catalog.schemas import fields
from telemetry.hooks.errors import FilterUnknown
from telemetry.hooks.rights import Manager, Reader
from telemetry.hooks.webhooks import delivery_store, errors, managing, schemas, store
from telemetry.hooks.webhooks.managing import Desk

_log = structlog.get_logger(__name__)

router = APIRouter(prefix="/v1/webhooks", tags=["webhooks"])


def _desk(request: Request) -> Desk:
    desk: Desk = request.app.state.webhooks
    return desk


AtDesk = Annotated[Desk, Depends(_desk)]


def _log_change(staff: Staff, action: str, number: int, **more: object) -> None:
    """Who did what to which webhook. Its address is not told: some hold a secret."""
    _log.info(f"webhook.{action}", by=staff.name, webhook=number, **more)


@router.get("", summary="List webhooks", responses=answers.refusals())
async def list_webhooks(
    _: Reader, opened: Opened, cursor: paging.CursorText = None, limit: paging.PageSize = 100
) -> paging.Page[schemas.Webhook]:
    """Webhooks in the order that they were made, with how each receiver is doing. Needs `hooks.see` everywhere."""
    (after,) = paging.after(cursor, int, greatest=fields.LARGEST_ID)
    found = await store.page(opened, after, limit + 1)
    following = paging.next_cursor(found, limit, lambda item: (item.id,))
    return paging.Page[schemas.Webhook](items=found[:limit], next_cursor=following)


@router.post(
    "",
    status_code=201,
    summary="Add a webhook",
    responses=answers.refusals(FilterUnknown, errors.ReceiverRefused, errors.KeyMissing),
)
async def create_webhook(
    staff: Manager, opened: Opened, desk: AtDesk, new: schemas.NewWebhook, response: Response
) -> schemas.WebhookWithSecret:
    """Add a webhook; this answer is the only one that shows its secret. Needs `hooks.manage` everywhere.

    Deliveries follow Standard Webhooks: `webhook-id` is the same at every attempt, `webhook-signature` is made with the
    secret. Answer 2xx within 15 s; 410 disables the webhook; anything else is tried again, for three days in all.
    """
    made = await managing.create(opened, desk, new, staff.name)
    _log_change(staff, "added", made.webhook.id)
    answers.tag(response, made.webhook.revision)
    response.headers["Location"] = f"/v1/webhooks/{made.webhook.id}"
    return made


@router.get("/{number}", summary="Read a webhook", responses=answers.refusals(errors.WebhookNotFound))
async def read_webhook(_: Reader, opened: Opened, number: fields.Identifier, response: Response) -> schemas.Webhook:
    """One webhook; its `ETag` is what an edit sends as `If-Match`. Needs `hooks.see` everywhere."""
    found = await managing.get(opened, number)
    answers.tag(response, found.revision)
    return found


@router.patch(
    "/{number}",
    summary="Edit a webhook",
    responses=answers.refusals(FilterUnknown, errors.ReceiverRefused, errors.WebhookNotFound, edits=True),
)
async def edit_webhook(
    staff: Manager,
    opened: Opened,
    desk: AtDesk,
    number: fields.Identifier,
    changes: schemas.WebhookEdit,
    expected: answers.IfMatch,
    response: Response,
) -> schemas.Webhook:
    """Change the members that are sent; the others stay as they are. Needs `hooks.manage` everywhere.

    What is written down already goes to the new address too, and by the former filters.
    """
    now = await managing.edit(opened, desk, number, changes, expected)
    _log_change(staff, "edited", number, revision=now.revision)
    answers.tag(response, now.revision)
    return now


@router.delete(
    "/{number}",
    status_code=204,
    summary="Delete a webhook",
    responses=answers.refusals(errors.WebhookNotFound, edits=True),
)
async def delete_webhook(staff: Manager, opened: Opened, number: fields.Identifier, expected: answers.IfMatch) -> None:
    """Take out a webhook with its secrets, what waits for it and its log. Needs `hooks.manage` everywhere."""
    await managing.delete(opened, number, expected)
    _log_change(staff, "deleted", number)


@router.post("/{number}/enable", summary="Enable a webhook", responses=answers.refusals(errors.WebhookNotFound))
async def enable_webhook(
    staff: Manager, opened: Opened, number: fields.Identifier, response: Response
) -> schemas.Webhook:
    """Send again, from now on; a replay sends what was given up in the meantime. Needs `hooks.manage` everywhere."""
    now = await managing.enable(opened, number)
    _log_change(staff, "enabled", number)
    answers.tag(response, now.revision)
    return now


@router.post("/{number}/disable", summary="Disable a webhook", responses=answers.refusals(errors.WebhookNotFound))
async def disable_webhook(
    staff: Manager, opened: Opened, number: fields.Identifier, response: Response
) -> schemas.Webhook:
    """Send nothing more. What waits becomes dead letters, and what happens is not written down.

    Needs `hooks.manage` everywhere.
    """
    now = await managing.disable(opened, number)
    _log_change(staff, "disabled_by_hand", number)
    answers.tag(response, now.revision)
    return now


@router.post(
    "/{number}/rotate",
    summary="Give a webhook a new secret",
    responses=answers.refusals(errors.WebhookNotFound, errors.KeyMissing),
)
async def rotate_webhook_secret(
    staff: Manager,
    opened: Opened,
    desk: AtDesk,
    number: fields.Identifier,
    rotation: schemas.Rotation,
    response: Response,
) -> schemas.WebhookWithSecret:
    """A new secret, shown in this answer only. Needs `hooks.manage` everywhere.

    Until the overlap is over deliveries carry two signatures, one of each secret, so that the receiver can change over
    at any time. A secret that still ran from an earlier rotation ends at once.
    """
    made = await managing.rotate(opened, desk, number, timedelta(hours=rotation.overlap_hours))
    _log_change(staff, "secret_rotated", number, overlap_hours=rotation.overlap_hours)
    answers.tag(response, made.webhook.revision)
    return made


@router.post(
    "/{number}/test",
    status_code=202,
    summary="Send a test",
    responses=answers.refusals(errors.WebhookNotFound, errors.WebhookDisabled),
)
async def test_webhook(staff: Manager, opened: Opened, number: fields.Identifier) -> schemas.Queued:
    """Queue a `webhook.test`, which is tried once. Its delivery tells what came of it.

    Needs `hooks.manage` everywhere.
    """
    made = await managing.send_test(opened, number)
    _log_change(staff, "tested", number, delivery=made)
    return schemas.Queued(delivery=made)


@router.get(
    "/{number}/deliveries", summary="List deliveries of a webhook", responses=answers.refusals(errors.WebhookNotFound)
)
async def list_webhook_deliveries(
    _: Reader,
    opened: Opened,
    number: fields.Identifier,
    state: Annotated[schemas.State | None, Query(description="Only those; `dead` are dead letters.")] = None,
    cursor: paging.CursorText = None,
    limit: paging.PageSize = 100,
) -> paging.Page[schemas.Delivery]:
    """Deliveries, newest first. Needs `hooks.see` everywhere."""
    (before,) = paging.after(cursor, int)
    await managing.get(opened, number)
    found = await delivery_store.page(opened, number, state, before, limit + 1)
    following = paging.next_cursor(found, limit, lambda item: (item.id,))
    return paging.Page[schemas.Delivery](items=found[:limit], next_cursor=following)


DeliveryId = Annotated[WholeNumber, Path(ge=1, le=2**63 - 1)]
_OF_ONE = answers.refusals(errors.WebhookNotFound, errors.DeliveryNotFound)


@router.get("/{number}/deliveries/{delivery}", summary="Read a delivery with its attempts", responses=_OF_ONE)
async def read_webhook_delivery(
    _: Reader, opened: Opened, number: fields.Identifier, delivery: DeliveryId
) -> schemas.DeliveryInFull:
    """One delivery with its body and every attempt: when, how long, status, what went wrong.

    Needs `hooks.see` everywhere.
    """
    return await managing.delivery(opened, number, delivery)


@router.post(
    "/{number}/deliveries/{delivery}/replay",
    summary="Send a delivery again",
    responses=answers.refusals(errors.WebhookNotFound, errors.DeliveryNotFound, errors.WebhookDisabled),
)
async def replay_webhook_delivery(
    staff: Reader, opened: Opened, number: fields.Identifier, delivery: DeliveryId
) -> schemas.DeliveryInFull:
    """Send a delivery again under its `webhook-id`, as if it were new, whatever came of it.

    Needs `hooks.see` everywhere.
    """
    again = await managing.replay_one(opened, number, delivery)
    _log_change(staff, "delivery_replayed", number, delivery=delivery)
    return again


@router.post(
    "/{number}/replay",
    summary="Send dead letters again",
    responses=answers.refusals(errors.WebhookNotFound, errors.WebhookDisabled),
)
async def replay_webhook(
    staff: Reader, opened: Opened, number: fields.Identifier, wish: schemas.ReplayWish
) -> schemas.Replayed:
    """Send all dead letters again that were given up since a time. Needs `hooks.see` everywhere."""
    count = await managing.replay(opened, number, wish.since)
    _log_change(staff, "replayed", number, deliveries=count)
    return schemas.Replayed(deliveries=count)
