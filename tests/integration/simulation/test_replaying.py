"""`quantrac replay` against a real gateway: real series arrive whole, and a second replay adds nothing."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from telemetry.simulation import samples
from tests.fixtures.ledger import STAFF_TOKEN, Centre

Arguments = list[str | Path]
SAMPLES = Path(samples.__file__).parent
LONGER = Path(__file__).parents[4] / "shared" / "data"
needs_longer = pytest.mark.skipif(not LONGER.is_dir(), reason="the longer series are not beside the project")


def replayed(centre: Centre, name: str, *arguments: str | Path) -> dict[str, Any]:
    """The tally of a replay that ended well."""
    program = centre.program(
        name, "replay", "--url", centre.url, "--keys", str(centre.keys_file), "--json", *map(str, arguments)
    )
    program.start()
    assert program.wait(120) == 0, program.log
    found: dict[str, Any] = json.loads(program.log.strip().splitlines()[-1])
    return found


def told(centre: Centre, name: str, *arguments: str | Path) -> str:
    """What a replay says that does not send, or fails."""
    program = centre.program(name, "replay", "--url", centre.url, "--keys", str(centre.keys_file), *map(str, arguments))
    program.start()
    program.wait()
    assert "Traceback" not in program.log, program.log
    return program.log


async def test_the_sample_series_and_their_replay_in_every_way(centre: Centre) -> None:
    centre.serve()
    turbine: Arguments = [SAMPLES / "gas_turbine_2014.csv", "--mapping", SAMPLES / "gas_turbine_2014.toml"]

    log = told(centre, "dry", *turbine, "--dry-run")
    assert "336 readings from 2014-01-01T00:00:00+07:00 to 2014-01-07T23:00:00+07:00" in log
    assert "older than 400 days" in log
    assert await centre.database.fetchval("SELECT count(*) FROM receipt") == 0

    # Where it stands in time it is too old, and kept in quarantine.
    old = replayed(centre, "old", *turbine, "--ledger", centre.ledger_file)
    assert old["fates"] == {"quarantined": 336}
    assert old["reasons"] == {"too-old": 336}

    now = replayed(centre, "now", *turbine, "--shift-to-now", "--ledger", centre.ledger_file, "--rows", "50")
    assert now["fates"] == {"stored": 336}
    report = await centre.report()
    assert report.ok, str(report)
    assert (report.rows, report.acked) == (336, 5)

    well: Arguments = [
        SAMPLES / "groundwater_head.csv",
        "--mapping",
        SAMPLES / "groundwater_head.toml",
        "--shift-to-now",
    ]
    live = replayed(centre, "live", *well, "--as-if-live", "--speed", "1000000000")
    assert (live["acked"], live["fates"]) == (150, {"stored": 150})
    lowest = await centre.database.fetchval(
        "SELECT min(result) FROM observation o JOIN datastream d ON d.id = o.datastream_id"
        " JOIN observed_property p ON p.id = d.observed_property_id WHERE p.symbol = 'Level'"
    )
    assert lowest > 4

    assert "station" in told(centre, "nobody", SAMPLES / "gas_turbine_2014.csv", "--column", "CO=CO", "--start",
                             "2026-01-01T00:00:00Z", "--step", "1h")  # fmt: skip
    assert "a column named 'CO2'" in told(
        centre, "unknown", SAMPLES / "gas_turbine_2014.csv", "--column", "CO2=CO", "--start", "2026-01-01T00:00:00Z",
        "--step", "1h", "--station", "TH-KT-001",
    )  # fmt: skip


async def test_the_regulators_files_are_sent_for_the_station_that_is_told(centre: Centre, tmp_path: Path) -> None:
    centre.serve()
    folder = tmp_path / "KHIKXQ" / "2026" / "03" / "25"
    folder.mkdir(parents=True)
    for minute in range(0, 30, 5):
        stamp = f"202603250{minute // 60}{minute % 60:02}00"
        text = f"SO2\t4.00\tug/m3\t{stamp}\t00\r\nO3\t45.14\tug/m3\t{stamp}\t01\r\nXyz\t1\t\t{stamp}\t00\r\n"
        (folder / f"HN_BKHN_KHIKXQ_{stamp}.txt").write_bytes(text.encode())
    own = ["--station", "TH-KK-01", "--file-code", "TH_SNMT_KHI01", "--shift-to-now"]
    tally = replayed(centre, "files", tmp_path / "KHIKXQ", *own)
    assert tally["acked"] == 6
    assert tally["fates"] == {"stored": 12, "quarantined": 6}
    assert tally["reasons"] == {"unknown-symbol": 6}

    # As another station's they are refused reading by reading, and kept.
    other = replayed(centre, "wrong", tmp_path / "KHIKXQ", "--station", "TH-KK-01", "--shift-to-now")
    assert other["reasons"] == {"wrong-station": 18}

    (tmp_path / "token").write_text(STAFF_TOKEN, encoding="utf-8")
    staff = replayed(centre, "staff", tmp_path / "KHIKXQ", "--token-file", tmp_path / "token", "--shift-to-now")
    assert staff["reasons"] == {"unknown-station": 18}


@needs_longer
async def test_a_year_of_flue_gas_and_a_shuffled_series_arrive_whole(centre: Centre) -> None:
    centre.serve()
    book: Arguments = ["--shift-to-now", "--ledger", centre.ledger_file]
    year: Arguments = [LONGER / "flue_gas_turbine_2014.csv", "--station", "TH-KT-001"]
    hours = "--column CO=CO:mg/Nm3 --column NOX=NOx:mg/Nm3 --start 2014-01-01T00:00+07:00 --step 1h"
    tally = replayed(centre, "year", *year, *hours.split(), *book)
    assert tally["fates"] == {"stored": 2 * 7158}

    # Its rows are shuffled over five months: out of order is normal.
    shuffled: Arguments = [LONGER / "wastewater_tilburg_15min.csv", "--station", "TH-NT-002", *book]
    shuffled += ["--time-column", "DATETIME", "--time-format", "%Y-%m-%d %H:%M:%S", "--zone", "+02:00"]
    shuffled += ["--column", "Q_inf=Flowin:m3/h", "--column", "NH4=NH4:mg/l", "--column", "Temp=Temp:oC"]
    tally = replayed(centre, "shuffled", *shuffled)
    assert sum(tally["fates"].values()) == tally["readings"]
    # The plant's greatest flows lie beyond the range of the station's instrument.
    assert tally["reasons"] == {"out-of-range": tally["fates"]["quarantined"]}
    assert tally["fates"]["stored"] > 0.8 * tally["readings"]
    report = await centre.report()
    assert report.ok, str(report)

    headers = {"Authorization": f"Bearer {centre.credentials['TH-NT-002']}"}
    async with httpx.AsyncClient(base_url=centre.url, headers=headers) as client:
        answer = await client.get("/v1/observations", params={"station": "TH-NT-002", "from": "2020-01-01T00:00:00Z"})
    times = [item["phenomenonTime"] for item in answer.json()["items"]]
    assert times == sorted(times)
    assert len(times) > 50
