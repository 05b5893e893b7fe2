"""What the migrations make on TimescaleDB: hypertables, columnstore, continuous aggregates, and policies at work."""

from typing import Any

import pytest

from tests.fixtures.timescale import Refused, Session

# What the views are on plain PostgreSQL: both sides must give the same rows.
_PLAIN = """
    SELECT datastream_id, date_trunc({unit}, phenomenon_time, {zone}) AS bucket, count(*) AS received_n,
           count(*) FILTER (WHERE result_quality < 4) AS valid_n,
           count(*) FILTER (WHERE result_quality = 3) AS suspect_n,
           sum(result) FILTER (WHERE result_quality < 4) AS result_sum,
           min(result) FILTER (WHERE result_quality < 4) AS result_min,
           max(result) FILTER (WHERE result_quality < 4) AS result_max,
           avg(result) FILTER (WHERE result_quality < 4) AS result_mean
    FROM observation
    GROUP BY 1, 2
"""
_VIEWS = {
    "observation_hourly": _PLAIN.format(unit="'hour'", zone="'UTC'"),
    "observation_daily": _PLAIN.format(unit="'day'", zone="'Asia/Ho_Chi_Minh'"),
}
_INSERT = """
    INSERT INTO observation
        (phenomenon_time, result, receipt_id, datastream_id, quality_reasons, device_status, result_quality)
"""
_POLICIES = """
    SELECT job_id, proc_name, hypertable_name, schedule_interval::text AS every, config::text AS config
    FROM timescaledb_information.jobs
    WHERE proc_name LIKE 'policy%' AND hypertable_name IS NOT NULL
    ORDER BY proc_name, hypertable_name
"""


