"""Lets stations through: counts what they send against their quota, and notes what is odd about it."""

import asyncio
import math

from core import access, errors, instants
from telemetry.admission.errors import QuotaExceeded
from telemetry.admission.quotas import Account, Catalog, Quotas
from telemetry.admission.sightings import Kind, Sightings
from telemetry.intake.reception import Speaker
from telemetry.readings import Channel, Outcome, Reason, Submission

# A logger that is told to come again need not be told so again within a minute, nor be forgotten for an hour.
_LONGEST_RETRY_SECONDS = 900
# How often a stream that has to wait looks whether its key still opens.
_LOOK_SECONDS = 1.0


class Admission:
    """The gate of one process, for requests and for messages; see `telemetry.intake.gating`.

    rest_seconds: for how long at least the broker keeps out a station that sends too much.
    """

    def __init__(self, catalog: Catalog, quotas: Quotas, sightings: Sightings, *, rest_seconds: float = 60.0) -> None:
        self._catalog = catalog
        self._quotas = quotas
        self._sightings = sightings
        self._rest_seconds = rest_seconds

    @property
    def quotas(self) -> Quotas:
        return self._quotas

    def enter(self, speaker: Speaker, address: str) -> None:
        if speaker.station_id is None:
            return
        account = self._quotas.account(speaker.station_id)
        now = self._quotas.clock()
        wait = account.wait(now)
        if wait:
            self._note_excess(speaker.station_id, account, speaker.sender, address)
            raise _exceeded(account, wait)
        account.charge(1, 0, 0, now)

    def took(self, speaker: Speaker, readings: int, size: int) -> None:
        if speaker.station_id is not None:
            self._quotas.account(speaker.station_id).charge(0, readings, size, self._quotas.clock())

    async def pace(self, speaker: Speaker, readings: int, size: int, address: str) -> None:
        if speaker.station_id is None:
            return
        self._quotas.account(speaker.station_id).charge(0, readings, size, self._quotas.clock())
        while True:
            # Asked for anew: the quota may have been changed meanwhile.
            account = self._quotas.account(speaker.station_id)
            if not self._catalog.snapshot.is_live(speaker.sender, instants.now_us()):
                raise errors.Unauthorized("The key was revoked or has expired meanwhile.")
            wait = account.wait(self._quotas.clock())
            if not wait:
                return
            self._note_excess(speaker.station_id, account, speaker.sender, address)
            await asyncio.sleep(min(wait, _LOOK_SECONDS))

    def answered(self, speaker: Speaker, outcome: Outcome, address: str) -> None:
        if speaker.station_id is not None:
            self._note_strangers(speaker.station_id, outcome, Channel.HTTP, speaker.sender, address)

    def heard(self, submission: Submission, outcome: Outcome) -> None:
        """A message of the broker was committed. Nothing of it is refused: the broker acknowledged it already.

        Whoever sends more than it may is kept out by the broker for a while; its logger keeps what it cannot send.
        """
        station_id = submission.station_id
        if station_id is None:
            return
        account = self._quotas.account(station_id)
        now = self._quotas.clock()
        account.charge(1, submission.decoded.count, submission.raw_length, now)
        if account.wait(now):
            self._note_excess(station_id, account, None, None, Channel.MQTT)
            seconds = min(max(account.rest(now), self._rest_seconds), _LONGEST_RETRY_SECONDS)
            self._sightings.pause(station_id, instants.now_us() + int(seconds * 1e6))
        self._note_strangers(station_id, outcome, Channel.MQTT, None, None)

    def used(self, station: access.Station, address: str) -> None:
        """A key opened a request."""
        self._sightings.used(station.key_id, Channel.HTTP, address, instants.now_us())

    def refused(self, credential: str, address: str) -> None:
        """A credential opened nothing; where it was a key once, that is odd."""
        now_us = instants.now_us()
        entry = self._catalog.snapshot.former(credential, now_us)
        if entry is not None:
            kind = Kind.REVOKED_KEY if entry.revoked else Kind.EXPIRED_KEY
            self._sightings.odd(kind, entry.station_id, Channel.HTTP, now_us, key_id=entry.id, address=address)

    def _note_excess(
        self,
        station_id: int,
        account: Account,
        key_id: str | None,
        address: str | None,
        channel: Channel = Channel.HTTP,
    ) -> None:
        now_us = instants.now_us()
        self._sightings.odd(
            Kind.OVER_QUOTA, station_id, channel, now_us, key_id=key_id, address=address, detail=_told(account)
        )

    def _note_strangers(
        self, station_id: int, outcome: Outcome, channel: Channel, key_id: str | None, address: str | None
    ) -> None:
        """Readings that say they are another station's."""
        if not outcome.quarantined:
            return
        for verdict in outcome.verdicts:
            if verdict.reason is Reason.WRONG_STATION:
                self._sightings.odd(
                    Kind.WRONG_STATION,
                    station_id,
                    channel,
                    instants.now_us(),
                    key_id=key_id,
                    address=address,
                    detail=verdict.found,
                )
                return


def _told(account: Account) -> str:
    quota = account.quota
    return f"{quota.readings} readings, {quota.requests} requests, {quota.bytes} bytes a minute"


def _exceeded(account: Account, wait: float) -> QuotaExceeded:
    seconds = min(max(math.ceil(wait), 1), _LONGEST_RETRY_SECONDS)
    fault = errors.Fault("station", "more than it may send", f"at most {_told(account)}")
    return QuotaExceeded(
        f"Nothing of the body was read; send the same bytes again in {seconds} s.", faults=[fault], retry_after=seconds
    )
