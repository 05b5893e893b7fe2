"""`quantrac report` as a real process on a real database."""

import csv
import io
import json
from pathlib import Path

from tests.fixtures import commands
from tests.fixtures.series import Archive, utc


async def _report(dsn: str, *arguments: str, code: int = 0) -> tuple[str, str]:
    """Standard output and standard error of the command."""
    return await commands.quantrac("report", *arguments, environment={"QUANTRAC_DATABASE__DSN": dsn}, code=code)


async def test_the_command_writes_what_the_interface_answers(archive: Archive, dsn: str, tmp_path: Path) -> None:
    await archive.fill(archive.streams("TH-NT-001"), utc(2025, 10, 3), utc(2025, 10, 5))
    await archive.refresh()
    month = ("--month", "2025-10", "--station", "TH-NT-001")
    file = tmp_path / "month.json"
    out, err = await _report(dsn, "month", *month, "--format", "json", "--output", str(file))
    assert out == ""
    assert "from 2025-10-01T00:00:00+07:00 to 2025-11-01T00:00:00+07:00" in err
    written = json.loads(file.read_text())
    assert written == await archive.get("/v1/reports/month", month="2025-10", station="TH-NT-001")
    assert written["total"]["received"] == 2 * 288 * len(archive.streams("TH-NT-001"))
    out, _ = await _report(dsn, "day", *month)
    asked = await archive.answer("/v1/reports/day", month="2025-10", station="TH-NT-001", format="csv")
    assert list(csv.reader(io.StringIO(out))) == list(csv.reader(io.StringIO(asked.text)))


async def test_a_question_that_cannot_be_answered_is_told_in_one_line_and_leaves_no_file(
    archive: Archive, dsn: str, tmp_path: Path
) -> None:
    del archive
    file = tmp_path / "report.csv"
    for arguments in (("--month", "2026-13"), ("--station", "TH-XX-999"), ("--organization", "NOBODY")):
        _, err = await _report(dsn, "month", *arguments, "--output", str(file), code=1)
        assert err.startswith("quantrac: ")
    await _report(dsn, "yearly", code=2)
    assert not file.exists()
