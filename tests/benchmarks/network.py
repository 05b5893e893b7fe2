"""The network that the benchmarks load: 105 stations with 12 datastreams each, ranges and limits on all of them."""

import asyncpg

from core.database import Database
from telemetry.catalog import keys

STATIONS = 105
SYMBOLS = tuple(f"P{number}" for number in range(1, 13))
CADENCE_SECONDS = 300

_NETWORK = """
INSERT INTO organization (code, name_vi, name_en) VALUES ('BENCH', 'Đo tốc độ', 'Benchmark');
INSERT INTO station (code, kind, organization_id, name_vi, name_en)
SELECT 'S' || g, 'wastewater', 1, 'S' || g, 'S' || g FROM generate_series(1, 105) g;
INSERT INTO observed_property (symbol, unit, name_vi, name_en)
SELECT 'P' || g, 'mg/l', 'P' || g, 'P' || g FROM generate_series(1, 12) g;
INSERT INTO datastream (station_id, observed_property_id, reported_unit, range_min, range_max)
SELECT s.id, p.id, 'mg/l', -10, 1000 FROM station s, observed_property p;
INSERT INTO datastream_limit (datastream_id, basis, averaging, upper, valid_from, legal_source, confidence)
SELECT id, 'permit', '1h', 900, '2020-01-01', 'benchmark', 'none' FROM datastream;
"""


async def create(dsn: str) -> dict[str, str]:
    """Fill an empty, migrated database; one key for each station."""
    connection = await asyncpg.connect(dsn)
    await connection.execute(_NETWORK)
    await connection.close()
    async with Database(dsn, application_name="benchmark") as database:
        issued = {f"S{n}": await keys.issue(database, f"S{n}", "benchmark", None) for n in range(1, STATIONS + 1)}
    return {code: key.key for code, key in issued.items()}
