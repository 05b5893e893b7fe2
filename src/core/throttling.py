"""Bounds what one address, one name and one principal may ask for, and says so in the same words to everybody."""

import re
import time
from collections.abc import Callable

import structlog
from prometheus_client import Counter
from starlette.types import Scope

from core import access, errors, peers
from core.credentials import digest
from core.rates import MOST_NAMES, Failures, Rate

FAILURES = Counter("quantrac_refused_credentials_total", "Credentials that nobody has.", ["answer"])
SLOWED = Counter("quantrac_slowed_requests_total", "Requests over the rate of the one who sent them.")

_log = structlog.get_logger(__name__)
# The public half of the credentials that this service hands out.
_NAME = re.compile(r"((?:st|qt)_[a-z0-9]{8})\.")


class TooManyFailures(errors.TooMany):
    slug = "too-many-failures"
    title = "Too many wrong credentials were sent"


def name_of(credential: str) -> str:
    """What is counted under for a credential: the half that is no secret; of others, which have none, a digest."""
    found = _NAME.match(credential)
    return found[1] if found else "#" + digest(credential).hex()


class Throttle:
    """Counts in memory; what is counted ends with the process."""

    def __init__(
        self,
        per_address: int,
        per_name: int,
        requests: int,
        *,
        clock: Callable[[], float] = time.monotonic,
        most_names: int = MOST_NAMES,
    ) -> None:
        """Wrong credentials a minute from one address and for one name, requests a minute of one principal."""
        self._failures = Failures(per_address, per_name, clock, most_names)
        self._requests = Rate(requests, clock, most_names)

    async def identified(self, identify: access.Identify, presented: access.Presented) -> access.Principal:
        """Who sends a request. Raises Unauthorized, or TooManyFailures where too many wrong credentials came before.

        A station's key is looked at in any case: it is found in memory, and nobody guesses it. Others may cost a query.
        """
        credential = presented.bearer or presented.cookie or ""
        address, name = presented.address or peers.UNIX, name_of(credential)
        is_key = name.startswith("st_")
        if not is_key:
            self.before(address, name)
        try:
            found = await identify(presented)
        except errors.Unauthorized as error:
            raise self.failed(address, name, error) from None
        if not is_key:
            self.succeeded(address, name)
        return found

    def station(self, identify: access.Identify, credential: str, scope: Scope) -> access.Station:
        """The owner of a station's key. Nothing is paid for a right one."""
        address = peers.client_of(scope)
        try:
            return identify.station(credential, address)
        except errors.Unauthorized as error:
            raise self.failed(address, name_of(credential), error) from None

    def before(self, address: str, name: str, *, guessable: bool = False) -> None:
        """Raise TooManyFailures where another credential is not looked at now.

        guessable: a person chose the secret. Asked before anything that costs: a query, or a slow hash.
        """
        seconds = self._failures.wait(peers.group(address), name, guessable=guessable)
        if seconds:
            FAILURES.labels("429").inc()
            raise _too_many(seconds)

    def failed(self, address: str, name: str, answer: errors.Error) -> errors.Error:
        """Count a credential that nobody has; what to answer, which is something else where there were too many."""
        seconds = self._failures.failed(peers.group(address), name)
        if seconds:
            # Told by the metric alone: whoever tries without end does not fill the log.
            FAILURES.labels("429").inc()
            return _too_many(seconds)
        FAILURES.labels(str(answer.status)).inc()
        _log.warning("access.refused", address=address, name=None if name.startswith("#") else name)
        return answer

    def succeeded(self, address: str, name: str) -> None:
        """Remember where a name was used rightly: there it stays open whatever is tried from elsewhere."""
        self._failures.succeeded(peers.group(address), name)

    def spend(self, principal: str) -> None:
        """Count a request. Raises TooMany."""
        seconds = self._requests.take(principal)
        if seconds:
            SLOWED.inc()
            raise errors.TooMany("Wait before the next one; the limit stands in the README.", retry_after=seconds)


def _too_many(seconds: int) -> TooManyFailures:
    return TooManyFailures("Wait before the next one; a right one is not forgotten.", retry_after=seconds)
