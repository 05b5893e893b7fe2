"""The catalogue as ingestion sees it: one frozen picture, with lookups for names and columns for numbers.

Pure: it is built from rows that the store read. Columns are indexed by datastream id itself, so that matching a
reading is one dictionary lookup and everything after it is numpy.
"""

import hmac
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from core.credentials import digest

OPEN_END_US = 2**62
_NO_KEY = bytes(32)


def fold(spelling: str) -> str:
    """How spellings are compared: NFC, without surrounding white space, without regard to case."""
    return unicodedata.normalize("NFC", spelling).strip().casefold()


def fold_unit(unit: str) -> str:
    """How units are compared: as spellings, with the signs that mean the same written the same way."""
    return (
        fold(unit)
        .replace("µ", "u")
        .replace("μ", "u")
        .replace("°", "o")
        .replace("³", "3")
        .replace("²", "2")
        .replace(" ", "")
    )


@dataclass(frozen=True, slots=True)
class StationEntry:
    id: int
    code: str
    kind: str
    status: str
    cadence_seconds: int
    file_code: str | None
    organization: str = ""
    district: str | None = None


@dataclass(frozen=True, slots=True)
class DatastreamEntry:
    id: int
    station_id: int
    symbol: str
    unit: str
    reported_unit: str
    factor: float
    range_min: float | None
    range_max: float | None
    status: str


@dataclass(frozen=True, slots=True)
class LimitEntry:
    """One span of one datastream's limit; spans of a datastream do not overlap (the store resolves precedence)."""

    datastream_id: int
    from_us: int
    to_us: int
    lower: float | None
    upper: float | None
    verified: bool


@dataclass(frozen=True, slots=True)
class KeyEntry:
    id: str
    station_id: int
    sha256: bytes
    expires_us: int
    revoked: bool


@dataclass(frozen=True, slots=True)
class QuotaEntry:
    """Most of each that a station may send in a minute; None: as the settings say."""

    requests: int | None
    readings: int | None
    bytes: int | None


@dataclass(frozen=True, slots=True)
class Columns:
    """Numbers by datastream id; row 0 and ids that do not exist hold NaN, factor 1 and no limits.

    factor, range_min, range_max: (d,) float64, range NaN where unknown.
    limit_start, limit_count: (d,) where the datastream's spans stand in the span columns, in time order.
    limit_from_us, limit_to_us: (s,) int64; limit_lower, limit_upper: (s,) float64, NaN where that side is open;
    limit_verified: (s,).
    """

    factor: npt.NDArray[np.float64]
    range_min: npt.NDArray[np.float64]
    range_max: npt.NDArray[np.float64]
    limit_start: npt.NDArray[np.int64]
    limit_count: npt.NDArray[np.int64]
    limit_from_us: npt.NDArray[np.int64]
    limit_to_us: npt.NDArray[np.int64]
    limit_lower: npt.NDArray[np.float64]
    limit_upper: npt.NDArray[np.float64]
    limit_verified: npt.NDArray[np.bool_]


class Spellings(dict[str, int]):
    """Datastream id by spelling. A spelling that is met for the first time is folded once and remembered.

    Only spellings that lead to a datastream are remembered, so what senders invent does not fill the memory.
    """

    def __missing__(self, spelling: str) -> int:
        found = self.get(fold(spelling), 0)
        if found and len(self) < 10_000:
            self[spelling] = found
        return found


