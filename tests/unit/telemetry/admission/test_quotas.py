"""What a station may send in a minute, and how it comes back."""

from typing import Any

import pytest

from telemetry.admission.quotas import Account, Quota, Quotas
from telemetry.catalog import snapshot

QUOTA = Quota(requests=60, readings=600, bytes=6_000, burst_minutes=2)
_STATION = snapshot.StationEntry(1, "NT-1", "wastewater", "active", 300, None)


class Standing:
    """A catalogue that is changed by hand."""

    def __init__(self, **own: Any) -> None:
        self.snapshot = snapshot.build(1, [_STATION], [], [], [], [])
        if own:
            self.give(**own)

    def give(self, **own: Any) -> None:
        entry = snapshot.QuotaEntry(**({"requests": None, "readings": None, "bytes": None} | own))
        self.snapshot = snapshot.build(2, [_STATION], [], [], [], [], {1: entry})


def test_a_station_that_was_silent_may_send_the_whole_burst_at_once() -> None:
    account = Account(QUOTA, 0.0)
    account.charge(1, 1_199, 100, 0.0)
    assert account.wait(0.0) == 0
    account.charge(1, 2, 100, 0.0)
    assert account.wait(0.0) > 0


@pytest.mark.parametrize(("spent", "seconds"), [((180, 0, 0), 60), ((0, 1_800, 0), 60), ((0, 0, 12_060), 0.6)])
def test_a_debt_is_paid_at_the_rate_of_the_quota(spent: tuple[int, int, int], seconds: float) -> None:
    account = Account(QUOTA, 0.0)
    account.charge(*spent, 0.0)
    assert account.wait(0.0) == pytest.approx(seconds)
    assert account.wait(seconds / 2) == pytest.approx(seconds / 2)
    assert account.wait(seconds + 0.1) == 0


def test_what_is_saved_up_has_an_end() -> None:
    account = Account(QUOTA, 0.0)
    account.wait(1e6)
    account.charge(0, 1_800, 0, 1e6)
    assert account.wait(1e6) == pytest.approx(60)


def test_a_station_that_keeps_to_its_rate_never_waits() -> None:
    account, waits = Account(QUOTA, 0.0), []
    for second in range(600):
        waits.append(account.wait(float(second)))
        account.charge(1, 10, 100, float(second))
    assert not any(waits)


def test_sixty_days_of_a_logger_pass_at_once_under_the_default() -> None:
    """Twelve readings each five minutes, a packet each: 207,360 readings in 17,280 requests."""
    account = Account(Quota(), 0.0)
    for _ in range(60 * 288):
        assert account.wait(0.0) == 0
        account.charge(1, 12, 900, 0.0)


def test_who_was_paused_rests_until_a_quarter_is_there_again() -> None:
    account = Account(QUOTA, 0.0)
    account.charge(0, 1_200, 0, 0.0)
    assert account.rest(0.0) == pytest.approx(30)
    account.charge(0, 600, 0, 0.0)
    assert account.rest(0.0) == pytest.approx(90)


def test_a_stations_own_quota_goes_before_the_settings() -> None:
    assert QUOTA.altered(None) is QUOTA
    own = QUOTA.altered(snapshot.QuotaEntry(None, 5, None))
    assert own == Quota(requests=60, readings=5, bytes=6_000, burst_minutes=2)


def test_a_quota_that_is_changed_holds_for_accounts_that_are_open() -> None:
    catalog, now = Standing(), [0.0]
    quotas = Quotas(catalog, QUOTA, lambda: now[0])
    account = quotas.account(1)
    account.charge(0, 1_210, 0, 0.0)
    assert account.wait(0.0) == pytest.approx(1)
    catalog.give(readings=60)
    assert quotas.account(1) is account
    assert account.wait(0.0) == pytest.approx(10)
    catalog.give(readings=6_000)
    assert quotas.account(1).wait(0.0) == pytest.approx(0.1)


def test_each_station_has_an_account_of_its_own() -> None:
    quotas = Quotas(Standing(), QUOTA, lambda: 0.0)
    quotas.account(1).charge(0, 5_000, 0, 0.0)
    assert quotas.account(1).wait(0.0) > 0
    assert quotas.account(2).wait(0.0) == 0
