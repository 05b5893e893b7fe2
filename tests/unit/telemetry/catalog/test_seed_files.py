"""The seed's data files: what they hold, and what is said when one of them is broken."""

import csv
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from telemetry.catalog import seed_files, seed_network

_MANDATORY = {
    "ambient": {"SO2-air", "NO2-air", "CO-air", "O3", "PM10", "PM2,5"},
    "wastewater": {"Flowin", "Flow", "pH", "Temp", "TSS", "COD", "NH4"},
    "flue_gas": {"Flow", "Temp", "P", "O2", "PM", "SO2", "NOx", "CO"},
    "groundwater": {"Flow", "Level"},
}


@pytest.fixture(scope="module")
def files() -> seed_files.Files:
    return seed_files.read()


@pytest.fixture(scope="module")
def network(files: seed_files.Files) -> seed_network.Network:
    return seed_network.build(files)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    copy = tmp_path / "seed"
    shutil.copytree(seed_files.FOLDER, copy)
    return copy


def _edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def _faults(folder: Path) -> tuple[str, ...]:
    with pytest.raises(seed_files.BrokenSeed) as broken:
        seed_network.build(seed_files.read(folder))
    return broken.value.faults


def test_the_network_is_the_one_of_the_brief(network: seed_network.Network) -> None:
    kinds = Counter(station["kind"] for station in network.stations)
    assert kinds == {"ambient": 3, "wastewater": 24, "flue_gas": 64, "groundwater": 14}
    assert len({station["code"] for station in network.stations}) == 105
    owners = Counter(organization["kind"] for organization in network.organizations)
    assert owners == {"enterprise": 28, "state": 1}


def test_every_enterprise_is_a_demonstration_and_has_a_station(network: seed_network.Network) -> None:
    enterprises = {o["code"]: o["demonstration"] for o in network.organizations if o["kind"] == "enterprise"}
    assert all(enterprises.values())
    assert enterprises.keys() <= {station["organization"] for station in network.stations}


def test_the_state_owns_the_ambient_stations_and_no_others(network: seed_network.Network) -> None:
    state = {o["code"] for o in network.organizations if o["kind"] == "state"}
    owned = {station["code"] for station in network.stations if station["organization"] in state}
    assert owned == {"TH-KK-01", "TH-KK-02", "TH-KK-03"}


def test_every_station_lies_in_the_province_and_has_a_file_code(network: seed_network.Network) -> None:
    for station in network.stations:
        assert 19.3 <= station["latitude"] <= 20.6, station["code"]
        assert 104.4 <= station["longitude"] <= 106.0, station["code"]
        assert station["file_code"].startswith("TH_"), station["code"]


def test_every_station_has_the_mandatory_set_of_its_kind(network: seed_network.Network) -> None:
    for station in network.stations:
        own = {d["symbol"] for d in network.datastreams if d["station"] == station["code"] and d["mandatory"]}
        assert own == _MANDATORY[station["kind"]], station["code"]


def test_instruments_measure_three_times_the_limit(network: seed_network.Network) -> None:
    high = {(d["station"], d["symbol"]): d["range_max"] for d in network.datastreams}
    for limit in network.limits:
        if limit["symbol"] != "pH":
            assert high[limit["station"], limit["symbol"]] >= 3 * limit["upper"], limit


def test_every_instrument_has_a_range_with_room_below_zero(network: seed_network.Network) -> None:
    for stream in network.datastreams:
        assert stream["range_min"] < stream["range_max"]
        assert stream["symbol"] in {"pH", "P", "P-air"} or stream["range_min"] < 0, stream


def test_ammonium_instruments_are_converted_to_nitrogen(network: seed_network.Network) -> None:
    converted = [d for d in network.datastreams if d["reported_as"] == "NH4+"]
    assert converted
    assert all(d["factor"] == pytest.approx(14.007 / 18.04, abs=1e-12) for d in converted)


