"""Pages of somebody whose grants are narrowed are read along the order that they are shown in, and no further."""

from typing import Any

import pytest

from core import queries
from core.database import Database
from telemetry.alerts.lifecycle import store as alert_store
from telemetry.catalog import seeding
from telemetry.verdicts import store as verdict_store

_STATIONS = "SELECT array_agg(code) FROM station WHERE kind = 'wastewater'"
_ALERTS = """
    INSERT INTO alert (kind, severity, station_id, datastream_id, state, raised_time, last_time, cleared_time,
                       cleared_reason, detected_time, closed_time, detail)
    SELECT 'over-limit', 'warning', d.station_id, d.id, 'cleared', time, time, time, 'condition', time, time, '{}'
    FROM generate_series(1, 20000) AS n
    CROSS JOIN LATERAL (SELECT now() - n * interval '1 minute' AS time) AS t
    JOIN (SELECT id, station_id, row_number() OVER (ORDER BY id) AS place, count(*) OVER () AS all_n FROM datastream) d
      ON d.place = n % d.all_n + 1
"""
_VERDICTS = """
    INSERT INTO verdict (datastream_id, averaging, period_start, period_end, verdict, limit_id, limit_version_id, split,
                         policy_id, policy_revision, minimum_share, mean, valid_n, received_n, expected_n, covered_n,
                         judged_time)
    SELECT v.datastream_id, '1h', hour, hour + interval '1 hour', 'compliant', v.limit_id, v.id, false, a.id,
           a.revision, 0.75, 1, 12, 12, 12, 12, now()
    FROM (SELECT DISTINCT ON (datastream_id) * FROM limit_version ORDER BY datastream_id, id) v
    CROSS JOIN LATERAL (SELECT * FROM averaging_policy ORDER BY id LIMIT 1) a
    CROSS JOIN generate_series('2026-11-01T00:00:00Z'::timestamptz, '2026-11-02T23:00:00Z', interval '1 hour') AS hour
"""


@pytest.mark.parametrize(
    ("rows", "module", "subject", "query", "parameters", "index"),
    [
        (_ALERTS, alert_store, "alerts", "alerts_page", 14, "alert_time"),
        (_VERDICTS, verdict_store, "verdicts", "verdicts_page", 9, "verdict_time"),
    ],
)
async def test_a_narrowed_page_is_read_along_its_order(
    database: Database, rows: str, module: Any, subject: str, query: str, parameters: int, index: str
) -> None:
    await seeding.seed(database)
    stations = await database.fetchval(_STATIONS)
    values: list[Any] = [None] * parameters
    values[3 if subject == "alerts" else 0] = stations
    values[-1] = 101
    text = queries.load(str(module.__file__), subject)[query]
    async with database.transaction() as connection:
        await connection.execute(rows)
        await connection.execute("ANALYZE")
        plan = [row[0] for row in await connection.fetch(f"EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) {text}", *values)]
    shown = "\n".join(plan)
    assert f"using {index} on" in shown, shown
    assert "Sort" not in shown, shown
    table = index.partition("_")[0]
    (read,) = [line for line in plan if f"using {index} on {table}" in line]
    # A quarter of the stations: a few times the page, not the table.
    assert int(read.partition("rows=")[2].partition(" ")[0].partition(".")[0]) < 3_000, shown
