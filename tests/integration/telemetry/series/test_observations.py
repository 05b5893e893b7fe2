"""Observations over HTTP: raw, hourly, daily; pages, gaps, zones, forms, and who may ask."""

import csv
import io
from datetime import datetime, timedelta
from typing import Any

import pytest

from core import instants
from core.wire import Body
from telemetry.quality.flags import Quality, Reason
from telemetry.series import schemas
from tests.fixtures.series import Archive, utc

_BEGIN, _END = utc(2026, 10, 5), utc(2026, 10, 6)
_MINUTES = timedelta(minutes=1)


async def _all_pages(archive: Archive, **query: Any) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    cursor = None
    while True:
        page = await archive.get("/v1/observations", cursor=cursor, **query)
        assert len(page["items"]) <= query["limit"]
        items += page["items"]
        cursor = page["nextCursor"]
        if cursor is None:
            return items


def _key(item: dict[str, Any]) -> tuple[datetime, int]:
    return instants.parse(item["phenomenonTime"]), item["datastream"]


async def test_a_raw_observation_has_everything_that_is_known_of_it(archive: Archive) -> None:
    stream = archive.stream("TH-NT-001", "COD")
    bits = int(Reason.ABOVE_LIMIT | Reason.LIMIT_UNVERIFIED)
    await archive.put(stream, _BEGIN, 210.5, reasons=bits)
    await archive.put(stream, _BEGIN + 5 * _MINUTES, 3.0, quality=4, reasons=int(Reason.CALIBRATING), status=1)
    page = await archive.get("/v1/observations", station="TH-NT-001", from_=_BEGIN.isoformat(), to=_END.isoformat())
    assert page["items"] == [
        {
            "datastream": stream,
            "symbol": "COD",
            "unit": "mg/l",
            "phenomenonTime": "2026-10-05T00:00:00Z",
            "result": 210.5,
            "quality": Quality.PASS,
            "reasons": ["above-limit", "limit-unverified"],
            "deviceStatus": "00",
            "receipt": 7,
            "gap": False,
        },
        {
            "datastream": stream,
            "symbol": "COD",
            "unit": "mg/l",
            "phenomenonTime": "2026-10-05T00:05:00Z",
            "result": 3.0,
            "quality": Quality.FAIL,
            "reasons": ["calibrating"],
            "deviceStatus": "01",
            "receipt": 7,
            "gap": False,
        },
    ]


async def test_the_begin_belongs_to_the_span_and_the_end_does_not(archive: Archive) -> None:
    stream = archive.stream("TH-NT-001", "COD")
    for minutes in (-5, 0, 5, 10):
        await archive.put(stream, _BEGIN + minutes * _MINUTES, minutes)
    page = await archive.get(
        "/v1/observations", datastream=stream, from_=_BEGIN.isoformat(), to=(_BEGIN + 10 * _MINUTES).isoformat()
    )
    assert [item["result"] for item in page["items"]] == [0, 5]


@pytest.mark.parametrize("gaps", [False, True])
async def test_pages_neither_skip_nor_repeat(archive: Archive, gaps: bool) -> None:
    streams = archive.streams("TH-NN-001")
    await archive.fill(streams, _BEGIN, _BEGIN + 30 * _MINUTES)
    await archive.fill(streams[:1], _BEGIN + 50 * _MINUTES, _BEGIN + 70 * _MINUTES, timedelta(seconds=37))
    query: dict[str, Any] = {
        "station": "TH-NN-001",
        "from_": _BEGIN.isoformat(),
        "to": (_BEGIN + 120 * _MINUTES).isoformat(),
    }
    kept = await archive.database.fetch("SELECT phenomenon_time, datastream_id FROM observation ORDER BY 1, 2")
    # 24 steps of 5 minutes: 6 full, and 4 more of the first datastream.
    missing = len(streams) * 24 - len(streams) * 6 - 4 if gaps else 0
    for limit in (1, 7, 100, 10_000):
        items = await _all_pages(archive, **query, gaps=gaps, limit=limit)
        keys = [_key(item) for item in items]
        assert keys == sorted(set(keys))
        assert [_key(item) for item in items if not item["gap"]] == [tuple(row) for row in kept]
        assert sum(item["gap"] for item in items) == missing


