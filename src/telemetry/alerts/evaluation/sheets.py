"""The rules of kinds about datastreams as columns, indexed by datastream id, so that no reading looks its rule up."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from telemetry.alerts.kinds import KINDS, Kind
from telemetry.alerts.rules.book import Book
from telemetry.catalog.snapshot import Snapshot
from telemetry.readings import Floats, Int64s


@dataclass(frozen=True, slots=True)
class Sheet:
    """The rules of one kind: columns of d, of which ids without an active datastream are not enabled."""

    enabled: npt.NDArray[np.bool_]
    raise_us: Int64s
    clear_us: Int64s
    hysteresis: Floats
    parameters: Mapping[str, Floats]


def draw_up(book: Book, snapshot: Snapshot, kind: Kind) -> Sheet:
    """What holds for each datastream of the catalogue."""
    size = len(snapshot.columns.factor)
    sheet = Sheet(
        enabled=np.zeros(size, np.bool_),
        raise_us=np.zeros(size, np.int64),
        clear_us=np.zeros(size, np.int64),
        hysteresis=np.zeros(size),
        parameters={parameter.name: np.zeros(size) for parameter in KINDS[kind].parameters},
    )
    for stream in snapshot.datastreams.values():
        station = snapshot.stations_by_id[stream.station_id]
        rule = book.effective(kind, station.kind, stream.symbol, station.code)
        sheet.enabled[stream.id] = rule.enabled and stream.status == "active" and station.status != "retired"
        sheet.raise_us[stream.id] = rule.raise_us
        sheet.clear_us[stream.id] = rule.clear_us
        sheet.hysteresis[stream.id] = rule.hysteresis
        for name, column in sheet.parameters.items():
            column[stream.id] = rule.parameter(name)
    return sheet
