"""The feed of receipts: what each says of the span that it stored, and every one read once, also through the intake."""

import asyncio
import json
import random
from typing import Any

import numpy as np
import pytest

from core import feeds, instants
from telemetry.catalog import snapshot
from telemetry.changes import store
from telemetry.readings import Flaw, Readings, Reason
from tests.fixtures.intakes import Works
from tests.fixtures.submissions import DAY_US, FIRST, HOUR_US, SECOND

READER = "test"
_SPANS = "SELECT id, station_id, stored, first_time, last_time, datastream_ids FROM receipt ORDER BY id"


@pytest.fixture(autouse=True)
async def _followed(works: Works) -> None:
    await feeds.open_reader(works.database, READER)


async def news(works: Works, limit: int = 100) -> list[store.Receipt]:
    """All receipts that the reader has not read."""
    found: list[store.Receipt] = []
    more = True
    while more:
        async with store.reading(works.database, READER, limit) as changes:
            assert changes is not None
            found += changes.receipts
            more = changes.more
    return found


async def spans(works: Works, limit: int = 100) -> dict[int, tuple[int, int]]:
    async with store.reading(works.database, READER, limit) as changes:
        assert changes is not None
        return changes.spans(works.catalog.snapshot)


def streams(works: Works, *wanted: tuple[str, str]) -> list[int]:
    known = works.catalog.snapshot
    return sorted(
        stream.id
        for stream in known.datastreams.values()
        if (known.stations_by_id[stream.station_id].code, stream.symbol) in wanted
    )


def of_station(works: Works, code: str = FIRST) -> dict[str, Any]:
    """Members of a submission that the station sends itself."""
    return {"station": code, "station_id": station(works, code).id}


def station(works: Works, code: str) -> snapshot.StationEntry:
    return works.catalog.snapshot.stations[code]


async def test_a_receipt_tells_the_span_of_what_a_station_stored(works: Works) -> None:
    times = np.array([works.time_us(30), works.time_us(10), works.time_us(20)])
    readings = Readings(FIRST, ("COD",), times, np.array([1.0, 2.0, 3.0]), symbol=np.zeros(3, np.int64))
    outcome = await works.submit(readings, **of_station(works))
    (receipt,) = await news(works)
    assert receipt.id == outcome.receipt_id
    assert (receipt.first_us, receipt.last_us) == (works.time_us(10), works.time_us(30))
    assert (receipt.station_id, list(receipt.datastream_ids)) == (station(works, FIRST).id, [])
    assert (receipt.stored, receipt.duplicates, receipt.conflicts, receipt.quarantined) == (3, 0, 0, 0)
    assert (receipt.channel, receipt.received_us) == ("http", outcome.received_us)


async def test_a_receipt_of_the_staff_names_the_datastreams_of_all_its_stations(works: Works) -> None:
    await works.submit(works.packet(5, COD=1, pH=7), works.packet(9, SECOND, Amoni=2.0), works.packet(7, COD=2))
    (receipt,) = await news(works)
    assert (receipt.first_us, receipt.last_us) == (works.time_us(5), works.time_us(9))
    assert receipt.station_id is None
    assert sorted(receipt.datastream_ids) == streams(works, (FIRST, "COD"), (FIRST, "pH"), (SECOND, "NH4-N"))


async def test_a_submission_that_stored_nothing_has_no_span(works: Works) -> None:
    await works.submit(works.packet(1, COD=10), **of_station(works))
    await works.submit(works.packet(1, COD=10), **of_station(works))
    await works.submit(works.packet(1, COD=11), **of_station(works))
    await works.submit(works.packet(2, COD=9_999), **of_station(works))
    await works.submit(works.packet(2, Unknown=1))
    await works.submit(flaws=[Flaw(None, Reason.UNREADABLE, "body", "?", "JSON")])
    first, *others = await news(works)
    assert first.first_us == works.time_us(1)
    told = [(r.stored, r.duplicates, r.conflicts, r.quarantined, r.first_us, r.last_us) for r in others]
    assert told == [
        (0, 1, 0, 0, None, None),
        (0, 0, 1, 0, None, None),
        (0, 0, 0, 1, None, None),
        (0, 0, 0, 1, None, None),
        (0, 0, 0, 1, None, None),
    ]
    assert [list(r.datastream_ids) for r in others] == [[]] * 5


