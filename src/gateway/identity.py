"""Turns credentials into principals: station keys out of the catalogue, staff and programs by the sources they know."""

import hmac
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Protocol

from core import access, errors, instants
from core.credentials import digest
from core.database import DatabaseUnavailable
from gateway.reaching import GrantedReach
from telemetry.catalog.loading import LiveCatalog

_NOBODY = "The key or token is not known, was revoked, or has expired."
# A credential that was ended is refused after so long at the latest; while the database is away, those that were
# known a little earlier go on being known for so long.
_FRESH_SECONDS, _STALE_SECONDS = 4.0, 60.0
_MOST_REMEMBERED = 10_000


class Notes(Protocol):
    """Takes down where keys of stations are used. It is told of each request, and keeps nobody waiting."""

    def used(self, station: access.Station, address: str) -> None:
        """A key opened."""

    def refused(self, credential: str, address: str) -> None:
        """What looks like a key opened nothing."""


class Identity:
    """Implements `core.access.Identify`; a station is known out of memory, so that ingestion waits for nothing else.

    staff_token: one that may do all, for setting up and trying out. notes: where uses of stations' keys are noted.
    """

    def __init__(
        self,
        catalog: LiveCatalog,
        staff_token: str | None,
        sources: Sequence[access.Source] = (),
        *,
        clock: Callable[[], float] = time.monotonic,
        notes: Notes | None = None,
    ) -> None:
        self._catalog = catalog
        self._staff = None if staff_token is None else digest(staff_token)
        self._sources = tuple(sources)
        self._clock = clock
        self._notes = notes
        self._known: OrderedDict[bytes, tuple[float, access.Claim]] = OrderedDict()

    def station(self, credential: str, address: str | None = None) -> access.Station:
        found = self._catalog.snapshot.owner_of(credential, instants.now_us())
        if found is None:
            if self._notes is not None and address is not None:
                self._notes.refused(credential, address)
            raise errors.Unauthorized(_NOBODY)
        station = access.Station(found.id, found.code, credential.partition(".")[0])
        if self._notes is not None and address is not None:
            self._notes.used(station, address)
        return station

    async def __call__(self, presented: access.Presented) -> access.Principal:
        if presented.bearer is not None and presented.bearer.startswith("st_"):
            return self.station(presented.bearer, presented.address)
        for source in self._sources:
            credential = source.credential(presented)
            if credential is not None:
                claim = await self._claim(source, credential)
                source.check(presented, claim)
                reach = GrantedReach(claim.grants, claim.rights, self._catalog)
                return access.Staff(claim.name, reach, claim.kind, claim.person_id, claim.means)
        return self._holder_of_staff_token(presented.bearer or "")

    def forget(self) -> None:
        """Look everybody up again: somebody's rights were changed in this process."""
        self._known.clear()

    async def _claim(self, source: access.Source, credential: str) -> access.Claim:
        key = digest(credential)
        known = self._known.get(key)
        if known is not None and self._clock() - known[0] < _FRESH_SECONDS:
            return known[1]
        # An answer is as old as the question.
        asked = self._clock()
        try:
            found = await source.find(credential)
        except DatabaseUnavailable:
            if known is not None and self._clock() - known[0] < _STALE_SECONDS:
                return known[1]
            raise
        if found is None:
            self._known.pop(key, None)
            raise errors.Unauthorized(_NOBODY)
        self._known[key] = (asked, found)
        self._known.move_to_end(key)
        if len(self._known) > _MOST_REMEMBERED:
            self._known.popitem(last=False)
        return found

    def _holder_of_staff_token(self, credential: str) -> access.Staff:
        given = digest(credential)
        if self._staff is None or not hmac.compare_digest(given, self._staff):
            raise errors.Unauthorized(_NOBODY)
        return access.unlimited("staff")