def test_every_limit_is_its_base_times_its_coefficients(network: seed_network.Network) -> None:
    scaled = 0
    for limit in network.limits:
        product = 1.0
        for coefficient in limit["coefficients"].values():
            product *= coefficient
        scaled += product != 1.0
        for side in ("lower", "upper"):
            base = limit[f"base_{side}"]
            assert limit[side] == (None if base is None else pytest.approx(base * product, rel=1e-12)), limit
    assert scaled > 100


def test_coefficients_scale_no_temperature_colour_or_ph(network: seed_network.Network) -> None:
    unscaled = [limit for limit in network.limits if limit["symbol"] in {"Temp", "Color", "pH"}]
    assert unscaled
    assert all(limit["coefficients"] == {} for limit in unscaled)


def test_numbers_that_are_not_confirmed_are_marked(files: seed_files.Files, network: seed_network.Network) -> None:
    verified = {entry.row.code for entry in files.rule_sets if entry.row.verified}
    assert verified == {
        "QCVN-05-2023",
        "QCVN-05-2023-PM25-2025",
        "QCVN-05-2023-PM25-2026",
        "QCVN-08-2023-TABLE-1",
        "QCVN-09-2023",
    }
    for limit in network.limits:
        assert limit["verified"] == (limit["rule_set"] in verified), limit
        assert limit["confidence"]
        assert limit["legal_source"]
    assert all(entry.row.confidence and entry.row.legal_source for entry in files.rule_sets)


def test_the_regulation_of_2025_has_no_numbers(files: seed_files.Files) -> None:
    new = next(entry.row for entry in files.rule_sets if entry.row.code == "QCVN-40-2025")
    assert new.limits == []
    assert not any(entry.row.rule_set == "QCVN-40-2025" for entry in files.applied)


def test_values_for_reference_oxygen_are_applied_nowhere(files: seed_files.Files) -> None:
    assert not any(entry.row.rule_set.startswith("QCVN-19-2024") for entry in files.applied)


def test_the_limit_of_fine_particles_falls_at_the_new_year_of_2026(network: seed_network.Network) -> None:
    spans = [
        (limit["upper"], limit["valid_from"].isoformat(), limit["valid_to"] and limit["valid_to"].isoformat())
        for limit in network.limits
        if (limit["station"], limit["symbol"], limit["averaging"]) == ("TH-KK-01", "PM2,5", "24h")
    ]
    assert spans == [
        (50, "2024-01-01T00:00:00+07:00", "2026-01-01T00:00:00+07:00"),
        (45, "2026-01-01T00:00:00+07:00", None),
    ]


