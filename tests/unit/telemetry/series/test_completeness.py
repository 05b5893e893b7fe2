"""How the counting of a long span is cut into statements."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from core import instants
from telemetry.catalog.snapshot import DatastreamEntry, StationEntry
from telemetry.series import completeness
from telemetry.series.selecting import Selection
from telemetry.series.spans import Grid

_SECOND = 10**6


def _selection(number: int, cadence_seconds: int) -> Selection:
    station = StationEntry(number, f"TH-NT-{number:03}", "wastewater", "active", cadence_seconds, None)
    streams = {
        id_: DatastreamEntry(id_, number, "COD", "mg/l", "mg/l", 1.0, None, None, "active")
        for id_ in (number * 10, number * 10 + 1)
    }
    return Selection(station, streams)


@given(
    st.lists(st.sampled_from([1, 7, 60, 300, 420, 3600, 86_400]), min_size=1, max_size=4),
    st.integers(10**9, 2 * 10**9),
    st.integers(0, 40 * 86_400),
    st.integers(1, 60),
)
def test_slices_cover_every_step_of_every_station_once(
    cadences: list[int], begin: int, length: int, pieces: int
) -> None:
    selections = [_selection(number, cadence) for number, cadence in enumerate(cadences, 1)]
    spans = {
        s.station.id: Grid(s.station.cadence_seconds * _SECOND).whole(begin * _SECOND, (begin + length) * _SECOND)
        for s in selections
    }
    found: dict[int, list[tuple[int, int]]] = {stream: [] for s in selections for stream in s.streams}
    for piece in completeness.slices(selections, spans, pieces):
        for stream, since, until, _ in piece:
            found[stream].append((instants.to_us(since), instants.to_us(until)))
    for selection in selections:
        begin_us, end_us = spans[selection.station.id]
        step_us = timedelta(seconds=selection.station.cadence_seconds) // timedelta(microseconds=1)
        for stream in selection.streams:
            edges = found[stream]
            assert all((since - begin_us) % step_us == 0 for since, _ in edges)
            assert [until for _, until in edges[:-1]] == [since for since, _ in edges[1:]]
            if begin_us < end_us:
                assert (edges[0][0], edges[-1][1]) == (begin_us, end_us)
            else:
                assert edges == []
