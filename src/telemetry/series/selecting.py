"""Which datastreams a question is about, and whether the asker may see them."""

from collections.abc import Sequence
from dataclasses import dataclass

from core import access, errors
from telemetry.catalog import errors as catalog_errors
from telemetry.catalog import sight
from telemetry.catalog.snapshot import DatastreamEntry, Snapshot, StationEntry
from telemetry.series.errors import SelectionUnclear

RETIRED = "retired"


@dataclass(frozen=True, slots=True)
class Selection:
    """One station and some of its datastreams, by id."""

    station: StationEntry
    streams: dict[int, DatastreamEntry]

    @property
    def ids(self) -> list[int]:
        return sorted(self.streams)


def one(
    snapshot: Snapshot,
    principal: access.Principal,
    station: str | None,
    datastream: int | None,
    symbols: Sequence[str],
) -> Selection:
    """The datastreams of one station, retired ones too: `datastream` alone, or `station` narrowed by `symbols`."""
    if datastream is not None and (station is not None or symbols):
        fault = errors.Fault(
            "datastream", str(datastream), "either `datastream`, or `station` with or without `symbol`"
        )
        raise SelectionUnclear("Name a datastream or a station, not both.", faults=[fault])
    if datastream is not None:
        return _by_id(snapshot, principal, datastream)
    code = access.station_code(principal, station) if isinstance(principal, access.Station) else station
    if code is None:
        fault = errors.Fault("station", "nothing", "the code of a station, or `datastream`")
        raise SelectionUnclear("Name a station or a datastream.", faults=[fault])
    sight.check_station(principal, code)
    entry = _station(snapshot, code)
    own = {stream.id: stream for stream in snapshot.datastreams.values() if stream.station_id == entry.id}
    return Selection(entry, _by_symbols(snapshot, entry, own, symbols) if symbols else own)


def many(snapshot: Snapshot, principal: access.Principal, station: str | None, kind: str | None) -> list[Selection]:
    """The active datastreams of each station that is not retired, or of the one that is named, in order of code."""
    code = access.station_code(principal, station) if isinstance(principal, access.Station) else station
    if code is not None:
        sight.check_station(principal, code)
        named = [_station(snapshot, code)]
    else:
        within = access.reached(principal)
        in_use = (entry for entry in snapshot.stations.values() if entry.status != RETIRED)
        named = [entry for entry in in_use if within is None or entry.code in within]
    streams: dict[int, dict[int, DatastreamEntry]] = {entry.id: {} for entry in named if kind in {None, entry.kind}}
    for stream in snapshot.datastreams.values():
        if stream.status != RETIRED and stream.station_id in streams:
            streams[stream.station_id][stream.id] = stream
    chosen = [Selection(snapshot.stations_by_id[station_id], found) for station_id, found in streams.items()]
    return sorted(chosen, key=lambda selection: selection.station.code)


def _station(snapshot: Snapshot, code: str) -> StationEntry:
    entry = snapshot.stations.get(code)
    if entry is None:
        raise catalog_errors.not_found(catalog_errors.StationNotFound, "station", code)
    return entry


def _by_id(snapshot: Snapshot, principal: access.Principal, number: int) -> Selection:
    stream = snapshot.datastreams.get(number)
    if isinstance(principal, access.Station) and (stream is None or stream.station_id != principal.station_id):
        raise errors.Forbidden("A station reads its own data only.")
    owner = None if stream is None else snapshot.stations_by_id[stream.station_id]
    if stream is None or owner is None or not access.may_read(principal, owner.code):
        raise catalog_errors.not_found(catalog_errors.DatastreamNotFound, "datastream", number)
    return Selection(owner, {number: stream})


def _by_symbols(
    snapshot: Snapshot, station: StationEntry, own: dict[int, DatastreamEntry], symbols: Sequence[str]
) -> dict[int, DatastreamEntry]:
    """A symbol may be written as the station spells it; retired datastreams answer to their symbol only."""
    retired = {stream.symbol: stream.id for stream in own.values() if stream.status == RETIRED}
    found = {symbol: snapshot.spellings[station.id][symbol] or retired.get(symbol, 0) for symbol in symbols}
    known = ", ".join(sorted(stream.symbol for stream in own.values()))
    faults = [
        errors.Fault("symbol", errors.shown(symbol), f"a symbol or alias of {station.code}: {known}")
        for symbol, number in found.items()
        if not number
    ]
    if faults:
        raise catalog_errors.DatastreamNotFound(f"{station.code} has no such datastream.", faults=faults)
    return {number: own[number] for number in found.values()}
