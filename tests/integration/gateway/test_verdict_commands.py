"""`quantrac verdicts`, as a real process on a real database."""

import json

from core import instants
from tests.fixtures import commands
from tests.fixtures.verdicts import DAY, HOUR, Court, times

STATION, SYMBOL = "TH-KT-001", "SO2"


async def _verdicts(dsn: str, *arguments: str, code: int = 0) -> tuple[str, str]:
    """Standard output and standard error of a command that ends with the code."""
    return await commands.quantrac("verdicts", *arguments, environment={"QUANTRAC_DATABASE__DSN": dsn}, code=code)


async def test_a_span_is_judged_listed_and_shown(court: Court, dsn: str) -> None:
    hour = instants.now().replace(minute=0, second=0, microsecond=0) - 2 * DAY
    # The command has a clock of its own: it is not to catch up with the weeks since the fixture's.
    await court.database.execute("DELETE FROM judging_progress")
    await court.send(STATION, SYMBOL, times(hour, hour + HOUR), 5_000.0)
    begin, end = instants.text(hour), instants.text(hour + HOUR)
    out, _ = await _verdicts(dsn, "judge", STATION, "--from", begin, "--to", end, "--here")
    assert "datastreams were judged" in out
    out, _ = await _verdicts(dsn, "list", "--station", STATION, "--verdict", "exceeded", "--json")
    (found,) = (json.loads(line) for line in out.splitlines())
    assert (found["symbol"], found["mean"], found["periodStart"]) == (SYMBOL, 5_000, begin)
    out, _ = await _verdicts(dsn, "list", "--station", STATION, "--window", "1h", "--to", end)
    assert "exceeded" in out
    out, _ = await _verdicts(dsn, "show", str(found["id"]))
    assert "12 observations in 1 receipts" in out
    assert "exceeded" in out
    out, _ = await _verdicts(dsn, "policies")
    assert "wastewater" in out


async def test_what_is_not_there_is_told_in_one_line(court: Court, dsn: str) -> None:
    _, err = await _verdicts(dsn, "show", "999999", code=1)
    assert "There is no verdict 999999" in err
    span = ("--from", "2026-10-05T00:00:00Z", "--to", "2026-10-04T00:00:00Z")
    _, err = await _verdicts(dsn, "judge", STATION, *span, code=1)
    assert "to" in err
    assert await court.verdicts() == []
