"""When people are written to, which addresses there are, and when a mail is tried again."""

from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from core.instants import VIETNAM
from telemetry.hooks.mail import addresses as mail_addresses
from telemetry.hooks.mail import timing as mail_timing
from telemetry.hooks.mail.outbox import Match
from telemetry.hooks.mail.round import entries
from telemetry.hooks.mail.schemas import NewMailSubscription
from telemetry.hooks.mail.timing import Plan

NIGHT = Plan(quiet_from=time(22), quiet_to=time(6))
NOON = Plan(quiet_from=time(11, 30), quiet_to=time(13))


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=VIETNAM)


@pytest.mark.parametrize(
    ("plan", "at", "expected"),
    [
        (NIGHT, "2026-11-23 21:59:59", "2026-11-23 21:59:59"),
        (NIGHT, "2026-11-23 22:00", "2026-11-24 06:00"),
        (NIGHT, "2026-11-23 23:59", "2026-11-24 06:00"),
        (NIGHT, "2026-11-24 00:00", "2026-11-24 06:00"),
        (NIGHT, "2026-11-24 05:59:59", "2026-11-24 06:00"),
        (NIGHT, "2026-11-24 06:00", "2026-11-24 06:00"),
        (NIGHT, "2026-12-31 22:30", "2027-01-01 06:00"),
        (NOON, "2026-11-23 11:29", "2026-11-23 11:29"),
        (NOON, "2026-11-23 11:30", "2026-11-23 13:00"),
        (NOON, "2026-11-23 13:00", "2026-11-23 13:00"),
        (Plan(), "2026-11-23 03:00", "2026-11-23 03:00"),
    ],
)
def test_quiet_hours_are_those_of_the_clock_in_vietnam(plan: Plan, at: str, expected: str) -> None:
    assert mail_timing.after_quiet(plan, local(at)) == local(expected)
    assert mail_timing.after_quiet(plan, local(at).astimezone(UTC)) == local(expected)


@given(
    st.times(),
    st.times(),
    st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - hypothesis wants bounds without a zone
)
def test_nobody_is_written_to_in_the_quiet_hours_and_nobody_waits_longer_than_they_last(
    begin: time, end: time, at: datetime
) -> None:
    if begin == end:
        return
    plan = Plan(quiet_from=begin, quiet_to=end)
    due = mail_timing.after_quiet(plan, at)
    assert at <= due < at + timedelta(days=1)
    assert mail_timing.after_quiet(plan, due) == due


def test_a_digest_that_would_be_due_at_night_comes_in_the_morning() -> None:
    plan = Plan(digest_minutes=30, quiet_from=time(22), quiet_to=time(6))
    assert mail_timing.due(plan, "warning", local("2026-11-23 21:20")) == local("2026-11-23 21:50")
    assert mail_timing.due(plan, "warning", local("2026-11-23 21:45")) == local("2026-11-24 06:00")


def test_what_breaks_through_is_told_at_once() -> None:
    plan = Plan(60, time(22), time(6), "warning")
    at = local("2026-11-23 23:00")
    assert mail_timing.due(plan, "critical", at) is None
    assert mail_timing.due(plan, "warning", at, flooded=True) is None
    assert mail_timing.due(plan, "notice", at) is not None
    assert mail_timing.due(plan, None, at) is not None
    assert mail_timing.due(Plan(), None, at) is None


def test_a_flood_is_gathered_from_the_twenty_first_mail_on() -> None:
    now = local("2026-11-23 12:00")
    matches = [Match(number, "warning", 1, Plan()) for number in range(30)]
    told = entries(matches, {1: 5}, now)
    assert [entry.alone for entry in told] == [True] * 15 + [False] * 15
    assert {entry.due for entry in told[15:]} == {now + timedelta(minutes=10)}


def test_attempts_are_spread_over_three_days_and_end() -> None:
    waits = [mail_timing.delay(attempts) for attempts in range(1, 10)]
    assert all(wait is not None for wait in waits)
    assert 2.2 < sum(filter(None, waits)) / 86_400 < 3.6
    assert mail_timing.delay(10) is None


@pytest.mark.parametrize(
    "text", ["truc@example.vn", "a.b+c@so-tnmt.thanhhoa.gov.vn", "o'neill@example.org", f"{'a' * 64}@example.vn"]
)
def test_addresses_that_servers_take_are_taken(text: str) -> None:
    assert mail_addresses.checked(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "truc",
        "truc@",
        "@example.vn",
        "truc@localhost",
        "truc@example",
        "truc@example.v",
        "truc@-example.vn",
        "a..b@example.vn",
        ".a@example.vn",
        "trực@example.vn",
        "truc@trường.vn",
        "Truc <truc@example.vn>",
        "truc@example.vn, thief@example.org",
        "truc@example.vn\r\nBcc: thief@example.org",
        "truc @example.vn",
        '"a b"@example.vn',
        "truc@[127.0.0.1]",
        f"{'a' * 65}@example.vn",
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="an address such as"):
        mail_addresses.checked(text)
    with pytest.raises(ValidationError):
        NewMailSubscription(address=text)


def test_the_domain_is_kept_in_small_letters() -> None:
    assert NewMailSubscription(address=" Truc@Example.VN ").address == "Truc@example.vn"


@pytest.mark.parametrize(
    "members", [{"quietFrom": "22:00"}, {"quietFrom": "06:00", "quietTo": "06:00"}, {"quietTo": "6h"}]
)
def test_quiet_hours_have_two_different_ends(members: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        NewMailSubscription.model_validate({"address": "truc@example.vn"} | members)
