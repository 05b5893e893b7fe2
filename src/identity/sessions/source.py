"""Knows people by the cookie of their session."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from core import instants
from core.access import Claim, Presented
from core.credentials import digest
from core.database import Database
from identity.people import claims
from identity.sessions import csrf, keeping, store
from identity.sessions.errors import PasswordMustChange
from identity.sessions.keeping import LASTING, Lasting

_COOKIE = re.compile(keeping.PREFIX + r"[A-Za-z0-9_-]{43}")
_MEANS = "session:"
# Of use is only about when somebody was there last; a row that is written at each click would be none.
_NOTED_EVERY = timedelta(minutes=1)
_INTERFACE = "/v1/"


@dataclass(frozen=True, slots=True)
class SessionClaim(Claim):
    must_change_password: bool = False


def session_of(means: str) -> str | None:
    """The id of the session that somebody is known by."""
    return means.removeprefix(_MEANS) if means.startswith(_MEANS) else None


class SessionSource:
    """Implements `core.access.Source`."""

    def __init__(
        self, database: Database, lasting: Lasting = LASTING, clock: Callable[[], datetime] = instants.now
    ) -> None:
        self._database = database
        self._lasting = lasting
        self._clock = clock

    def credential(self, presented: Presented) -> str | None:
        cookie = presented.cookie
        return cookie if cookie is not None and _COOKIE.fullmatch(cookie) else None

    async def find(self, credential: str) -> Claim | None:
        now = self._clock()
        found = await store.find(self._database, digest(credential), now, now - self._lasting.idle)
        if found is None:
            return None
        claim = await claims.of_person(self._database, found.person_id, f"{_MEANS}{found.id}")
        if claim is None:
            return None
        if now - found.seen_time >= _NOTED_EVERY:
            await store.seen(self._database, found.id, now)
        return SessionClaim(
            claim.name,
            claim.kind,
            claim.grants,
            claim.rights,
            claim.person_id,
            claim.means,
            must_change_password=found.must_change_password,
        )

    def check(self, presented: Presented, claim: Claim) -> None:
        """Raises ForeignRequest, PasswordMustChange."""
        csrf.check(presented)
        unchanged = isinstance(claim, SessionClaim) and claim.must_change_password
        if unchanged and presented.path.startswith(_INTERFACE):
            raise PasswordMustChange("Sign in on the page, and choose another password there.")
