"""Limits that refer to oxygen, or are written in another unit: corrected as data say, or not judged at all."""

import pytest

from telemetry.catalog import limits
from telemetry.catalog.schemas.limits import RuleSetApplication
from telemetry.verdicts import showing
from telemetry.verdicts.schemas import Verdict
from tests.fixtures.verdicts import HOUR, MINUTE, Court, times, vietnam

STATION, SYMBOL = "TH-KT-001", "SO2"
EIGHT = vietnam(2026, 10, 5, 8)
HOURS = times(EIGHT, EIGHT + HOUR)


async def judged(court: Court, station: str = STATION, symbol: str = SYMBOL) -> Verdict:
    await court.at(EIGHT + HOUR + 10 * MINUTE)
    found = await court.one(station, symbol, "1h", EIGHT)
    assert found is not None
    return found


async def test_results_are_corrected_to_the_reference_oxygen_one_by_one(court: Court) -> None:
    await court.limit(STATION, SYMBOL, "1h", upper=200, oxygen=7)
    await court.send(STATION, SYMBOL, HOURS, [100.0] * 6 + [200.0] * 6)
    await court.send(STATION, "O2", HOURS, [13.95] * 6 + [7.0] * 6)
    found = await judged(court)
    # (20.9 - 7) / (20.9 - 13.95) is 2, and 1 at the reference itself.
    assert (found.mean, found.maximum, found.minimum, found.verdict) == (200, 200, 200, "compliant")
    assert (found.valid_n, found.limit.oxygen_reference) == (12, 7)
    detail = await showing.detail(court.database, found.id)
    assert [row.judged_as for row in detail.observations] == pytest.approx([200] * 12)
    assert [row.oxygen for row in detail.observations] == [13.95] * 6 + [7.0] * 6


async def test_a_row_without_valid_oxygen_does_not_enter_the_mean(court: Court) -> None:
    await court.limit(STATION, SYMBOL, "1h", upper=150, oxygen=7)
    await court.send(STATION, SYMBOL, HOURS, 100.0)
    await court.send(STATION, "O2", HOURS[:9], 7.0)
    await court.send(STATION, "O2", HOURS[9:10], 20.9)
    await court.send(STATION, "O2", HOURS[10:11], 7.0, status=2, quality=4)
    await court.send(STATION, "O2", [HOURS[11] + MINUTE], 7.0)
    found = await judged(court)
    assert (found.verdict, found.mean, found.valid_n, found.received_n) == ("compliant", 100, 9, 12)


@pytest.mark.parametrize("oxygen", [20.9, 21.0, 25.0])
async def test_oxygen_of_air_cannot_be_judged_and_gives_no_number(court: Court, oxygen: float) -> None:
    await court.limit(STATION, SYMBOL, "1h", upper=150, oxygen=7)
    await court.send(STATION, SYMBOL, HOURS, 100.0)
    await court.send(STATION, "O2", HOURS, oxygen)
    found = await judged(court)
    assert (found.verdict, found.reason) == ("cannot-be-judged", "oxygen-undefined")
    assert (found.mean, found.minimum, found.maximum, found.maximum_time) == (None, None, None, None)
    assert (found.valid_n, found.received_n) == (0, 12)


async def test_too_little_oxygen_beside_enough_results_cannot_be_judged(court: Court) -> None:
    await court.limit(STATION, SYMBOL, "1h", upper=150, oxygen=7)
    await court.send(STATION, SYMBOL, HOURS, 100.0)
    await court.send(STATION, "O2", HOURS[:8], 7.0)
    found = await judged(court)
    assert (found.verdict, found.reason, found.mean) == ("cannot-be-judged", "oxygen-undefined", None)


async def test_a_silent_datastream_lacks_data_and_not_oxygen(court: Court) -> None:
    await court.limit(STATION, SYMBOL, "1h", upper=150, oxygen=7)
    assert (await judged(court)).verdict == "insufficient-data"


async def test_oxygen_that_comes_late_lets_the_hour_be_judged(court: Court) -> None:
    await court.limit(STATION, SYMBOL, "1h", upper=150, oxygen=7)
    await court.send(STATION, SYMBOL, HOURS, 100.0)
    assert (await judged(court)).verdict == "cannot-be-judged"
    await court.send(STATION, "O2", HOURS, 13.95)
    found = await judged(court)
    assert (found.verdict, found.mean) == ("exceeded", 200)
    assert [former.verdict for former in await court.former(found)] == ["cannot-be-judged"]


async def test_a_station_that_observes_no_oxygen_cannot_be_judged(court: Court) -> None:
    await court.limit("TH-NT-001", "COD", "1h", upper=150, oxygen=7)
    await court.send("TH-NT-001", "COD", HOURS, 100.0)
    found = await judged(court, "TH-NT-001", "COD")
    assert (found.verdict, found.reason, found.mean) == ("cannot-be-judged", "no-oxygen-datastream", None)


async def test_results_are_converted_to_the_unit_of_the_limit(court: Court) -> None:
    await court.limit("TH-NT-001", "COD", "1h", upper=90, unit="g/m3")
    await court.limit("TH-NT-002", "COD", "1h", upper=0.09, unit="g/l")
    for station in ("TH-NT-001", "TH-NT-002"):
        await court.send(station, "COD", HOURS, 100.0)
    first, second = await judged(court, "TH-NT-001", "COD"), await judged(court, "TH-NT-002", "COD")
    assert (first.mean, first.unit, first.kept_unit, first.verdict) == (100, "g/m3", "mg/l", "exceeded")
    assert (second.mean, second.unit, second.verdict) == (0.1, "g/l", "exceeded")


async def test_a_unit_without_a_known_factor_cannot_be_judged(court: Court) -> None:
    await court.limit("TH-NT-001", "COD", "1h", upper=90, unit="oC")
    await court.send("TH-NT-001", "COD", HOURS, 100.0)
    found = await judged(court, "TH-NT-001", "COD")
    assert (found.verdict, found.reason, found.mean) == ("cannot-be-judged", "conversion-unknown", None)


async def test_the_rule_set_of_2024_carries_its_reference_to_the_verdict(court: Court) -> None:
    wanted = RuleSetApplication(rule_set="QCVN-19-2024-BOILER-LT20-A", valid_from=EIGHT)
    await limits.apply(court.database, STATION, wanted)
    await court.send(STATION, SYMBOL, HOURS, 100.0)
    await court.send(STATION, "O2", HOURS, 13.95)
    found = await judged(court)
    assert (found.limit.rule_set, found.limit.upper, found.limit.oxygen_reference) == (
        "QCVN-19-2024-BOILER-LT20-A",
        130,
        7,
    )
    assert (found.verdict, found.mean) == ("exceeded", 200)
