"""How flags, states and times are written out."""

from datetime import UTC, datetime, timedelta

from core.instants import Zone
from telemetry.quality.flags import LEGEND, Quality, Reason
from telemetry.series import naming


def test_every_reason_and_quality_has_a_name() -> None:
    every = sum(int(reason) for reason in Reason)
    assert naming.reasons(every) == [slug for slug, _, _ in LEGEND.values()]
    assert len(naming.reasons(every)) == sum(1 for reason in Reason if reason)
    assert set(naming.QUALITY_MEANINGS) == set(Quality)


def test_reasons_are_those_whose_bits_are_set() -> None:
    assert naming.reasons(0) == []
    assert naming.reasons(int(Reason.ABOVE_LIMIT | Reason.LATE)) == ["above-limit", "late"]


def test_the_state_of_a_limit_follows_the_bits() -> None:
    assert naming.limit_state(int(Reason.ABOVE_LIMIT | Reason.LIMIT_UNVERIFIED)) == "above"
    assert naming.limit_state(int(Reason.BELOW_LIMIT)) == "below"
    assert naming.limit_state(int(Reason.LATE)) == "within"


def test_a_clock_writes_each_time_in_its_zone() -> None:
    clock = naming.clock(Zone.VIETNAM)
    first = datetime(2026, 11, 22, 17, tzinfo=UTC)
    assert [clock(first), clock(first), clock(first + timedelta(minutes=5)), clock(first)] == [
        "2026-11-23T00:00:00+07:00",
        "2026-11-23T00:00:00+07:00",
        "2026-11-23T00:05:00+07:00",
        "2026-11-23T00:00:00+07:00",
    ]
    assert naming.clock(Zone.UTC)(first) == "2026-11-22T17:00:00Z"