@pytest.fixture(params=sorted(_VIEWS))
def view(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


async def _fill(session: Session, datastream_id: int, first: str, step: str, count: int) -> None:
    """Readings in even steps from a time on, of every quality in turn."""
    await session.rows(
        f"{_INSERT} SELECT {first} + n * INTERVAL '{step}', n % 17 + 0.5, 1, {datastream_id}, 0, 0, n % 4 + 1 "
        f"FROM generate_series(0, {count - 1}) AS n"
    )


async def _run_policies(session: Session) -> None:
    for policy in await session.rows(_POLICIES):
        await session.rows(f"CALL run_job({policy['job_id']})")


async def _difference(session: Session, view: str) -> list[dict[str, Any]]:
    """Rows that only the view or only the plain query has."""
    columns = "datastream_id, bucket, received_n, valid_n, suspect_n, result_sum, result_min, result_max, result_mean"
    told = "datastream_id, bucket::text, received_n, valid_n, suspect_n, result_sum"
    return await session.rows(
        f"WITH mine AS (SELECT {columns} FROM {view}), plain AS (SELECT {columns} FROM ({_VIEWS[view]}) AS p) "
        f"SELECT {told} FROM ((TABLE mine EXCEPT ALL TABLE plain) UNION ALL (TABLE plain EXCEPT ALL TABLE mine)) AS d"
    )


async def test_the_tables_that_grow_are_hypertables_of_weeks(timescale: Session) -> None:
    found = await timescale.rows(
        "SELECT hypertable_name, column_name, time_interval::text AS width FROM timescaledb_information.dimensions "
        "WHERE hypertable_schema = 'public' ORDER BY hypertable_name"
    )
    assert found == [
        {"hypertable_name": "observation", "column_name": "phenomenon_time", "width": "7 days"},
        {"hypertable_name": "receipt", "column_name": "received_time", "width": "7 days"},
    ]


async def test_observations_are_compressed_by_datastream_in_time_order(timescale: Session) -> None:
    (found,) = await timescale.rows(
        "SELECT segmentby, orderby FROM timescaledb_information.hypertable_compression_settings "
        "WHERE hypertable = 'observation'::regclass"
    )
    assert found["segmentby"] == "datastream_id"
    assert found["orderby"].split()[0] == "phenomenon_time"


async def test_there_is_one_policy_for_each_thing_and_none_that_drops(timescale: Session) -> None:
    policies = await timescale.rows(_POLICIES)
    assert [(policy["proc_name"], policy["hypertable_name"], policy["every"]) for policy in policies] == [
        ("policy_compression", "observation", "12:00:00"),
        ("policy_refresh_continuous_aggregate", "observation_daily", "00:15:00"),
        ("policy_refresh_continuous_aggregate", "observation_hourly", "00:15:00"),
    ]
    assert '"compress_after": "70 days"' in policies[0]["config"]
    assert '"start_offset": "403 days"' in policies[1]["config"]
    assert '"start_offset": "401 days"' in policies[2]["config"]


async def test_the_aggregates_are_computed_up_to_the_newest_reading(timescale: Session) -> None:
    found = await timescale.rows(
        "SELECT view_name, materialized_only FROM timescaledb_information.continuous_aggregates ORDER BY view_name"
    )
    assert found == [{"view_name": name, "materialized_only": False} for name in sorted(_VIEWS)]


async def test_a_key_holds_one_observation(timescale: Session) -> None:
    row = f"{_INSERT} VALUES (now()::date, 1, 1, 10, 0, 0, 1)"
    await timescale.rows(row)
    with pytest.raises(Refused) as refused:
        await timescale.rows(row)
    assert refused.value.state == "23505"


@pytest.mark.parametrize(
    ("time", "result"),
    [
        ("now()", "'NaN'"),
        ("now()", "'Infinity'"),
        ("now()", "'-Infinity'"),
        ("'1999-12-31Z'", "1"),
        ("'2100-01-01Z'", "1"),
    ],
)
async def test_what_is_no_number_or_of_another_century_is_refused(timescale: Session, time: str, result: str) -> None:
    chunks = await _chunks(timescale)
    with pytest.raises(Refused) as refused:
        await timescale.rows(f"{_INSERT} VALUES ({time}::timestamptz, {result}, 1, 11, 0, 0, 1)")
    assert refused.value.state == "23514"
    assert await _chunks(timescale) == chunks


async def _chunks(session: Session) -> list[dict[str, Any]]:
    return await session.rows(
        "SELECT range_start::text, is_compressed FROM timescaledb_information.chunks "
        "WHERE hypertable_name = 'observation' ORDER BY range_start"
    )


async def test_the_policies_compress_what_is_old_and_leave_what_may_be_sent_again(timescale: Session) -> None:
    await _fill(timescale, 20, "date_trunc('hour', now()) - INTERVAL '90 days'", "1 hour", 500)
    await _fill(timescale, 20, "date_trunc('hour', now()) - INTERVAL '40 days'", "1 hour", 500)
    await _run_policies(timescale)
    old = await timescale.rows(
        "SELECT DISTINCT is_compressed FROM timescaledb_information.chunks "
        "WHERE hypertable_name = 'observation' AND range_end < now() - INTERVAL '71 days'"
    )
    young = await timescale.rows(
        "SELECT DISTINCT is_compressed FROM timescaledb_information.chunks "
        "WHERE hypertable_name = 'observation' AND range_end > now() - INTERVAL '69 days'"
    )
    assert (old, young) == ([{"is_compressed": True}], [{"is_compressed": False}])
    (count,) = await timescale.rows(
        "SELECT count(*) AS n, sum(result) AS total FROM observation WHERE datastream_id = 20"
    )
    assert count["n"] == 1000


async def test_a_compressed_chunk_takes_late_readings_and_keeps_its_keys(timescale: Session) -> None:
    await _fill(timescale, 21, "date_trunc('hour', now()) - INTERVAL '100 days'", "1 hour", 48)
    await _run_policies(timescale)
    late = "date_trunc('hour', now()) - INTERVAL '100 days'"
    # Half of these keys are taken, half are new.
    await timescale.rows(
        f"{_INSERT} SELECT {late} + n * INTERVAL '30 minutes', 99, 2, 21, 0, 0, 1 FROM generate_series(0, 95) AS n "
        "ON CONFLICT DO NOTHING"
    )
    (found,) = await timescale.rows(
        "SELECT count(*) AS n, count(*) FILTER (WHERE receipt_id = 1) AS kept FROM observation WHERE datastream_id = 21"
    )
    assert found == {"n": 96, "kept": 48}
    with pytest.raises(Refused) as refused:
        await timescale.rows(f"{_INSERT} VALUES ({late}, 1, 3, 21, 0, 0, 1)")
    assert refused.value.state == "23505"


async def test_a_view_gives_what_the_plain_view_gives(timescale: Session, view: str) -> None:
    base = 30 if view == "observation_daily" else 40
    # Five minutes apart across midnight in Viet Nam and in UTC, as stations report.
    await _fill(timescale, base, "date_trunc('day', now()) - INTERVAL '2 days 8 hours'", "5 minutes", 300)
    await _fill(timescale, base + 1, "date_trunc('day', now()) - INTERVAL '80 days'", "17 minutes", 400)
    await _run_policies(timescale)
    assert await _difference(timescale, view) == []


async def test_late_and_new_readings_reach_a_view_that_was_computed(timescale: Session, view: str) -> None:
    base = 50 if view == "observation_daily" else 60
    await _fill(timescale, base, "date_trunc('day', now()) - INTERVAL '30 days'", "10 minutes", 300)
    await _run_policies(timescale)
    await _fill(
        timescale, base, "date_trunc('day', now()) - INTERVAL '30 days' + INTERVAL '5 minutes'", "10 minutes", 300
    )
    await _fill(timescale, base, "date_trunc('minute', now()) - INTERVAL '20 minutes'", "5 minutes", 4)
    newest = await timescale.rows(
        f"SELECT sum(received_n)::int AS n FROM {view} "
        f"WHERE datastream_id = {base} AND bucket > now() - INTERVAL '2 days'"
    )
    assert newest == [{"n": 4}]
    await _run_policies(timescale)
    assert await _difference(timescale, view) == []


async def test_a_reading_as_old_as_the_window_allows_reaches_the_views(timescale: Session, view: str) -> None:
    base = 70 if view == "observation_daily" else 80
    await _run_policies(timescale)
    await _fill(timescale, base, "now() - INTERVAL '399 days'", "1 hour", 1)
    await _run_policies(timescale)
    (found,) = await timescale.rows(f"SELECT count(*) AS n FROM {view} WHERE datastream_id = {base}")
    assert found == {"n": 1}
