"""What one station may send in a minute: three allowances that fill up again with time. Pure.

An allowance may be overdrawn by what a request turns out to hold, because that is known after it was read; nothing more
is taken then until the debt is paid. Each process counts by itself.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from telemetry.catalog.snapshot import QuotaEntry, Snapshot


@dataclass(frozen=True, slots=True)
class Quota:
    """Most of each per minute; what was not used in the last `burst_minutes` may come at once."""

    requests: int = 6_000
    readings: int = 60_000
    bytes: int = 32 * 2**20
    burst_minutes: int = 4

    def altered(self, own: QuotaEntry | None) -> "Quota":
        """This quota where the station has none of its own."""
        if own is None:
            return self
        return Quota(
            own.requests or self.requests, own.readings or self.readings, own.bytes or self.bytes, self.burst_minutes
        )


class Account:
    """What is left to one station. Times are seconds of a clock that never goes back.

    Of each kind one number is kept: the moment at which the whole allowance is there again. What is sent moves it on,
    and the station has to wait while the latest of them lies as far ahead as a whole allowance takes.
    """

    __slots__ = ("_burst", "_bytes", "_latest", "_quota", "_readings", "_requests", "_steps")

    def __init__(self, quota: Quota, now: float) -> None:
        self._requests = self._readings = self._bytes = self._latest = now
        self._take_over(quota)

    @property
    def quota(self) -> Quota:
        return self._quota

    def adopt(self, quota: Quota, now: float) -> None:
        """From now on under another quota. What is left stays, as far as the new one has room for it."""
        left = [
            (self._burst - (max(whole, now) - now)) / step
            for whole, step in zip((self._requests, self._readings, self._bytes), self._steps, strict=True)
        ]
        self._take_over(quota)
        moments = [now + max(self._burst - number * step, 0.0) for number, step in zip(left, self._steps, strict=True)]
        self._requests, self._readings, self._bytes = moments
        self._latest = max(moments)

    def wait(self, now: float) -> float:
        """Seconds until the station may send; 0 where it may now."""
        over = self._latest - now - self._burst
        # What is left of nothing after adding and taking away must not be no wait at all.
        return 0.0 if over < 0 else max(over, 0.001)

    def rest(self, now: float) -> float:
        """Seconds until a quarter of the whole allowance is there again."""
        return max(self._latest - now - 0.75 * self._burst, 0.001)

    def charge(self, requests: int, readings: int, size: int, now: float) -> None:
        of_requests, of_readings, of_bytes = self._steps
        # Comparisons, not `max`: this is asked twice for each request.
        whole = self._requests
        self._requests = latest = (max(now, whole)) + requests * of_requests
        whole = self._readings
        self._readings = whole = (max(now, whole)) + readings * of_readings
        latest = max(latest, whole)
        whole = self._bytes
        self._bytes = whole = (max(now, whole)) + size * of_bytes
        self._latest = max(latest, whole)

    def _take_over(self, quota: Quota) -> None:
        self._quota = quota
        self._burst = quota.burst_minutes * 60.0
        self._steps = (60 / quota.requests, 60 / quota.readings, 60 / quota.bytes)


class Catalog(Protocol):
    """Where stations' own quotas stand."""

    @property
    def snapshot(self) -> Snapshot: ...


class Quotas:
    """The accounts of one process, one for each station that sent something."""

    def __init__(self, catalog: Catalog, default: Quota, clock: Callable[[], float]) -> None:
        self.default = default
        self.clock = clock
        self._catalog = catalog
        self._settled: Snapshot | None = None
        self._accounts: dict[int, Account] = {}

    def account(self, station_id: int) -> Account:
        snapshot = self._catalog.snapshot
        if snapshot is not self._settled:
            self._settle(snapshot)
        account = self._accounts.get(station_id)
        if account is None:
            quota = self.default.altered(snapshot.quotas.get(station_id))
            account = self._accounts[station_id] = Account(quota, self.clock())
        return account

    def _settle(self, snapshot: Snapshot) -> None:
        """Take over what the newest picture of the catalogue says."""
        now = self.clock()
        for station_id, account in self._accounts.items():
            quota = self.default.altered(snapshot.quotas.get(station_id))
            if quota != account.quota:
                account.adopt(quota, now)
        self._settled = snapshot
