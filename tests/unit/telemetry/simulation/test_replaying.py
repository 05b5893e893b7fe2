"""Recorded files go out in order, as they are or moved in time, each until it is answered for."""

import asyncio
import re
from pathlib import Path

import numpy as np
import pytest

from core import instants
from telemetry.simulation import driving, regulator_files, replaying, series_files
from telemetry.simulation.driving import Sender
from telemetry.simulation.mappings import ColumnMapping, Mapping, TimeMapping
from telemetry.simulation.parcels import Acceptance, Answer, Parcel
from telemetry.simulation.replaying import NothingToReplay, Pieces
from telemetry.simulation.series_files import Series
from telemetry.simulation.tallying import Tally

HOUR_US = 3_600_000_000
CONTENT = (
    b"pH\t7.2\t\t20260325000500\t00\r\nCOD\t48.6\tmg/l\t20260325000500\t02\r\n20260325000500\t1\tx\tnonsense\t00\n"
)


def us(text: str) -> int:
    return instants.to_us(instants.parse(text))


def series(rows: int = 10, start: str = "2026-10-05T00:00:00+07:00") -> Series:
    times = us(start) + np.arange(rows, dtype=np.int64) * HOUR_US
    values = np.stack([np.arange(rows) + 0.5, np.where(np.arange(rows) % 3 == 0, np.nan, 7.0)], axis=1)
    return Series(Path("x.csv"), "TH-NT-001", ("COD", "pH"), ("mg/l", None), times[::-1].copy(), values)


