"""Filters of the live stream, and what waits for a client."""

import asyncio

import pytest

from core.feeds import Position
from telemetry.hooks.stream import filters
from telemetry.hooks.stream.clients import Client, Ending
from telemetry.hooks.stream.cursors import Cursor, Stage
from telemetry.hooks.stream.filters import Filter
from telemetry.hooks.stream.frames import Frame, beat, reset

CURSOR = Cursor(Position("5:9:"))


def frame(type_: str = "alert.raised", **members: object) -> Frame:
    given: dict[str, object] = {"station_id": 1, "organization_id": 3, "alert_kind": "spike", "severity": "warning"}
    return Frame(b"", CURSOR, type_, **(given | members))  # type: ignore[arg-type] # members of a frame


READINGS = frame("observations", organization_id=None, alert_kind=None, severity=None)


@pytest.mark.parametrize(
    ("wanted", "of_alert", "of_readings"),
    [
        (Filter(), True, True),
        (Filter(types=frozenset({"alert.*"})), True, False),
        (Filter(types=frozenset({"alert.raised"})), True, False),
        (Filter(types=frozenset({"alert.cleared", "observations"})), False, True),
        (Filter(stations=frozenset({1})), True, True),
        (Filter(stations=frozenset({2})), False, False),
        (Filter(organization=(3, frozenset())), True, False),
        (Filter(organization=(4, frozenset({1}))), False, True),
        (Filter(kinds=frozenset({"spike"})), True, False),
        (Filter(kinds=frozenset({"conflict"})), False, False),
        (Filter(least_severity="notice"), True, False),
        (Filter(least_severity="critical"), False, False),
    ],
)
def test_a_filter_takes_only_what_has_what_it_names(wanted: Filter, of_alert: bool, of_readings: bool) -> None:
    assert wanted.takes(frame()) is of_alert
    assert wanted.takes(READINGS) is of_readings


def test_history_is_left_out_on_request() -> None:
    assert Filter().takes(frame(historical=True))
    assert not Filter(history=False).takes(frame(historical=True))


def test_what_is_about_no_station_is_for_those_who_see_all() -> None:
    assert Filter().takes(frame(station_id=None))
    assert not Filter(stations=frozenset({1})).takes(frame(station_id=None))


@pytest.mark.parametrize(
    ("wanted", "stages"),
    [
        (Filter(), {Stage.EVENTS, Stage.OBSERVATIONS}),
        (Filter(types=frozenset({"alert.*"})), {Stage.EVENTS}),
        (Filter(types=frozenset({"observations"})), {Stage.OBSERVATIONS}),
        (Filter(types=frozenset({"observations", "alert.*"}), least_severity="notice"), {Stage.EVENTS}),
    ],
)
def test_a_feed_that_has_nothing_for_a_filter_is_not_read(wanted: Filter, stages: set[Stage]) -> None:
    assert wanted.stages == stages


def test_types_are_given_one_by_one_in_groups_and_with_commas() -> None:
    assert filters.types(["alert, verdict.changed", "observations"]) == {"alert.*", "verdict.changed", "observations"}
    assert filters.types(["alert.*"]) == {"alert.*"}
    with pytest.raises(filters.TypeUnknown) as refusal:
        filters.types(["alerts,observation"])
    assert [fault.found for fault in refusal.value.faults] == ["alerts", "observation"]


def test_a_sign_of_life_has_an_id_and_no_data() -> None:
    assert beat(CURSOR) == b": beat\nid: 1_0_5:9:\n\n"
    assert b"event: reset\n" in reset(CURSOR, "too-old", "gone")


async def test_a_client_takes_all_that_waits_in_order() -> None:
    client = Client("staff", Filter())
    client.put(b"a", CURSOR)
    client.put(b"", CURSOR)
    client.put(b"b", CURSOR)
    assert await client.take(1) == b"ab"
    assert await client.take(0.01) == b""


async def test_a_client_that_leaves_too_much_waiting_is_slow_and_one_batch_is_never_too_much() -> None:
    client = Client("staff", Filter(), most_bytes=10)
    client.put(b"x" * 100, CURSOR)
    assert client.ending is None
    client.put(b"y", CURSOR)
    assert client.ending is Ending.SLOW
    assert client.ended.is_set()
    assert await client.take(1) == b""
    # The first cause counts.
    client.end(Ending.STOPPING)
    assert client.ending is Ending.SLOW


async def test_the_end_wakes_a_client_that_waits() -> None:
    client = Client("staff", Filter())
    waiting = asyncio.create_task(client.take(30))
    await asyncio.sleep(0)
    client.end(Ending.STOPPING)
    assert await asyncio.wait_for(waiting, 1) == b""