async def test_a_span_covers_what_is_new_in_a_submission_that_is_known_in_part(works: Works) -> None:
    await works.submit(works.packet(1, COD=10))
    await works.submit(works.packet(1, COD=10), works.packet(4, COD=12))
    first, second = await news(works)
    assert (first.first_us, first.last_us) == (works.time_us(1), works.time_us(1))
    assert (second.stored, second.duplicates) == (1, 1)
    assert second.first_us is not None
    assert second.last_us == works.time_us(4)
    assert second.first_us <= works.time_us(4)


async def test_each_submission_of_a_group_has_its_own_span(works: Works) -> None:
    """One transaction writes them all, with the known and the broken among them."""
    await works.submit(works.packet(3, COD=3), **of_station(works))
    outcomes = await asyncio.gather(
        *(works.submit(works.packet(minute, COD=minute), **of_station(works)) for minute in range(6)),
        works.submit(works.packet(50, Unknown=1), **of_station(works)),
        works.submit(works.packet(60, COD=1), works.packet(61, SECOND, COD=1)),
    )
    rows = {row["id"]: row for row in await works.rows(_SPANS)}
    for minute, outcome in enumerate(outcomes[:6]):
        assert outcome.receipt_id is not None
        row = rows[outcome.receipt_id]
        wanted = None if minute == 3 else instants.from_us(works.time_us(minute))
        assert (row["first_time"], row["last_time"], row["datastream_ids"]) == (wanted, wanted, None)
    broken, both = (rows[outcome.receipt_id or 0] for outcome in outcomes[6:])
    assert (broken["first_time"], broken["last_time"]) == (None, None)
    assert (both["first_time"], both["last_time"]) == tuple(
        map(instants.from_us, (works.time_us(60), works.time_us(61)))
    )
    assert sorted(both["datastream_ids"]) == streams(works, (FIRST, "COD"), (SECOND, "COD"))


async def test_the_span_holds_what_the_database_itself_lets_in(works: Works) -> None:
    """Rows that the table refuses go to quarantine and stretch no span."""
    await works.database.execute("ALTER TABLE observation ADD CHECK (result <> 13)")
    await asyncio.gather(
        works.submit(works.packet(1, COD=13), works.packet(2, COD=14), works.packet(3, COD=13)),
        works.submit(works.packet(4, COD=13), **of_station(works)),
        works.submit(works.packet(5, COD=15), **of_station(works)),
    )
    told = sorted((r.stored, r.quarantined, r.first_us or 0, r.last_us or 0) for r in await news(works))
    assert told == [
        (0, 1, 0, 0),
        (1, 0, works.time_us(5), works.time_us(5)),
        (1, 2, works.time_us(2), works.time_us(2)),
    ]


async def test_spans_are_joined_by_datastream(works: Works) -> None:
    await works.submit(works.packet(10, COD=1), **of_station(works))
    await works.submit(works.packet(40, COD=1), works.packet(20, SECOND, COD=1))
    await works.submit(works.packet(90, COD=9_999))
    cod, ph, ammonium, other = streams(works, (FIRST, "COD"), (FIRST, "pH"), (FIRST, "NH4-N"), (SECOND, "COD"))
    # The station's receipt tells no datastreams: it may be any of them.
    assert await spans(works) == {
        cod: (works.time_us(10), works.time_us(40)),
        ph: (works.time_us(10), works.time_us(10)),
        ammonium: (works.time_us(10), works.time_us(10)),
        other: (works.time_us(20), works.time_us(40)),
    }
    assert await spans(works) == {}