def folder_of(tmp_path: Path) -> Path:
    """Files under three of the layouts in use, beside some that are none."""
    for name in (
        "NUO01/2026/03/25/TH_ABCD_NUO01_20260325001000.txt",
        "2026/Thang03/NgayDD/TH_ABCD_NUO01_20260325000500.TXT",
        "Nam 2026/thang 03/ngay 25/TH_XYZ1_KHI02_20260325000000.txt",
        "NUO01/readme.txt",
        "NUO01/TH_ABCD_NUO01_20261325000500.txt",
        "NUO01/TH_ABCD_NUO01_2026032500.txt",
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(CONTENT)
    return tmp_path


class Wire:
    """Takes what comes; says nothing to the first two sendings of each parcel whose number is odd."""

    def __init__(self) -> None:
        self.seen: list[Parcel] = []

    async def send(self, parcel: Parcel) -> Answer:
        await asyncio.sleep(0)
        self.seen.append(parcel)
        odd = int(parcel.operation.rpartition("-")[2]) % 2
        again = sum(each is parcel for each in self.seen)
        return Answer(Acceptance.UNKNOWN if odd and again < 3 else Acceptance.ACKED, "http")

    async def close(self) -> None:
        pass


async def sent(pieces: Pieces, *, at_once: int = 1, speed: float | None = None) -> list[Parcel]:
    """What goes out, each parcel at the place of its last sending."""
    wire, done = Wire(), list[Parcel]()
    async with asyncio.timeout(20):
        await replaying.replay(
            pieces, wire, Sender(Tally()), asyncio.Event(), at_once=at_once, speed=speed, on_sent=done.append
        )
    assert len(wire.seen) > len(done)
    return done


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(driving, "_FIRST_PAUSE", 0.001)


async def test_a_backfill_sends_blocks_of_columns_in_the_order_of_the_file() -> None:
    found = series()
    pieces = replaying.of_series([found], rows=4, as_live=False, to_now=False)
    parcels = await sent(pieces)
    assert [len(np.unique(np.asarray(parcel.readings[0].time_us))) for parcel in parcels] == [4, 4, 2]
    assert sum(parcel.count for parcel in parcels) == pieces.count == found.count == 16
    assert b'"phenomenonTime":["2026-10-05T09:00:00+07:00"' in parcels[0].raw


async def test_as_if_live_sends_row_by_row_in_the_order_of_time() -> None:
    pieces = replaying.of_series([series()], rows=4, as_live=True, to_now=False)
    parcels = await sent(pieces, speed=10_000_000)
    times = [parcel.readings[0].time_us for parcel in parcels]
    assert times == sorted(times)
    assert len(times) == 10


async def test_a_series_that_is_moved_to_now_ends_just_before_now() -> None:
    pieces = replaying.of_series([series(start="2014-01-01T00:00:00+07:00")], rows=100, as_live=False, to_now=True)
    assert 0 < instants.now_us() - pieces.last_us < 130_000_000
    assert pieces.last_us - pieces.first_us == 9 * HOUR_US
    assert pieces.too_old == 0
    (parcel,) = await sent(pieces)
    times = np.asarray(parcel.readings[0].time_us)
    assert int(times.max()) == pieces.last_us
    assert set((np.diff(np.unique(times)) % HOUR_US).tolist()) == {0}


def test_what_is_too_old_is_counted_before_anything_is_sent() -> None:
    pieces = replaying.of_series([series(start="2014-01-01T00:00:00+07:00")], rows=100, as_live=False, to_now=False)
    assert pieces.too_old == 10


async def test_files_are_found_in_any_folder_and_sent_as_they_are_by_their_time(tmp_path: Path) -> None:
    pieces = replaying.of_files([folder_of(tmp_path)], code=None, station="", to_now=False)
    parcels = await sent(pieces, at_once=1)
    assert [parcel.file_name for parcel in parcels] == [
        "TH_XYZ1_KHI02_20260325000000.txt",
        "TH_ABCD_NUO01_20260325000500.txt",
        "TH_ABCD_NUO01_20260325001000.txt",
    ]
    assert {parcel.raw for parcel in parcels} == {CONTENT}
    assert pieces.readings is None
    assert (pieces.first_us, pieces.last_us) == (us("2026-03-25T00:00:00+07:00"), us("2026-03-25T00:10:00+07:00"))


async def test_files_can_be_moved_in_time_and_to_another_station(tmp_path: Path) -> None:
    pieces = replaying.of_files([folder_of(tmp_path)], code="TH_SNMT_KHI01", station="TH-KK-01", to_now=True)
    parcels = await sent(pieces)
    assert all(re.fullmatch(r"TH_SNMT_KHI01_\d{14}\.txt", parcel.file_name or "") for parcel in parcels)
    moved = parcels[1]
    assert moved.file_name is not None
    stamp = moved.file_name.removesuffix(".txt")[-14:].encode()
    first, second, third = moved.raw.splitlines(keepends=True)
    assert first == b"pH\t7.2\t\t" + stamp + b"\t00\r\n"
    assert second == b"COD\t48.6\tmg/l\t" + stamp + b"\t02\r\n"
    # Only the field of the time is moved.
    assert third == b"20260325000500\t1\tx\tnonsense\t00\n"


def test_a_folder_without_such_files_is_told(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("x", encoding="utf-8")
    with pytest.raises(NothingToReplay) as caught:
        replaying.of_files([tmp_path], code=None, station="", to_now=False)
    assert "14 digits" in caught.value.faults[0].expected


async def test_many_under_way_at_once_all_arrive() -> None:
    pieces = replaying.of_series([series(500)], rows=5, as_live=False, to_now=False)
    parcels = await sent(pieces, at_once=8)
    assert sum(parcel.count for parcel in parcels) == pieces.count


async def test_a_replay_that_is_told_to_stop_sends_no_more() -> None:
    pieces = replaying.of_series([series(50)], rows=1, as_live=False, to_now=False)
    wire, stop, done = Wire(), asyncio.Event(), list[Parcel]()

    def on_sent(parcel: Parcel) -> None:
        done.append(parcel)
        if len(done) == 5:
            stop.set()

    async with asyncio.timeout(10):
        await replaying.replay(pieces, wire, Sender(Tally()), stop, at_once=1, on_sent=on_sent)
    assert 5 <= len(done) <= 6


def test_regulators_files_are_known_by_their_name() -> None:
    assert regulator_files.is_regulators(Path("HN_BKHN_KHIKXQ_20260325000500.txt"))
    assert not regulator_files.is_regulators(Path("flue_gas_turbine_2014.csv"))
    assert not regulator_files.is_regulators(Path("HN_BKHN_20260325000500.txt"))
    # Codes that the codec refuses, too.
    assert not regulator_files.is_regulators(Path("HN_BKHN_" + "K" * 13 + "_20260325000500.txt"))


def test_a_series_is_read_for_the_station_that_is_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "s.csv"
    path.write_text("t,a\n2026-10-05T00:00:00Z,1\n", encoding="utf-8")
    mapping = Mapping(columns={"a": ColumnMapping("COD")}, time=TimeMapping(column="t"), station="OTHER")
    assert series_files.read(path, mapping, "TH-NT-002").station == "TH-NT-002"
