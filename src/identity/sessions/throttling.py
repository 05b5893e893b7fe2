"""How many passwords may be tried: by an address, for a name, in an hour, and who is let through all the same."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from core import errors, peers
from core.database import Database
from core.rates import Rate
from core.throttling import Throttle, TooManyFailures
from identity.sessions import store

# Where somebody signed in within so long, the password is looked at whatever strangers tried under the name.
_ACQUAINTED_FOR = timedelta(days=30)
# A minute of this clock is an hour: what is small in a minute is much in a day.
_HOUR_IN_MINUTES = 60
_STRANGERS_AN_HOUR = 60
# The question costs a query, so an address has so many of them a minute.
_QUESTIONS = 20


@dataclass(frozen=True, slots=True)
class Attempt:
    """Somebody who may try a password. acquainted: they signed in from there before."""

    address: str
    name: str
    acquainted: bool


class Gate:
    """Stands before the slow hash; unknown names are counted as known ones are."""

    def __init__(self, database: Database, throttle: Throttle, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._throttle = throttle
        self._hourly = Rate(_STRANGERS_AN_HOUR, lambda: clock() / _HOUR_IN_MINUTES)
        self._questions = Rate(_QUESTIONS, clock)

    async def admit(self, user_name: str, address: str | None, now: datetime) -> Attempt:
        """Raises TooManyFailures."""
        address, name = address or peers.UNIX, _counted_as(user_name)
        acquainted = await self._is_acquainted(user_name, address, now)
        if acquainted:
            self._throttle.succeeded(address, name)
        elif seconds := self._hourly.wait(name):
            raise TooManyFailures("Wait before the next one.", retry_after=seconds * _HOUR_IN_MINUTES)
        self._throttle.before(address, name, guessable=True)
        return Attempt(address, name, acquainted)

    def failed(self, attempt: Attempt, answer: errors.Error) -> errors.Error:
        """Count a wrong password; what to answer."""
        if not attempt.acquainted:
            self._hourly.take(attempt.name)
        return self._throttle.failed(attempt.address, attempt.name, answer)

    def succeeded(self, attempt: Attempt) -> None:
        self._throttle.succeeded(attempt.address, attempt.name)

    async def _is_acquainted(self, user_name: str, address: str, now: datetime) -> bool:
        network = peers.group(address)
        if peers.parsed(address) is None or self._questions.take(network):
            return False
        return await store.acquainted(self._database, user_name, network, now - _ACQUAINTED_FOR)


def _counted_as(user_name: str) -> str:
    """A digest: what is typed as a user name may be a password, and is not to stand in a log."""
    return "#" + sha256(b"user " + user_name.encode("utf-8", "replace")).hexdigest()