def test_spellings_of_the_field_are_among_the_aliases(network: seed_network.Network) -> None:
    aliases = {alias["alias"] for alias in network.aliases}
    assert aliases >= {
        "Amoni",
        "Nhiệtđộ",
        "Ápsuất",
        "PM2.5",
        "Flow_Out",
        "Vinyl chloride",
        "m,p-Xylene",
        "SO2",
        "Humidity",
    }


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        ("stations.csv", ",19.80710,", ",95,", "stations.csv line 2, latitude: found '95'"),
        ("stations.csv", "TH-KK-01,ambient", "TH/KK,ambient", "stations.csv line 2, code: found 'TH/KK'"),
        ("stations.csv", "TH-KK-02,ambient", "TH-KK-02,marine", "stations.csv line 3, kind: found 'marine'"),
        ("stations.csv", "TH-KK-02,", "TH-KK-01,", "stations.csv line 3, code: found 'TH-KK-01' again"),
        ("stations.csv", "SNNMT-THANH-HOA", "NOBODY", "stations.csv line 2, organization: found 'NOBODY'"),
        ("stations.csv", "ambient|ambient-dotted", "ambient|dots", "stations.csv line 3, packages: found 'dots'"),
        ("stations.csv", "TH_SNMT_KHI02", "TH_SNMT_KHI01", "line 3, file_code: found 'TH_SNMT_KHI01' again"),
        ("stations.csv", ",300\n", ",300,5\n", "stations.csv line 2: found 11 cells; expected 10"),
        ("stations.csv", "cadence_seconds", "cadence", "stations.csv line 1: found the columns"),
        ("properties.csv", "TSS,mg/l", "COD,mg/l", "properties.csv line 9, symbol: found 'cod' again"),
        ("instruments.csv", ",TSS,", ",Tss1,", "instruments.csv line 6, symbol: found 'Tss1'"),
        ("instruments.csv", "-50,1000", "5000,1000", "instruments.csv line 6, range_min: found 5000; expected less"),
        ("instruments.csv", ",1,-50", ",0,-50", "instruments.csv line 6, factor: found '0'"),
        ("instruments.csv", "yes,PM2.5\n", "yes,PM10\n", "stations.csv line 2, packages: 'PM10' means PM10 and PM2,5"),
        ("rule_sets.toml", "upper = 75", 'upper = "much"', "[QCVN-40-2011-A], limits.4.upper: found 'much'"),
        ("rule_sets.toml", '"TSS"', '"COD"', "[QCVN-40-2011-A], limits: found 'QCVN-40-2011-A COD 24h' again"),
        ("rule_sets.toml", '"TSS"', '"Dust"', "rule_sets.toml [QCVN-40-2011-A], limits: found 'Dust'"),
        ("rule_sets.toml", "verified = false", "verified = perhaps", "rule_sets.toml: "),
        ("rule_sets.toml", "lower = 6, upper = 9", "lower = 10, upper = 9", "[QCVN-40-2011-A], lower: found 10"),
        ("rule_sets.toml", "upper = 40,", "", "[QCVN-40-2011-A], upper: found nothing"),
        ("applied_rule_sets.csv", "QCVN-05-2023,", "QCVN-05,", "line 2, rule_set: found 'QCVN-05'"),
        ("applied_rule_sets.csv", "2024-01-01T00:00:00+07:00", "2024-01-01T00:00:00", "line 2, valid_from: found"),
        ("applied_rule_sets.csv", ",1.3,", ",13,", "applied_rule_sets.csv line 14, Kq: found '13'"),
        ("applied_rule_sets.csv", "2026-01-01", "2020-01-01", "applied_rule_sets.csv line 4, valid_to: found 2020"),
        ("permits.csv", "TH-NN-001,Level", "TH-NN-001,COD", "line 3, symbol: found 'COD'; expected one that"),
        ("permits.csv", "TH-NN-001,Flow", "TH-NN-999,Flow", "permits.csv line 2, station: found 'TH-NN-999'"),
    ],
)  # fmt: skip
def test_a_broken_file_is_named_with_line_and_field(folder: Path, file: str, old: str, new: str, said: str) -> None:
    _edit(folder / file, old, new)
    assert any(said in fault for fault in _faults(folder)), _faults(folder)


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda path: path.unlink(), "organizations.csv: cannot be read"),
        (lambda path: path.write_bytes(b"code,\xff\n"), "organizations.csv: cannot be read as UTF-8"),
        (lambda path: path.write_text(""), "organizations.csv line 1: found the columns"),
        (lambda path: path.write_text(path.read_text() + 'X,"open'), "organizations.csv line 31"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(folder: Path, damage: Callable[[Path], None], said: str) -> None:
    damage(folder / "organizations.csv")
    assert any(said in fault for fault in _faults(folder)), _faults(folder)


def test_all_faults_are_told_at_once(folder: Path) -> None:
    _edit(folder / "stations.csv", ",19.80710,", ",95,")
    _edit(folder / "permits.csv", ",no\n", ",maybe\n")
    assert len(_faults(folder)) == 2


def test_a_spreadsheet_may_write_a_byte_order_mark_and_other_line_ends(folder: Path) -> None:
    path = folder / "stations.csv"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    assert len(seed_files.read(folder).stations) == 105


def test_the_readme_names_every_file() -> None:
    text = (seed_files.FOLDER / "README.md").read_text(encoding="utf-8")
    for path in seed_files.FOLDER.iterdir():
        assert path.name == "README.md" or f"`{path.name}`" in text


def test_no_line_of_a_table_has_empty_trailing_text() -> None:
    for path in seed_files.FOLDER.glob("*.csv"):
        with path.open(encoding="utf-8", newline="") as lines:
            for cells in csv.reader(lines):
                assert all(cell == cell.strip() for cell in cells), (path.name, cells)
