"""The log of events: written with what it tells, read once by each reader, forgotten when everybody has seen it."""

import json
from datetime import datetime, timedelta
from typing import Any

import pytest

from core import feeds, instants
from telemetry.events import store
from telemetry.events.store import Event, Logged
from tests.fixtures.intakes import Works
from tests.fixtures.submissions import FIRST

READER = "test"


@pytest.fixture(autouse=True)
async def _followed(works: Works) -> None:
    await feeds.open_reader(works.database, READER)


async def append(works: Works, *events: Event) -> None:
    async with works.database.transaction() as connection:
        await store.append(connection, events)


async def news(works: Works, limit: int = 100) -> list[Logged]:
    found: list[Logged] = []
    more = True
    while more:
        async with store.reading(works.database, READER, limit) as page:
            assert page is not None
            _, events, more = page
            found += events
    return found


def raised(number: int = 0, **members: Any) -> Event:
    return Event("alert.raised", {"alert": {"id": number}}, **members)


async def test_an_event_is_read_as_it_was_written(works: Works) -> None:
    station = works.catalog.snapshot.stations[FIRST]
    occurred = instants.now() - timedelta(hours=3)
    payload = {"alert": {"id": 7, "title": {"vi": "Vượt ngưỡng", "en": "Over its limit"}, "peak": 1.5, "none": None}}
    await append(
        works,
        Event(
            "alert.raised", payload, station.id, None, "over-limit", "warning", historical=True, occurred_time=occurred
        ),
        Event("verdict.exceeded", {}),
    )
    first, second = await news(works)
    assert json.loads(first.payload) == payload
    assert (first.type, first.station_id, first.alert_kind, first.severity) == (
        "alert.raised", station.id, "over-limit", "warning",
    )  # fmt: skip
    assert (first.occurred_time, first.historical) == (occurred, True)
    assert (second.type, second.station_id, second.organization_id, second.historical) == (
        "verdict.exceeded", None, None, False,
    )  # fmt: skip
    assert first.id < second.id
    assert await news(works) == []


async def test_an_event_of_a_station_is_its_organizations_unless_it_names_another(works: Works) -> None:
    station = works.catalog.snapshot.stations[FIRST]
    owner = await works.database.fetchval("SELECT organization_id FROM station WHERE id = $1", station.id)
    other = await works.database.fetchval(
        "INSERT INTO organization (code, name_vi, name_en) VALUES ('OTHER', 'o', 'o') RETURNING id"
    )
    await append(works, raised(station_id=station.id), raised(station_id=station.id, organization_id=other))
    assert [event.organization_id for event in await news(works)] == [owner, other]


async def test_an_event_is_written_with_the_thing_itself_or_not_at_all(works: Works) -> None:
    async def fail() -> None:
        async with works.database.transaction() as connection:
            await store.append(connection, [raised()])
            raise RuntimeError("the thing did not happen")

    with pytest.raises(RuntimeError, match="did not happen"):
        await fail()
    assert await news(works) == []


async def test_no_events_are_no_statement(works: Works) -> None:
    await store.append(None, [])
    assert await news(works) == []


async def test_events_are_read_in_pages(works: Works) -> None:
    await append(works, *(raised(number) for number in range(5)))
    await append(works, *(raised(number) for number in range(5, 8)))
    found = [json.loads(event.payload)["alert"]["id"] for event in await news(works, limit=3)]
    assert found == list(range(8))


async def test_a_screen_that_keeps_its_position_itself_misses_nothing(works: Works) -> None:
    position = await feeds.now(works.database)
    await append(works, *(raised(number) for number in range(3)))
    found: list[Logged] = []
    for _ in range(2):
        events, page = await store.page(works.database, position, 2)
        found += events
        position = page.position
    assert [json.loads(event.payload)["alert"]["id"] for event in found] == [0, 1, 2]


async def left(works: Works) -> list[int]:
    rows = await works.rows("SELECT (payload -> 'alert' ->> 'id')::int AS id FROM event ORDER BY id")
    return [row["id"] for row in rows]


async def test_events_are_forgotten_when_they_are_old_and_every_reader_has_seen_them(works: Works) -> None:
    now = instants.now()
    old, young = now - timedelta(days=40), now - timedelta(days=1)

    async def forget(before: datetime = now - timedelta(days=30)) -> int:
        return await store.forget(works.database, before)

    await append(works, raised(0, occurred_time=old), raised(1, occurred_time=young))
    assert (await forget(), await left(works)) == (0, [0, 1])
    await news(works)
    await feeds.open_reader(works.database, "newcomer")
    await append(works, raised(2, occurred_time=old))
    assert (await forget(), await left(works)) == (1, [1, 2])
    await news(works)
    # The newcomer has not read it.
    assert (await forget(), await left(works)) == (0, [1, 2])
    async with store.reading(works.database, "newcomer", 100):
        pass
    assert (await forget(), await left(works)) == (1, [1])


async def test_an_event_that_is_between_two_pages_of_a_reader_is_not_forgotten(works: Works) -> None:
    old = instants.now() - timedelta(days=40)
    await append(works, *(raised(number, occurred_time=old) for number in range(3)))
    async with store.reading(works.database, READER, 2) as page:
        assert page is not None
    assert await store.forget(works.database, instants.now()) == 0
    assert [json.loads(event.payload)["alert"]["id"] for event in await news(works)] == [2]
    assert await store.forget(works.database, instants.now()) == 3


async def test_the_query_of_the_feed_uses_its_index(works: Works) -> None:
    await works.database.execute(
        "INSERT INTO event (type, payload) SELECT 'alert.raised', '{}' FROM generate_series(1, 20000)"
    )
    await works.database.execute("ANALYZE event")
    position = await feeds.now(works.database)
    await append(works, raised())
    target = (await feeds.now(works.database)).seen
    async with works.database.connection() as connection:
        text = await connection.fetchval(
            f"EXPLAIN (ANALYZE, FORMAT JSON) {store._sql['events_page']}", position.seen, target, "0", 0, 100
        )
    plan = json.loads(text)[0]["Plan"]
    scan = plan["Plans"][0]
    assert (scan.get("Node Type"), scan.get("Index Name")) == ("Index Scan", "event_transaction"), text
    assert scan.get("Rows Removed by Filter", 0) < 10, text


async def test_transaction_numbers_of_different_lengths_are_read_in_their_order(works: Works) -> None:
    numbers = [9, 10, 99, 100, 999, 1000]
    for number in numbers:
        await append(works, raised(number))
        await works.database.execute(
            "UPDATE event SET transaction_id = $1::text::xid8 WHERE id = (SELECT max(id) FROM event)", str(number)
        )
    await works.database.execute("UPDATE feed_position SET seen = '9:9:'")
    assert [json.loads(event.payload)["alert"]["id"] for event in await news(works, limit=2)] == numbers