async def test_observations_are_read_in_columns_with_both_ends(works: Works) -> None:
    times = np.array([works.time_us(minute) for minute in range(10)])
    values = np.arange(10.0)
    await works.submit(
        Readings(FIRST, ("pH",), times, values, symbol=np.zeros(10, np.int64), status=[0, 1, 2, *([0] * 7)])
    )
    outcome = await works.submit(Readings(FIRST, ("COD",), times, values, symbol=np.zeros(10, np.int64)))
    (cod,), (ph,) = streams(works, (FIRST, "COD")), streams(works, (FIRST, "pH"))
    found = await store.observations(
        works.database,
        {ph: (works.time_us(1), works.time_us(2)), cod: (works.time_us(8), works.time_us(99)), 10_000: (0, 1)},
    )
    assert found.datastream_id.tolist() == [cod, cod, ph, ph]
    assert found.time_us.tolist() == [works.time_us(minute) for minute in (8, 9, 1, 2)]
    assert found.result.tolist() == [8.0, 9.0, 1.0, 2.0]
    assert found.status.tolist() == [0, 0, 1, 2]
    assert found.receipt_id.tolist()[:2] == [outcome.receipt_id] * 2
    rows = await works.rows("SELECT * FROM observation ORDER BY datastream_id, phenomenon_time")
    wanted = [row for row in rows if instants.to_us(row["phenomenon_time"]) in (works.time_us(1), works.time_us(2))]
    assert found.quality.tolist()[2:] == [r["result_quality"] for r in wanted if r["datastream_id"] == ph]
    assert found.reasons.tolist()[2:] == [r["quality_reasons"] for r in wanted if r["datastream_id"] == ph]
    assert len(await store.observations(works.database, {})) == 0


async def test_what_was_read_can_be_written_about_in_the_same_transaction(works: Works) -> None:
    await works.database.execute("CREATE TABLE consequence (receipt bigint)")
    outcome = await works.submit(works.packet(1, COD=1))

    async def fail() -> None:
        async with store.reading(works.database, READER, 10) as changes:
            assert changes is not None
            await changes.connection.execute("INSERT INTO consequence VALUES ($1)", changes.receipts[0].id)
            raise RuntimeError("the work failed")

    with pytest.raises(RuntimeError, match="the work failed"):
        await fail()
    assert await works.database.fetchval("SELECT count(*) FROM consequence") == 0
    assert [receipt.id for receipt in await news(works)] == [outcome.receipt_id]


async def test_every_receipt_of_a_busy_intake_is_read_once(works: Works) -> None:
    """Two intakes write side by side, with repeats among them, while the reader reads pages of seven."""
    choose = random.Random(7)
    done = asyncio.Event()
    found: list[int] = []

    async def read() -> None:
        while True:
            last = done.is_set()
            page = await news(works, limit=7)
            found.extend(receipt.id for receipt in page)
            if last and not page:
                return
            await asyncio.sleep(0.002)

    async with works.another_intake() as other, asyncio.TaskGroup() as group:
        group.create_task(read())

        async def send(number: int) -> None:
            intake = choose.choice([works.intake, other])
            await asyncio.sleep(choose.random() * 0.5)
            await intake.submit(works.submission(works.packet(number % 60, COD=float(number % 60))), 30)

        await asyncio.gather(*(send(number) for number in range(150)))
        done.set()
    assert sorted(found) == [receipt["id"] for receipt in await works.receipts()]
    assert len(found) == 150


async def test_a_reader_that_was_away_for_weeks_reads_what_it_missed(works: Works) -> None:
    """As when nobody watched from before the holidays until after them; pages of one keep the old time in mind."""
    await works.database.execute("UPDATE feed_position SET seen_time = now() - INTERVAL '40 days'")
    received = [instants.now_us() - days * DAY_US for days in (39, 20, 8, 0)]
    outcomes = [
        await works.submit(works.packet(minute, COD=minute), received_us=us) for minute, us in enumerate(received)
    ]
    assert [receipt.id for receipt in await news(works, limit=1)] == [outcome.receipt_id for outcome in outcomes]
    moved = await works.rows("SELECT seen_time > now() - INTERVAL '1 minute' AS moved, target_time FROM feed_position")
    assert moved == [{"moved": True, "target_time": None}]


