"""What becomes of readings: stored, duplicate, conflict, quarantined, and what the tables say of each."""

import asyncio
import itertools
import json
from collections import Counter
from datetime import timedelta

import msgspec
import numpy as np
import pytest

from core import instants
from telemetry.intake import answers, metering
from telemetry.readings import Channel, Fate, Flaw, Outcome, Readings, Reason
from tests.fixtures.intakes import Works
from tests.fixtures.submissions import DAY_US, FIRST, SECOND


def fates(outcome: Outcome) -> dict[int | None, Fate]:
    return {verdict.index: verdict.fate for verdict in outcome.verdicts}


def counts(outcome: Outcome) -> tuple[int, int, int, int]:
    return outcome.stored, outcome.duplicates, outcome.conflicts, outcome.quarantined


async def test_readings_are_stored_with_receipt_quality_and_status(works: Works) -> None:
    outcome = await works.submit(works.packet(0, COD=48.5, pH=7.2), works.packet(1, SECOND, Amoni=3.0))
    assert (counts(outcome), list(outcome.verdicts)) == ((3, 0, 0, 0), [])
    assert await works.results() == [
        (FIRST, "COD", 0, 48.5),
        (FIRST, "pH", 0, 7.2),
        (SECOND, "NH4-N", 1, 1.5),
    ]
    rows = await works.observations()
    assert {row["receipt_id"] for row in rows} == {outcome.receipt_id}
    # Late by an hour (64); the second station has no ranges on record (256), so nothing was evaluated there.
    assert [(row["result_quality"], row["quality_reasons"]) for row in rows] == [(1, 64), (1, 64), (2, 64 + 256)]


def placed(*readings: Readings) -> list[Readings]:
    """The readings, one behind the other in their submission."""
    starts = itertools.accumulate(map(len, readings), initial=0)
    return [msgspec.structs.replace(mine, index=start) for mine, start in zip(readings, starts, strict=False)]


def judged() -> Counter[tuple[str, str]]:
    """Readings counted until now, by channel and quality."""
    (family,) = metering.JUDGED.collect()
    samples = [sample for sample in family.samples if sample.name.endswith("_total")]
    return Counter({(sample.labels["channel"], sample.labels["quality"]): int(sample.value) for sample in samples})


async def test_what_is_stored_is_counted_by_channel_and_quality_and_nothing_else_is(works: Works) -> None:
    before = judged()
    await works.submit(works.packet(0, COD=48.5, pH=7.2))
    faulty = Readings(FIRST, ("COD", "pH"), works.time_us(3), [1.0, 7.0], status=[2, 0])
    await asyncio.gather(
        works.submit(*placed(works.packet(0, COD=48.5), works.packet(1, COD=500.0, Xyz=1.0), works.packet(2, COD=1.0))),
        works.submit(*placed(works.packet(0, pH=7.9), works.packet(2, SECOND, Amoni=3.0)), channel=Channel.MQTT),
        works.submit(faulty, channel=Channel.MQTT),
        works.submit(works.packet(5, COD=500.0), channel=Channel.REPLAY),
    )
    assert await works.counts() == (8, 5, 1, 1)
    rows = await works.rows(
        "SELECT r.channel, o.result_quality AS quality, count(*) AS times "
        "FROM observation o JOIN receipt r ON r.id = o.receipt_id GROUP BY 1, 2"
    )
    names = {1: "pass", 2: "not-evaluated", 3: "suspect", 4: "fail"}
    stored = {(row["channel"], names[row["quality"]]): row["times"] for row in rows}
    assert set(stored) >= {("http", "suspect"), ("mqtt", "fail"), ("mqtt", "not-evaluated"), ("replay", "suspect")}
    assert judged() - before == stored


async def test_the_receipt_keeps_the_bytes_their_hash_the_sender_and_the_counts(works: Works) -> None:
    raw = bytes(range(256)) * 20
    readings = (works.packet(0, COD=1.0), works.packet(0, COD=1.0), works.packet(0, COD=2.0), works.packet(0, Xyz=1.0))
    submission = works.submission(
        *readings, raw=raw, source="v1/TH-NT-001/observations", raw_encoding="gzip", station_id=1, station=FIRST
    )
    outcome = await works.intake.submit(submission)
    (receipt,) = await works.receipts()
    assert (receipt["id"], instants.to_us(receipt["received_time"])) == (outcome.receipt_id, outcome.received_us)
    assert (receipt["raw"], receipt["sha256"], receipt["raw_length"]) == (raw, submission.sha256, len(raw))
    assert (receipt["channel"], receipt["format"], receipt["sender"]) == ("http", "json", "st_aaaaaaaa")
    assert (receipt["source"], receipt["raw_encoding"], receipt["station_id"]) == (
        "v1/TH-NT-001/observations",
        "gzip",
        1,
    )
    assert tuple(receipt[name] for name in ("stored", "duplicates", "conflicts", "quarantined")) == (1, 1, 1, 1)
    assert counts(outcome) == (1, 1, 1, 1)
    assert await works.counts() == (1, 1, 1, 1)


