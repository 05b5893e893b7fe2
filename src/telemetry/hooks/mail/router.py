"""Mail subscriptions over HTTP: who is written to about what, and what came of it."""

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
from telemetry.hooks.mail import errors, outbox, schemas, store, subscriptions
from telemetry.hooks.mail.messages import Sender
from telemetry.hooks.rights import Manager, Reader

_log = structlog.get_logger(__name__)

router = APIRouter(prefix="/v1/mail-subscriptions", tags=["mail"])


def _sender(request: Request) -> Sender:
    """Dependency: from whom mails come. Raises MailNotSetUp."""
    found: Sender | None = request.app.state.mail_sender
    if found is None:
        raise errors.MailNotSetUp("Set QUANTRAC_MAIL__HOST and QUANTRAC_MAIL__SENDER.")
    return found


SetUp = Annotated[Sender, Depends(_sender)]


def _log_change(staff: Staff, action: str, number: int, **more: object) -> None:
    """Who did what to which subscription. Addresses of people do not belong into logs."""
    _log.info(f"mail.subscription_{action}", by=staff.name, subscription=number, **more)


@router.get("", summary="List mail subscriptions", responses=answers.refusals())
async def list_mail_subscriptions(
    _: Reader, opened: Opened, cursor: paging.CursorText = None, limit: paging.PageSize = 100
) -> paging.Page[schemas.MailSubscription]:
    """Subscriptions in the order that they were made, with what waits for each. Needs `hooks.see` everywhere."""
    (after,) = paging.after(cursor, int, greatest=fields.LARGEST_ID)
    found = await store.page(opened, after, limit + 1)
    following = paging.next_cursor(found, limit, lambda item: (item.id,))
    return paging.Page[schemas.MailSubscription](items=found[:limit], next_cursor=following)


@router.post(
    "",
    status_code=201,
    summary="Add a mail subscription",
    responses=answers.refusals(FilterUnknown, errors.MailNotSetUp),
)
async def create_mail_subscription(
    staff: Manager, opened: Opened, _: SetUp, new: schemas.NewMailSubscription, response: Response
) -> schemas.MailSubscription:
    """Write to an address from now on. Needs `hooks.manage` everywhere.

    One mail for each event, or one for all that came in `digestMinutes`; what comes in the quiet hours is told together
    after them. Who has had 20 mails in ten minutes is told the next events together. What is at least as severe as
    `breakThrough` waits for none of that.
    """
    made = await subscriptions.create(opened, new, staff.name)
    _log_change(staff, "added", made.id)
    answers.tag(response, made.revision)
    response.headers["Location"] = f"/v1/mail-subscriptions/{made.id}"
    return made


@router.get(
    "/{number}",
    summary="Read a mail subscription",
    responses=answers.refusals(errors.MailSubscriptionNotFound),
)
async def read_mail_subscription(
    _: Reader, opened: Opened, number: fields.Identifier, response: Response
) -> schemas.MailSubscription:
    """One subscription; its `ETag` is what an edit sends as `If-Match`. Needs `hooks.see` everywhere."""
    found = await subscriptions.get(opened, number)
    answers.tag(response, found.revision)
    return found


@router.patch(
    "/{number}",
    summary="Edit a mail subscription",
    responses=answers.refusals(FilterUnknown, errors.MailSubscriptionNotFound, edits=True),
)
async def edit_mail_subscription(
    staff: Manager,
    opened: Opened,
    number: fields.Identifier,
    changes: schemas.MailSubscriptionEdit,
    expected: answers.IfMatch,
    response: Response,
) -> schemas.MailSubscription:
    """Change the members that are sent; the others stay as they are. Needs `hooks.manage` everywhere.

    What waits goes to the new address, at the time that was fixed for it. `enabled: false` drops what waits for a
    digest and makes dead letters of the mails that wait for the server.
    """
    now = await subscriptions.edit(opened, number, changes, expected)
    _log_change(staff, "edited", number, revision=now.revision)
    answers.tag(response, now.revision)
    return now