async def test_the_queries_of_the_feed_use_their_indexes(works: Works) -> None:
    """Among many receipts and observations of which few are news."""
    await works.database.execute(
        """
        INSERT INTO receipt (id, received_time, station_id, channel, format, source, sender, sha256, raw, raw_encoding,
                             raw_length, stored, duplicates, conflicts, quarantined)
        SELECT -n, now() - n * INTERVAL '1 minute', 1, 'http', 'json', '', 's', sha256('x'), 'x', 'identity',
               1, 1, 0, 0, 0
        FROM generate_series(1, 20000) AS n
        """
    )
    await works.database.execute(
        """
        INSERT INTO observation (phenomenon_time, result, receipt_id, datastream_id, quality_reasons, device_status,
                                 result_quality)
        SELECT now() - n * INTERVAL '1 minute', 1, 1, 100 + stream, 0, 0, 1
        FROM generate_series(1, 10000) AS n, generate_series(1, 4) AS stream
        """
    )
    await works.database.execute("ANALYZE receipt")
    await works.database.execute("ANALYZE observation")
    position = await feeds.now(works.database)
    await works.submit(works.packet(1, COD=1))
    target = (await feeds.now(works.database)).seen
    page = store._sql["changes_page"]
    plan = await explained(works, page, position.seen, target, "0", 0, 100, position.seen_time)
    assert scans(plan, "receipt") == {"Index Scan"}, json.dumps(plan, indent=1)
    assert rows_read(plan) < 50, json.dumps(plan, indent=1)
    end = instants.now_us()
    plan = await explained(
        works,
        store._sql["changes_observations"],
        [101, 104],
        [instants.from_us(end - HOUR_US)] * 2,
        [instants.from_us(end)] * 2,
    )
    assert scans(plan, "observation") <= {"Index Scan", "Bitmap Heap Scan", "Index Only Scan"}, json.dumps(
        plan, indent=1
    )
    assert rows_read(plan) < 1_000, json.dumps(plan, indent=1)


async def explained(works: Works, query: str, *values: object) -> Any:
    async with works.database.connection() as connection:
        text = await connection.fetchval(f"EXPLAIN (ANALYZE, FORMAT JSON) {query}", *values)
    return json.loads(text)[0]["Plan"]


def nodes(plan: Any) -> list[Any]:
    return [plan, *(node for child in plan.get("Plans", ()) for node in nodes(child))]


def scans(plan: Any, table: str) -> set[str]:
    """How the table, or its chunks, are read where anything is read of them at all."""
    return {
        node["Node Type"]
        for node in nodes(plan)
        if (node.get("Relation Name") == table or node.get("Relation Name", "").startswith("_hyper"))
        and node["Actual Loops"]
        and node["Node Type"] != "Custom Scan"
    }


def rows_read(plan: Any) -> float:
    """Rows that were looked at, whether they were wanted or not."""
    scanned = [node for node in nodes(plan) if "Relation Name" in node and node["Node Type"] != "Custom Scan"]
    return float(
        sum((n["Actual Rows"] + n.get("Rows Removed by Filter", 0)) * max(n["Actual Loops"], 1) for n in scanned)
    )


async def test_a_receipt_of_before_the_feed_is_old_news(works: Works) -> None:
    await works.submit(works.packet(1, COD=1))
    # As the migration left those that stood there.
    await works.database.execute("UPDATE receipt SET transaction_id = NULL")
    await works.submit(works.packet(2, COD=2))
    assert [receipt.first_us for receipt in await news(works)] == [works.time_us(2)]


async def test_transaction_numbers_of_different_lengths_are_read_in_their_order(works: Works) -> None:
    for minute, number in enumerate(["9", "10", "99", "100", "999", "1000"]):
        outcome = await works.submit(works.packet(minute, COD=1))
        await works.database.execute(
            "UPDATE receipt SET transaction_id = $2::text::xid8 WHERE id = $1", outcome.receipt_id, number
        )
    await works.database.execute("UPDATE feed_position SET seen = '9:9:'")
    assert [receipt.first_us for receipt in await news(works, limit=2)] == [
        works.time_us(minute) for minute in range(6)
    ]