async def test_an_exact_repetition_changes_nothing_however_often_it_comes(works: Works) -> None:
    first = await works.submit(works.packet(0, COD=48.5, pH=7.2))
    before = await works.observations()
    again = await asyncio.gather(*(works.submit(works.packet(0, COD=48.5, pH=7.2)) for _ in range(1000)))
    assert {counts(outcome) for outcome in again} == {(0, 2, 0, 0)}
    assert await works.observations() == before
    assert {row["receipt_id"] for row in before} == {first.receipt_id}
    assert await works.counts() == (2, 1001, 0, 0)
    assert len({outcome.receipt_id for outcome in again}) == 1000
    verdict = again[0].verdicts[0]
    assert (verdict.reason, verdict.found, verdict.expected) == (
        Reason.SAME_TIME_SAME_VALUE,
        "48.5, status 00",
        "48.5, status 00, as stored before",
    )


async def test_a_key_that_comes_twice_in_one_submission_is_stored_once(works: Works) -> None:
    at = works.time_us(0)
    readings = Readings(
        FIRST,
        ("COD", "pH"),
        at,
        np.array([5.0, 7.0, 5.0, 6.0, 5.0, 6.0]),
        symbol=np.array([0, 1, 0, 0, 0, 0]),
    )
    outcome = await works.submit(readings)
    assert counts(outcome) == (2, 2, 2, 0)
    assert fates(outcome) == {2: Fate.DUPLICATE, 3: Fate.CONFLICT, 4: Fate.DUPLICATE, 5: Fate.CONFLICT}
    assert await works.results() == [(FIRST, "COD", 0, 5.0), (FIRST, "pH", 0, 7.0)]
    assert [(row["result"], row["reading_index"]) for row in await works.conflicts()] == [(6.0, 3)]


async def test_two_spellings_of_one_datastream_are_one_key(works: Works) -> None:
    outcome = await works.submit(works.packet(0, FIRST, **{"Amoni": 4.0, "NH4-N": 4.0, "amoni ": 5.0}))
    assert fates(outcome) == {1: Fate.DUPLICATE, 2: Fate.CONFLICT}
    assert await works.results() == [(FIRST, "NH4-N", 0, 2.0)]


async def test_readings_may_come_in_any_order(works: Works) -> None:
    minutes = [7, 2, 9, 0, 4, 1, 8, 3, 6, 5]
    for minute in minutes:
        await works.submit(works.packet(minute, COD=float(minute)))
    backwards = Readings(
        SECOND,
        ("COD",),
        np.array([works.time_us(minute) for minute in minutes]),
        np.array([float(minute) for minute in minutes]),
        symbol=np.zeros(10, np.int64),
    )
    await works.submit(backwards)
    assert await works.results() == [(code, "COD", n, float(n)) for code in (FIRST, SECOND) for n in range(10)]


async def test_of_two_values_the_first_stays_and_the_other_is_kept_once(works: Works) -> None:
    first = await works.submit(works.packet(0, COD=5.0))
    others = [await works.submit(works.packet(0, COD=6.0)) for _ in range(5)]
    assert [counts(outcome) for outcome in others] == [(0, 0, 1, 0)] * 5
    assert await works.results() == [(FIRST, "COD", 0, 5.0)]
    (conflict,) = await works.conflicts()
    assert (conflict["result"], conflict["device_status"], conflict["receipt_id"], conflict["reading_index"]) == (
        6.0,
        0,
        others[0].receipt_id,
        0,
    )
    assert instants.to_us(conflict["received_time"]) == others[0].received_us
    verdict = others[-1].verdicts[0]
    assert (verdict.reason, verdict.found, verdict.expected) == (
        Reason.SAME_TIME_OTHER_VALUE,
        "6.0, status 00",
        "5.0, status 00, as stored before",
    )
    # A third value is another conflict; the first value again is still a duplicate.
    assert counts(await works.submit(works.packet(0, COD=7.0))) == (0, 0, 1, 0)
    assert counts(await works.submit(works.packet(0, COD=5.0))) == (0, 1, 0, 0)
    assert [row["result"] for row in await works.conflicts()] == [6.0, 7.0]
    assert {row["receipt_id"] for row in await works.observations()} == {first.receipt_id}


