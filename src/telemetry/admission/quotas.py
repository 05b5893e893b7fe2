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
    """What is left to one station. Times are seconds of a clock that never goes back."""

    __slots__ = ("_at", "_bytes", "_quota", "_readings", "_requests")

    def __init__(self, quota: Quota, now: float) -> None:
        self._quota = quota
        self._at = now
        self._requests = float(quota.requests * quota.burst_minutes)
        self._readings = float(quota.readings * quota.burst_minutes)
        self._bytes = float(quota.bytes * quota.burst_minutes)

    @property
    def quota(self) -> Quota:
        return self._quota

    def adopt(self, quota: Quota, now: float) -> None:
        """From now on under another quota. What is left stays, as far as the new one has room for it."""
        self._fill(now)
        self._quota = quota
        self._fill(now)

    def wait(self, now: float) -> float:
        """Seconds until the station may send; 0 where it may now."""
        self._fill(now)
        if self._requests > 0 and self._readings > 0 and self._bytes > 0:
            return 0.0
        return self._until(0.0)

    def rest(self, now: float) -> float:
        """Seconds until a quarter of the whole allowance is there again."""
        self._fill(now)
        return self._until(self._quota.burst_minutes / 4)

    def charge(self, requests: int, readings: int, size: int) -> None:
        self._requests -= requests
        self._readings -= readings
        self._bytes -= size

    def _fill(self, now: float) -> None:
        quota = self._quota
        minutes = (now - self._at) / 60
        self._at = now
        most = quota.burst_minutes
        self._requests = min(self._requests + quota.requests * minutes, quota.requests * most)
        self._readings = min(self._readings + quota.readings * minutes, quota.readings * most)
        self._bytes = min(self._bytes + quota.bytes * minutes, quota.bytes * most)

    def _until(self, minutes: float) -> float:
        """Seconds until as much is there of each as so many minutes bring."""
        quota = self._quota
        lacking = max(
            minutes - self._requests / quota.requests,
            minutes - self._readings / quota.readings,
            minutes - self._bytes / quota.bytes,
        )
        # What is left of nothing after adding and taking away must not be no wait at all.
        return max(lacking * 60, 0.001)


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
