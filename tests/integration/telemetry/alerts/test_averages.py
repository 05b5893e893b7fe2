"""What verdicts on averages make of alerts: one for each span, raised late or not, and taken back when they change."""

from core import instants
from tests.fixtures.watches import MINUTE_US, Watch

_VERDICT = """
    INSERT INTO verdict (datastream_id, averaging, period_start, period_end, verdict, limit_id, limit_version_id, split,
                         policy_id, policy_revision, minimum_share, mean, valid_n, received_n, expected_n, covered_n,
                         judged_time)
    SELECT l.datastream_id, '1h', $1, $2, $3, l.limit_id, l.id, false, p.id, 1, 0.75, $4, 12, 12, 12, 12, now()
    FROM limit_version l, averaging_policy p
    WHERE l.valid_to IS NULL AND p.averaging = '1h' AND p.rule_set_id IS NULL AND p.station_kind IS NULL
    ON CONFLICT (datastream_id, averaging, period_start)
    DO UPDATE SET verdict = excluded.verdict, mean = excluded.mean, transaction_id = pg_current_xact_id()
"""


async def _judged(watch: Watch, hour: int, verdict: str, mean: float = 60.0) -> None:
    begin, end = (instants.from_us(watch.works.base_us + (hour + part) * 60 * MINUTE_US) for part in (0, 1))
    await watch.works.database.execute(_VERDICT, begin, end, verdict, mean)


async def test_hours_over_their_limit_are_one_alert_until_an_hour_keeps_it(watch: Watch) -> None:
    await watch.only("average-exceeded")
    watch.now_minute = 60
    await _judged(watch, 0, "exceeded", 60.0)
    await watch.settle()
    assert await watch.found() == [("average-exceeded", "COD", 0.0, None)]
    for hour, verdict, mean in ((1, "insufficient-data", 70.0), (2, "exceeded", 75.0), (3, "compliant", 40.0)):
        watch.now_minute += 60
        await _judged(watch, hour, verdict, mean)
        await watch.settle()
    assert await watch.found() == [("average-exceeded", "COD", 0.0, 180.0)]
    [row] = await watch.rows()
    assert '"mean": 75.0' in row["detail"]
    assert '"count": 2' in row["detail"]
    assert await watch.moves() == ["raise", "clear"]
    assert await watch.events() == [("alert.raised", False), ("alert.cleared", False)]


async def test_verdicts_in_any_order_and_twice_make_the_same_alerts(watch: Watch) -> None:
    await watch.only("average-exceeded")
    verdicts = {-30: "compliant", -29: "exceeded", -28: "exceeded", -27: "compliant", -26: "exceeded", -25: "compliant"}
    for hour in (-26, -28, -25, -30, -27, -29, -28, -26):
        await _judged(watch, hour, verdicts[hour])
        await watch.settle()
    assert await watch.found() == [
        ("average-exceeded", "COD", -29 * 60.0, -27 * 60.0),
        ("average-exceeded", "COD", -26 * 60.0, -25 * 60.0),
    ]
    assert all(row["historical"] for row in await watch.rows())


async def test_a_verdict_that_changes_takes_its_alert_back(watch: Watch) -> None:
    await watch.only("average-exceeded")
    await _judged(watch, 0, "exceeded")
    await watch.settle()
    await _judged(watch, 0, "compliant", 49.0)
    await watch.settle()
    assert await watch.found() == []
    assert [row["cleared_reason"] for row in await watch.rows()] == ["withdrawn"]


async def test_a_compliant_hour_raises_nothing(watch: Watch) -> None:
    await watch.only("average-exceeded")
    await _judged(watch, 0, "compliant", 50.0)
    await watch.settle()
    assert await watch.found() == []