async def test_rows_that_arrive_between_pages_disturb_no_cursor(archive: Archive) -> None:
    stream = archive.stream("TH-NT-001", "COD")
    await archive.fill([stream], _BEGIN, _BEGIN + 60 * _MINUTES)
    query: dict[str, Any] = {"datastream": stream, "from_": _BEGIN.isoformat(), "to": _END.isoformat(), "limit": 6}
    first = await archive.get("/v1/observations", **query)
    await archive.put(stream, _BEGIN + 1 * _MINUTES, 1)
    await archive.put(stream, _BEGIN + 31 * _MINUTES, 31)
    second = await archive.get("/v1/observations", **query, cursor=first["nextCursor"])
    times = [instants.parse(item["phenomenonTime"]).minute for item in [*first["items"], *second["items"]]]
    assert times == [0, 5, 10, 15, 20, 25, 30, 31, 35, 40, 45, 50]


async def test_a_gap_is_a_whole_step_without_observation_that_has_ended(archive: Archive) -> None:
    stream = archive.stream("TH-NT-001", "COD")
    await archive.put(stream, _BEGIN + timedelta(minutes=7, seconds=13), 1)
    # From 00:02 to 00:18 there are two whole steps, 00:05 and 00:10; the first has an observation.
    page = await archive.get(
        "/v1/observations",
        datastream=stream,
        from_=(_BEGIN + 2 * _MINUTES).isoformat(),
        to=(_BEGIN + 18 * _MINUTES).isoformat(),
        gaps=True,
    )
    assert [(item["phenomenonTime"], item["gap"]) for item in page["items"]] == [
        ("2026-10-05T00:07:13Z", False),
        ("2026-10-05T00:10:00Z", True),
    ]
    assert page["items"][1] | {"datastream": 0} == {
        "datastream": 0,
        "symbol": "COD",
        "unit": "mg/l",
        "phenomenonTime": "2026-10-05T00:10:00Z",
        "result": None,
        "quality": None,
        "reasons": [],
        "deviceStatus": None,
        "receipt": None,
        "gap": True,
    }


async def test_nothing_is_missing_that_could_not_be_there_yet(archive: Archive) -> None:
    stream = archive.stream("TH-NT-001", "COD")
    now = instants.now()
    items = await _all_pages(
        archive,
        datastream=stream,
        from_=(now - timedelta(hours=1)).isoformat(),
        to=(now + timedelta(days=3)).isoformat(),
        gaps=True,
        limit=100,
    )
    assert len(items) in {11, 12}
    assert all(instants.parse(item["phenomenonTime"]) + timedelta(minutes=5) <= instants.now() for item in items)


async def test_hours_hold_figures_of_valid_observations_only(archive: Archive) -> None:
    stream = archive.stream("TH-NT-001", "COD")
    await archive.put(stream, _BEGIN, 10)
    await archive.put(stream, _BEGIN + 5 * _MINUTES, 20, quality=3, reasons=int(Reason.SATURATED))
    await archive.put(stream, _BEGIN + 10 * _MINUTES, 9999, quality=4, reasons=int(Reason.DEVICE_FAULT), status=2)
    await archive.put(stream, _BEGIN + 130 * _MINUTES, 7, quality=4, reasons=int(Reason.CALIBRATING), status=1)
    await archive.refresh()
    page = await archive.get(
        "/v1/observations",
        datastream=stream,
        from_=_BEGIN.isoformat(),
        to=(_BEGIN + 180 * _MINUTES).isoformat(),
        resolution="hourly",
    )
    members = ("bucketStart", "expected", "received", "valid", "suspect", "mean", "least", "greatest", "complete")
    assert [tuple(item[name] for name in members) for item in page["items"]] == [
        ("2026-10-05T00:00:00Z", 12, 3, 2, 1, 15, 10, 20, True),
        ("2026-10-05T01:00:00Z", 12, 0, 0, 0, None, None, None, True),
        ("2026-10-05T02:00:00Z", 12, 1, 0, 0, None, None, None, True),
    ]


