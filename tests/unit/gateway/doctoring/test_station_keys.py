"""What the doctor says of stations' keys."""

from gateway.doctoring import station_keys
from gateway.doctoring.findings import Level
from gateway.doctoring.store import Keys


def test_keys_that_expire_soon_and_stations_that_are_locked_out_are_told() -> None:
    expiry, doors = station_keys.standing(Keys(live=105, expiring=3, locked_out=2), 30)
    assert (expiry.level, doors.level) == (Level.NOTICE, Level.NOTICE)
    assert expiry.found == "3 of 105 live keys expire within 30 days"
    assert doors.found.startswith("2 stations")


def test_nothing_is_said_against_keys_that_are_in_order_or_unseen() -> None:
    assert {found.level for found in station_keys.standing(Keys(105, 0, 0), 30)} == {Level.OK}
    assert {found.level for found in station_keys.standing(None, 30)} == {Level.SKIPPED}