@dataclass(frozen=True, slots=True)
class Snapshot:
    revision: int
    stations: Mapping[str, StationEntry]
    stations_by_id: Mapping[int, StationEntry]
    stations_by_file_code: Mapping[str, StationEntry]
    datastreams: Mapping[int, DatastreamEntry]
    spellings: Mapping[int, Spellings]
    keys: Mapping[str, KeyEntry]
    columns: Columns
    keys_by_station: Mapping[int, Sequence[KeyEntry]] = field(default_factory=dict)
    quotas: Mapping[int, QuotaEntry] = field(default_factory=dict)

    def owner_of(self, credential: str, at_us: int) -> StationEntry | None:
        """The station whose key `<id>.<secret>` this is, in a time that does not tell how near a guess was."""
        entry = self._genuine(credential)
        if entry is None or entry.revoked or entry.expires_us <= at_us:
            return None
        return self.stations_by_id.get(entry.station_id)

    def former(self, credential: str, at_us: int) -> KeyEntry | None:
        """The key that this was before it was revoked or expired; None for a live one and for what never was one."""
        entry = self._genuine(credential)
        return entry if entry is not None and (entry.revoked or entry.expires_us <= at_us) else None

    def is_live(self, key_id: str, at_us: int) -> bool:
        entry = self.keys.get(key_id)
        return entry is not None and not entry.revoked and entry.expires_us > at_us

    def may_report(self, station_id: int, at_us: int) -> bool:
        """Whether one of the station's keys is live; a station that never had one may be known in another way."""
        keys = self.keys_by_station.get(station_id, ())
        return not keys or any(not key.revoked and key.expires_us > at_us for key in keys)

    def _genuine(self, credential: str) -> KeyEntry | None:
        """The entry whose whole key this is, whatever its state, after the same work in every case."""
        key_id, _, _ = credential.partition(".")
        entry = self.keys.get(key_id)
        same = hmac.compare_digest(digest(credential), entry.sha256 if entry else _NO_KEY)
        return entry if same else None


def build(
    revision: int,
    stations: Iterable[StationEntry],
    datastreams: Iterable[DatastreamEntry],
    aliases: Iterable[tuple[int, str, int]],
    limits: Sequence[LimitEntry],
    keys: Iterable[KeyEntry],
    quotas: Mapping[int, QuotaEntry] | None = None,
) -> Snapshot:
    """Put the picture together. `aliases` are (station id, spelling, datastream id); an alias goes before a symbol."""
    by_id = {station.id: station for station in stations}
    streams = {stream.id: stream for stream in datastreams}
    spellings = {station_id: Spellings() for station_id in by_id}
    keys = list(keys)
    keys_by_station: dict[int, list[KeyEntry]] = {}
    for key in keys:
        keys_by_station.setdefault(key.station_id, []).append(key)
    for stream in streams.values():
        if stream.status == "active":
            spellings[stream.station_id][fold(stream.symbol)] = stream.id
    for station_id, spelling, datastream_id in aliases:
        if streams[datastream_id].status == "active":
            spellings[station_id][fold(spelling)] = datastream_id
    return Snapshot(
        revision=revision,
        stations={station.code: station for station in by_id.values()},
        stations_by_id=by_id,
        stations_by_file_code={s.file_code.upper(): s for s in by_id.values() if s.file_code},
        datastreams=streams,
        spellings=spellings,
        keys={key.id: key for key in keys},
        columns=_columns(streams.values(), limits),
        keys_by_station=keys_by_station,
        quotas=quotas or {},
    )


def _columns(streams: Iterable[DatastreamEntry], limits: Sequence[LimitEntry]) -> Columns:
    streams = list(streams)
    size = max((stream.id for stream in streams), default=0) + 1
    factor, low, high = np.ones(size), np.full(size, np.nan), np.full(size, np.nan)
    for stream in streams:
        factor[stream.id] = stream.factor
        low[stream.id] = np.nan if stream.range_min is None else stream.range_min
        high[stream.id] = np.nan if stream.range_max is None else stream.range_max
    ordered = sorted(limits, key=lambda span: (span.datastream_id, span.from_us))
    of = np.array([span.datastream_id for span in ordered], dtype=np.int64)
    count = np.bincount(of, minlength=size).astype(np.int64) if ordered else np.zeros(size, np.int64)
    return Columns(
        factor=factor,
        range_min=low,
        range_max=high,
        limit_start=np.concatenate([[0], np.cumsum(count)[:-1]]).astype(np.int64),
        limit_count=count,
        limit_from_us=np.array([span.from_us for span in ordered], dtype=np.int64),
        limit_to_us=np.array([span.to_us for span in ordered], dtype=np.int64),
        limit_lower=np.array([np.nan if span.lower is None else span.lower for span in ordered], dtype=np.float64),
        limit_upper=np.array([np.nan if span.upper is None else span.upper for span in ordered], dtype=np.float64),
        limit_verified=np.array([span.verified for span in ordered], dtype=np.bool_),
    )