async def test_the_same_value_with_another_status_is_a_conflict(works: Works) -> None:
    await works.submit(works.packet(0, COD=5.0))
    outcome = await works.submit(Readings(FIRST, ("COD",), works.time_us(0), [5.0], status=[2]))
    assert counts(outcome) == (0, 0, 1, 0)
    assert outcome.verdicts[0].found == "5.0, status 02"
    assert [row["device_status"] for row in await works.observations()] == [0]


async def test_minus_zero_is_zero(works: Works) -> None:
    await works.submit(works.packet(0, COD=0.0))
    assert counts(await works.submit(works.packet(0, COD=-0.0))) == (0, 1, 0, 0)


async def test_two_submissions_of_one_group_that_clash_are_settled_by_their_order(works: Works) -> None:
    tasks = [
        asyncio.ensure_future(works.submit(works.packet(0, COD=value), works.packet(1, COD=value)))
        for value in (5.0, 6.0, 5.0)
    ]
    outcomes = await asyncio.gather(*tasks)
    assert [counts(outcome) for outcome in outcomes] == [(2, 0, 0, 0), (0, 0, 2, 0), (0, 2, 0, 0)]
    assert {row["result"] for row in await works.observations()} == {5.0}
    assert len(await works.conflicts()) == 2


async def test_calibrating_and_faulty_readings_are_kept_and_fail(works: Works) -> None:
    outcome = await works.submit(Readings(FIRST, ("COD", "pH"), works.time_us(0), [9999.0, 7.0], status=[1, 2]))
    assert counts(outcome) == (2, 0, 0, 0)
    rows = await works.observations()
    assert [(row["result"], row["device_status"], row["result_quality"]) for row in rows] == [
        (9999.0, 1, 4),
        (7.0, 2, 4),
    ]
    assert [row["quality_reasons"] & 3 for row in rows] == [1, 2]


async def test_a_limit_is_the_one_in_force_at_the_phenomenon_time(works: Works) -> None:
    # Before the first limit, under the first (100), under the second (50, unverified).
    await works.submit(*(works.packet(minute, COD=75.0) for minute in (-121, -119, -61, -60, 0)))
    assert [row["quality_reasons"] & (16 + 32) for row in await works.observations()] == [0, 0, 0, 48, 48]


async def test_what_cannot_be_matched_or_kept_is_in_quarantine_with_its_texts(works: Works) -> None:
    bad = Flaw(0, Reason.NOT_A_NUMBER, "result", "n/a", "a number", "COD", "n/a", "mg/l", "2026-11-23T08:00", "00")
    readings = Readings(FIRST, ("CODx", "pH", "COD"), works.time_us(0), [1.0, 2.0, -7.5], units=(None, "mg/l", None))
    submission = works.submission(
        Readings(FIRST, readings.symbols, readings.time_us, readings.value, units=readings.units, index=1),
        flaws=[bad],
        station_id=1,
        station=FIRST,
    )
    outcome = await works.intake.submit(submission)
    rows = await works.quarantine()
    names = ("reading_index", "symbol", "value", "unit", "device_status", "reason", "field", "found", "expected")
    assert [tuple(row[name] for name in names) for row in rows] == [
        (0, "COD", "n/a", "mg/l", "00", "not-a-number", "result", "n/a", "a number"),
        (
            1,
            "CODx",
            "1.0",
            None,
            "00",
            "unknown-symbol",
            "symbol",
            "CODx",
            "a symbol or alias of TH-NT-001: COD, NH4-N, pH",
        ),
        (2, "pH", "2.0", "mg/l", "00", "unit-mismatch", "unit", "mg/l", "no unit, as declared for pH"),
        (
            3,
            "COD",
            "-7.5",
            "mg/l",
            "00",
            "out-of-range",
            "result",
            "-7.5",
            "within the instrument's range, 0.0 to 500.0 mg/l",
        ),
    ]
    assert rows[0]["phenomenon_time"] == "2026-11-23T08:00"
    assert rows[1]["phenomenon_time"] == instants.text(instants.from_us(works.time_us(0)))
    assert {(row["receipt_id"], row["station_id"], row["resolution"]) for row in rows} == {
        (outcome.receipt_id, 1, None)
    }
    assert [(v.index, v.reason, v.found) for v in outcome.verdicts] == [
        (row["reading_index"], row["reason"], row["found"]) for row in rows
    ]


