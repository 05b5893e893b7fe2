"""Begins sessions and ends them; what opens one is known to the browser alone, and kept here as its hash."""

import secrets
import string
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from core import instants, peers
from core.credentials import digest
from core.database import Database
from identity.sessions import csrf, store

Method = Literal["password", "oidc", "link"]

# By this a log knows that what follows is not to be written.
PREFIX = "qs_"
_COOKIE_BYTES = 32
_ID_LENGTH = 12
_ID_CHARACTERS = string.ascii_lowercase + string.digits
_LONGEST_AGENT = 300
# More than the browsers of one person; who loses count does not fill the table.
_MOST_EACH = 20
_FORGET_AFTER = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class Lasting:
    """A session ends when it was not used for so long, and after so long at the latest."""

    idle: timedelta = timedelta(minutes=30)
    longest: timedelta = timedelta(hours=12)


@dataclass(frozen=True, slots=True)
class NewSession:
    """cookie: what the browser has to keep. csrf: what its pages send with each change."""

    id: str
    cookie: str = field(repr=False)
    csrf: str = field(repr=False)
    expires: datetime


LASTING = Lasting()


async def begin(
    database: Database,
    person_id: int,
    *,
    method: Method,
    address: str | None,
    user_agent: str | None,
    provider_session: str | None = None,
    replaces: str | None = None,
    lasting: Lasting = LASTING,
    now: datetime | None = None,
) -> NewSession:
    """A session under a new secret, whatever the browser had before.

    provider_session: what the identity provider calls it. replaces: the cookie that the browser sent, which ends.
    """
    now = now or instants.now()
    cookie = PREFIX + secrets.token_urlsafe(_COOKIE_BYTES)
    made = NewSession(_new_id(), cookie, csrf.token_of(cookie), now + lasting.longest)
    place = None if address is None or peers.parsed(address) is None else address
    agent = None if user_agent is None else user_agent.replace("\0", "")[:_LONGEST_AGENT]
    row = store.NewRow(made.id, digest(cookie), person_id, method, provider_session, place, agent, now, made.expires)
    async with database.transaction() as connection:
        if replaces is not None:
            await store.end_by_cookie(connection, digest(replaces), now, "replaced")
        await store.add(connection, row, _MOST_EACH, now - _FORGET_AFTER)
    return made


async def end_of_provider(
    database: Database, issuer: str, subject: str | None, provider_session: str | None, now: datetime | None = None
) -> int:
    """End the sessions that the identity provider ended: one, or all of a subject; how many."""
    return len(await store.end_of_provider(database, issuer, subject, provider_session, now or instants.now()))


def _new_id() -> str:
    return "".join(secrets.choice(_ID_CHARACTERS) for _ in range(_ID_LENGTH))