async def test_days_are_those_of_viet_nam_to_the_microsecond(archive: Archive) -> None:
    stream = archive.stream("TH-NT-001", "COD")
    midnight = utc(2026, 10, 31, 17)
    await archive.put(stream, midnight - timedelta(microseconds=1), 1)
    await archive.put(stream, midnight, 2)
    await archive.refresh()
    page = await archive.get(
        "/v1/observations",
        datastream=stream,
        from_="2026-10-31T00:00:00+07:00",
        to="2026-11-02T00:00:00+07:00",
        resolution="daily",
        zone="Asia/Ho_Chi_Minh",
    )
    assert [(item["bucketStart"], item["received"], item["mean"]) for item in page["items"]] == [
        ("2026-10-31T00:00:00+07:00", 1, 1),
        ("2026-11-01T00:00:00+07:00", 1, 2),
    ]


@pytest.mark.parametrize(
    ("begin", "end", "days"),
    [
        ("2024-02-01T00:00:00+07:00", "2024-03-01T00:00:00+07:00", 29),
        ("2026-02-01T00:00:00+07:00", "2026-03-01T00:00:00+07:00", 28),
        ("2025-12-31T00:00:00+07:00", "2026-01-02T00:00:00+07:00", 2),
    ],
)
async def test_months_and_years_end_where_they_should(archive: Archive, begin: str, end: str, days: int) -> None:
    stream = archive.stream("TH-NT-001", "COD")
    await archive.fill([stream], instants.parse(begin), instants.parse(end), timedelta(hours=1))
    await archive.refresh()
    page = await archive.get(
        "/v1/observations", datastream=stream, from_=begin, to=end, resolution="daily", zone="Asia/Ho_Chi_Minh"
    )
    assert len(page["items"]) == days
    assert {item["received"] for item in page["items"]} == {24}
    assert page["items"][-1]["bucketStart"] == instants.text(
        instants.parse(end) - timedelta(days=1), instants.Zone.VIETNAM
    )


async def test_the_bucket_that_runs_is_not_complete_and_later_ones_are_not_there(archive: Archive) -> None:
    stream = archive.stream("TH-NT-001", "COD")
    now = instants.now()
    page = await archive.get(
        "/v1/observations",
        datastream=stream,
        from_=(now - timedelta(hours=3)).isoformat(),
        to=(now + timedelta(days=1)).isoformat(),
        resolution="hourly",
    )
    assert [item["complete"] for item in page["items"]] == [True, True, False]


async def test_buckets_of_a_station_are_paged_without_skip_or_repeat(archive: Archive) -> None:
    streams = archive.streams("TH-NT-001")
    await archive.fill(streams[::2], _BEGIN, _END)
    await archive.refresh()
    query: dict[str, Any] = {
        "station": "TH-NT-001",
        "from_": _BEGIN.isoformat(),
        "to": _END.isoformat(),
        "resolution": "hourly",
    }
    items = await _all_pages(archive, **query, limit=13)
    keys = [(item["bucketStart"], item["datastream"]) for item in items]
    assert keys == sorted(set(keys))
    assert len(keys) == 24 * len(streams)
    assert {item["received"] for item in items if item["datastream"] in streams[::2]} == {12}
    assert {item["received"] for item in items if item["datastream"] in streams[1::2]} == {0}


@pytest.mark.parametrize("resolution", ["raw", "hourly", "daily"])
async def test_columns_hold_what_the_items_hold(archive: Archive, resolution: str) -> None:
    await archive.fill(archive.streams("TH-NN-001"), _BEGIN, _END)
    await archive.refresh()
    query: dict[str, Any] = {
        "station": "TH-NN-001",
        "from_": _BEGIN.isoformat(),
        "to": _END.isoformat(),
        "resolution": resolution,
    }
    items = (await archive.get("/v1/observations", **query, limit=10_000))["items"]
    columns = (await archive.get("/v1/observations", **query, limit=10_000, format="columns"))["columns"]
    rebuilt = [
        {**{name: column[name] for name in ("datastream", "symbol", "unit")}, **dict(zip(names, values, strict=True))}
        for column in columns
        for names in [[name for name, values in column.items() if isinstance(values, list)]]
        for values in zip(*(column[name] for name in names), strict=True)
    ]
    assert len(rebuilt) == len(items) > 0
    time = "phenomenonTime" if resolution == "raw" else "bucketStart"
    for item, other in zip(items, sorted(rebuilt, key=lambda row: (row[time], row["datastream"])), strict=True):
        assert {name: item[name] for name in other if name != "reasons"} == {
            name: value for name, value in other.items() if name != "reasons"
        }