async def test_readings_out_of_the_window_never_reach_the_table(works: Works) -> None:
    now = instants.now_us()
    times = [now - 401 * DAY_US, now + 3600 * 10**6, -(2**55), 2**55, 0, now]
    outcome = await works.submit(
        Readings(FIRST, ("COD",), np.array(times), np.arange(6.0), symbol=np.zeros(6, np.int64)), received_us=now
    )
    assert counts(outcome) == (1, 0, 0, 5)
    assert [row["reason"] for row in await works.quarantine()] == [
        "too-old",
        "in-future",
        "too-old",
        "in-future",
        "too-old",
    ]


async def test_numbers_that_are_none_reach_no_table(works: Works) -> None:
    values = [float("nan"), float("inf"), float("-inf"), 1e90]
    outcome = await works.submit(
        *(Readings(SECOND, ("COD",), works.time_us(n), [value]) for n, value in enumerate(values))
    )
    # 1e90 is a number; a station without a known range may send it.
    assert counts(outcome) == (1, 0, 0, 3)
    assert {row["reason"] for row in await works.quarantine()} == {"not-finite"}


@pytest.mark.parametrize("text", ["CO\0D", "CO\udc80D", "\ud83d", "x" * 5000, "\x1b[31m\r\n", "'; DROP TABLE x; --"])
async def test_texts_that_a_database_or_an_answer_refuses_are_made_storable(works: Works, text: str) -> None:
    flaw = Flaw(1, Reason.NOT_A_NUMBER, text, text, text, text, text, text, text, text)
    readings = Readings(FIRST, (text,), works.time_us(0), [1.0], units=(text,))
    good = works.submit(works.packet(0, COD=1.0))
    bad = works.submit(readings, flaws=[flaw], source=text, sender=text)
    stored, outcome = await asyncio.gather(good, bad)
    assert (counts(stored), counts(outcome)) == ((1, 0, 0, 0), (0, 0, 0, 2))
    rows = await works.quarantine()
    assert [row["reason"] for row in rows] == ["unknown-symbol", "not-a-number"]
    told = json.loads(answers.encode(outcome))["readings"]
    assert [(entry["symbol"], entry["found"]) for entry in told] == [(row["symbol"], row["found"]) for row in rows]
    assert all(len(row["found"]) <= 501 for row in rows)


async def test_an_unknown_station_is_quarantined_and_hurts_no_other(works: Works) -> None:
    outcome = await works.submit(works.packet(0, "TH-NT-999", COD=1.0), works.packet(0, SECOND, COD=2.0))
    assert counts(outcome) == (1, 0, 0, 1)
    assert outcome.verdicts[0].reason is Reason.UNKNOWN_STATION


async def test_a_submission_without_readings_leaves_a_receipt(works: Works) -> None:
    outcome = await works.submit()
    assert (counts(outcome), await works.counts()) == ((0, 0, 0, 0), (0, 1, 0, 0))


async def test_a_change_of_the_catalogue_is_seen_by_the_next_submission(works: Works) -> None:
    assert counts(await works.submit(works.packet(0, ChemOx=1.0))) == (0, 0, 0, 1)
    before = works.catalog.snapshot
    await works.alias("ChemOx")
    async with asyncio.timeout(10):
        while works.catalog.snapshot is before:  # noqa: ASYNC110 - the catalogue has no event to wait for
            await asyncio.sleep(0.02)
    assert counts(await works.submit(works.packet(0, ChemOx=1.0))) == (1, 0, 0, 0)
    await works.database.execute("UPDATE datastream SET status = 'retired'")
    await works.catalog.refresh()
    outcome = await works.submit(works.packet(1, COD=1.0))
    assert outcome.verdicts[0].expected == "a symbol or alias of TH-NT-001: "


async def test_receipt_numbers_are_never_given_twice(works: Works) -> None:
    async with works.another_intake() as other:
        outcomes = await asyncio.gather(
            *(
                (works.intake if n % 2 else other).submit(works.submission(works.packet(-n, COD=1.0)))
                for n in range(1300)
            )
        )
    assert len({outcome.receipt_id for outcome in outcomes}) == 1300
    assert await works.counts() == (1300, 1300, 0, 0)


async def test_the_time_of_receipt_is_the_submissions_own(works: Works) -> None:
    received = instants.now() - timedelta(minutes=3)
    outcome = await works.submit(works.packet(0, COD=1.0), received_us=instants.to_us(received))
    assert outcome.received_us == instants.to_us(received)
    assert (await works.receipts())[0]["received_time"] == received