@router.delete(
    "/{number}",
    status_code=204,
    summary="Delete a mail subscription",
    responses=answers.refusals(errors.MailSubscriptionNotFound, edits=True),
)
async def delete_mail_subscription(
    staff: Manager, opened: Opened, number: fields.Identifier, expected: answers.IfMatch
) -> None:
    """Write to the address no more; what waits and the log of its mails go too. Needs `hooks.manage` everywhere."""
    await subscriptions.delete(opened, number, expected)
    _log_change(staff, "deleted", number)


@router.post(
    "/{number}/test",
    status_code=202,
    summary="Send a test mail",
    responses=answers.refusals(errors.MailSubscriptionNotFound, errors.MailSubscriptionDisabled, errors.MailNotSetUp),
)
async def send_test_mail(staff: Manager, opened: Opened, _: SetUp, number: fields.Identifier) -> schemas.QueuedMail:
    """Queue a mail that says that it is a test; it is tried once, whatever the hour.

    Needs `hooks.manage` everywhere.
    """
    made = await subscriptions.send_test(opened, number)
    _log_change(staff, "tested", number, mail=made)
    return schemas.QueuedMail(mail=made)


@router.get(
    "/{number}/mails",
    summary="List mails of a subscription",
    responses=answers.refusals(errors.MailSubscriptionNotFound),
)
async def list_mails(
    _: Reader,
    opened: Opened,
    request: Request,
    number: fields.Identifier,
    state: Annotated[schemas.MailState | None, Query(description="Only those; `dead` are dead letters.")] = None,
    cursor: paging.CursorText = None,
    limit: paging.PageSize = 100,
) -> paging.Page[schemas.Mail]:
    """Mails, newest first, and what the server said to them. Needs `hooks.see` everywhere."""
    (before,) = paging.after(cursor, int)
    await subscriptions.get(opened, number)
    found = await outbox.page(opened, number, state, before, limit + 1, _domain(request))
    following = paging.next_cursor(found, limit, lambda item: (item.id,))
    return paging.Page[schemas.Mail](items=found[:limit], next_cursor=following)


@router.post(
    "/{number}/mails/{mail}/replay",
    summary="Send a mail again",
    responses=answers.refusals(errors.MailSubscriptionNotFound, errors.MailNotFound, errors.MailSubscriptionDisabled),
)
async def replay_mail(
    staff: Reader,
    opened: Opened,
    request: Request,
    number: fields.Identifier,
    mail: Annotated[WholeNumber, Path(ge=1, le=2**63 - 1)],
) -> schemas.Mail:
    """Send a dead letter again under its Message-ID; one that is not dead stays as it is.

    Needs `hooks.see` everywhere.
    """
    count = await subscriptions.replay(opened, number, mail=mail)
    found = await outbox.find(opened, number, mail, _domain(request))
    if found is None:
        raise errors.MailNotFound.numbered(mail)
    _log_change(staff, "mail_replayed", number, mail=mail, mails=count)
    return found


@router.post(
    "/{number}/replay",
    summary="Send dead letters of a subscription again",
    responses=answers.refusals(errors.MailSubscriptionNotFound, errors.MailSubscriptionDisabled),
)
async def replay_mails(
    staff: Reader, opened: Opened, number: fields.Identifier, wish: schemas.MailReplayWish
) -> schemas.MailsReplayed:
    """Send all dead letters again that were given up since a time. Needs `hooks.see` everywhere."""
    count = await subscriptions.replay(opened, number, since=wish.since)
    _log_change(staff, "replayed", number, mails=count)
    return schemas.MailsReplayed(mails=count)


def _domain(request: Request) -> str:
    sender: Sender | None = request.app.state.mail_sender
    return sender.domain if sender is not None else "localhost"