async def test_answers_are_what_the_documentation_says(archive: Archive) -> None:
    await archive.fill(archive.streams("TH-NN-001"), _BEGIN, _BEGIN + 20 * _MINUTES)
    query: dict[str, Any] = {"from_": _BEGIN.isoformat(), "to": _END.isoformat(), "gaps": True, "limit": 50}
    shapes: list[tuple[str, str, type[Body]]] = [
        ("raw", "json", schemas.Observations),
        ("raw", "columns", schemas.ObservationsInColumns),
        ("hourly", "json", schemas.Buckets),
        ("hourly", "columns", schemas.BucketsInColumns),
        ("daily", "json", schemas.Buckets),
        ("daily", "columns", schemas.BucketsInColumns),
    ]
    for resolution, form, shape in shapes:
        page = await archive.get("/v1/observations", station="TH-NN-001", resolution=resolution, format=form, **query)
        shape.model_validate(page)


async def test_csv_is_the_whole_span_whatever_the_size_of_a_page(archive: Archive) -> None:
    await archive.fill(archive.streams("TH-NN-001"), _BEGIN, _END)
    answer = await archive.answer(
        "/v1/observations", station="TH-NN-001", from_=_BEGIN.isoformat(), to=_END.isoformat(), format="csv", limit=1
    )
    assert answer.headers["content-type"] == "text/csv; charset=utf-8; header=present"
    assert answer.headers["content-disposition"] == ('attachment; filename="TH-NN-001-raw-20261005-20261006.csv"')
    rows = list(csv.DictReader(io.StringIO(answer.text, newline="")))
    assert len(rows) == 288 * len(archive.streams("TH-NN-001"))
    assert rows[0] == {
        "station": "TH-NN-001",
        "symbol": "Flow",
        "unit": "m3/h",
        "phenomenonTime": "2026-10-05T00:00:00Z",
        "result": "10.0",
        "quality": "1",
        "reasons": "",
        "deviceStatus": "00",
        "receipt": "1",
    }


async def test_csv_of_nothing_is_a_header(archive: Archive) -> None:
    answer = await archive.answer(
        "/v1/observations", station="TH-NN-001", from_=_BEGIN.isoformat(), to=_END.isoformat(), format="csv"
    )
    assert answer.text.startswith("station,symbol,unit,phenomenonTime,")
    assert answer.text.count("\r\n") == 1


async def test_accept_chooses_csv_and_format_goes_before_it(archive: Archive) -> None:
    headers = {"Authorization": "Bearer staff", "Accept": "text/csv"}
    chosen = await archive.client.get("/v1/observations?station=TH-NN-001", headers=headers)
    assert chosen.headers["content-type"].startswith("text/csv")
    forced = await archive.client.get("/v1/observations?station=TH-NN-001&format=json", headers=headers)
    assert forced.headers["content-type"] == "application/json"
    assert chosen.headers["vary"] == forced.headers["vary"] == "Accept"


async def test_symbols_narrow_a_station_in_any_spelling_that_it_has(archive: Archive) -> None:
    station = "TH-NT-003"
    await archive.fill(archive.streams(station), _BEGIN, _BEGIN + 5 * _MINUTES)
    page = await archive.get(
        "/v1/observations", station=station, symbol=["Amoni", "cod"], from_=_BEGIN.isoformat(), to=_END.isoformat()
    )
    assert {item["symbol"] for item in page["items"]} == {"NH4", "COD"}


async def test_a_retired_datastream_is_read_by_its_symbol(archive: Archive) -> None:
    stream = archive.stream("TH-NT-001", "COD")
    await archive.put(stream, _BEGIN, 1)
    await archive.database.execute("UPDATE datastream SET status = 'retired' WHERE id = $1", stream)
    await archive.catalog.refresh()
    query: dict[str, Any] = {"from_": _BEGIN.isoformat(), "to": _END.isoformat()}
    page = await archive.get("/v1/observations", station="TH-NT-001", symbol="COD", **query)
    assert [item["result"] for item in page["items"]] == [1]
    latest = await archive.get("/v1/latest", station="TH-NT-001")
    assert "COD" not in {item["symbol"] for item in latest["items"]}


async def test_without_a_span_the_last_day_is_read(archive: Archive) -> None:
    stream = archive.stream("TH-NT-001", "COD")
    now = instants.now()
    await archive.put(stream, now - timedelta(hours=23), 23)
    await archive.put(stream, now - timedelta(hours=25), 25)
    page = await archive.get("/v1/observations", datastream=stream)
    assert [item["result"] for item in page["items"]] == [23]


async def test_a_plus_sign_that_became_a_space_is_still_an_offset(archive: Archive) -> None:
    stream = archive.stream("TH-NT-001", "COD")
    await archive.put(stream, utc(2026, 10, 4, 17), 5)
    answer = await archive.client.get(
        f"/v1/observations?datastream={stream}&from=2026-10-05T00:00:00+07:00&to=2026-10-05T00:05:00+07:00",
        headers={"Authorization": "Bearer staff"},
    )
    assert [item["result"] for item in answer.json()["items"]] == [5]


_SINCE_THE_SECOND = {"station": "TH-NT-001", "from_": "2026-01-02T00:00:00Z"}
_UNANSWERABLE: list[tuple[dict[str, Any], int, str, str]] = [
    ({}, 422, "selection-unclear", "station"),
    ({"station": "TH-NT-001", "datastream": 1}, 422, "selection-unclear", "datastream"),
    ({"datastream": 1, "symbol": "COD"}, 422, "selection-unclear", "datastream"),
    ({"station": "TH-XX-001"}, 404, "station-not-found", "station"),
    ({"datastream": 999_999}, 404, "datastream-not-found", "datastream"),
    ({"station": "TH-NT-001", "symbol": "CODx"}, 404, "datastream-not-found", "symbol"),
    ({**_SINCE_THE_SECOND, "to": "2026-01-01T00:00:00Z"}, 422, "span-not-valid", "to"),
    ({"station": "TH-NT-001", "from_": "2026-01-02T00:00:00"}, 422, "invalid-request", "query.from"),
    ({"station": "TH-NT-001", "cursor": "nonsense"}, 422, "invalid-cursor", "cursor"),
    ({"station": "TH-NT-001", "zone": "Europe/Paris"}, 422, "invalid-request", "query.zone"),
    ({"station": "TH-NT-001", "limit": 0}, 422, "invalid-request", "query.limit"),
]


async def test_a_question_that_cannot_be_answered_is_told_why(archive: Archive) -> None:
    for query, status, slug, field in _UNANSWERABLE:
        problem = await archive.get("/v1/observations", status=status, **query)
        assert problem["type"] == f"urn:quantrac:problem:{slug}", query
        assert problem["errors"][0]["field"] == field, query
        assert problem["errors"][0]["found"], query
        assert problem["errors"][0]["expected"], query


async def test_a_station_reads_itself_only(archive: Archive) -> None:
    own, other = archive.stream("TH-NT-001", "COD"), archive.stream("TH-NT-002", "COD")
    await archive.fill([own, other], _BEGIN, _BEGIN + 5 * _MINUTES)
    query: dict[str, Any] = {"from_": _BEGIN.isoformat(), "to": _END.isoformat()}
    page = await archive.get("/v1/observations", who="own", **query)
    assert [item["datastream"] for item in page["items"]] == [own]
    assert len((await archive.get("/v1/observations", who="own", datastream=own, **query))["items"]) == 1
    for asked in ({"station": "TH-NT-002"}, {"station": "TH-XX-001"}, {"datastream": other}, {"datastream": 999_999}):
        await archive.get("/v1/observations", who="own", status=403, **asked)
    await archive.get("/v1/observations", who="nobody", status=401, station="TH-NT-001")
