"""Adding and editing datastreams: one conversion to the kept unit, and spellings that lead to one datastream only."""

from collections.abc import Iterable, Sequence
from typing import Any

from core import errors as core_errors
from core.database import Database
from telemetry.catalog import conversions, errors, revisions, stations
from telemetry.catalog.revisions import Expected
from telemetry.catalog.schemas.datastreams import Datastream, DatastreamEdit, NewDatastream
from telemetry.catalog.snapshot import fold
from telemetry.catalog.store import datastreams as store
from telemetry.catalog.store import properties as property_store
from telemetry.catalog.store import stations as station_store
from telemetry.catalog.store.datastreams import DatastreamRow, Spelling
from telemetry.catalog.store.writing import changing


async def get(database: Any, datastream_id: int) -> Datastream:
    """Takes a database or a connection."""
    found = await store.find(database, datastream_id)
    if found is None:
        raise errors.not_found(errors.DatastreamNotFound, "datastream", datastream_id)
    return found


def settled(new: NewDatastream, kept_unit: str) -> DatastreamRow:
    """The datastream with every default worked out. Raises ConversionUnknown when only a person can give the factor."""
    reported = kept_unit if new.reported_unit is None else new.reported_unit
    factor = new.factor or conversions.factor(reported, new.reported_as, kept_unit)
    if factor is None:
        of = f" as {new.reported_as}" if new.reported_as else ""
        fault = core_errors.Fault(
            "factor", "none", f"the factor from {reported!r}{of} to {new.symbol} in {kept_unit!r}"
        )
        raise errors.ConversionUnknown(
            f"Give the factor that turns what is reported into {kept_unit!r}.", faults=[fault]
        )
    return DatastreamRow(
        reported_unit=reported,
        reported_as=new.reported_as,
        factor=factor,
        range_min=new.range_min,
        range_max=new.range_max,
        mandatory=new.mandatory,
        status=new.status,
    )


def needed(aliases: Iterable[str], symbol: str) -> tuple[str, ...]:
    """The aliases that are not the symbol and not each other, as spellings are compared."""
    by_fold = {fold(alias): alias for alias in aliases}
    by_fold.pop(fold(symbol), None)
    return tuple(by_fold.values())


def clashes(wanted: Iterable[str], others: Iterable[Spelling]) -> list[tuple[str, str]]:
    """(spelling, symbol of the other datastream) of every wanted spelling that already leads elsewhere."""
    taken = {fold(other.spelling): other.symbol for other in others}
    return [(spelling, taken[fold(spelling)]) for spelling in wanted if fold(spelling) in taken]


async def create(database: Database, new: NewDatastream) -> Datastream:
    async with changing(database, symbol=new.symbol, aliases=", ".join(new.aliases)) as connection:
        station_id = await stations.held(connection, new.station)
        observed = await property_store.find(connection, new.symbol)
        if observed is None:
            raise errors.not_found(errors.ObservedPropertyNotFound, "symbol", new.symbol)
        number = await store.insert(connection, station_id, new.symbol, settled(new, observed.unit))
        if number is None:
            raise errors.not_found(errors.ObservedPropertyNotFound, "symbol", new.symbol)
        await _spell(connection, station_id, number, new)
    return await get(database, number)


async def edit(database: Database, datastream_id: int, changes: DatastreamEdit, expected: Expected) -> Datastream:
    """Results that are kept already are not converted anew when a factor changes."""
    station = await store.station_of(database, datastream_id)
    if station is None:
        raise errors.not_found(errors.DatastreamNotFound, "datastream", datastream_id)
    async with changing(database, aliases=", ".join(changes.aliases or ())) as connection:
        # The station's row is the lock of all its datastreams, so that no two edits claim one spelling.
        station_id = await station_store.lock(connection, station)
        current = await get(connection, datastream_id)
        revisions.check(current.revision, expected)
        anew = changes.model_fields_set & {"reported_unit", "reported_as"}
        factor = None if anew else current.factor
        now = revisions.merged(NewDatastream, current, changes, factor=factor)
        await store.update(connection, datastream_id, settled(now, current.unit))
        await _spell(connection, station_id or 0, datastream_id, now)
    return await get(database, datastream_id)


async def _spell(connection: Any, station_id: int, datastream_id: int, now: NewDatastream) -> None:
    """Write the aliases. Raises SpellingTaken when a name of an active datastream is another one's already."""
    aliases: Sequence[str] = needed(now.aliases, now.symbol)
    if now.status == "active":
        others = [s for s in await store.spellings(connection, station_id) if s.datastream_id != datastream_id]
        if found := clashes((now.symbol, *aliases), others):
            raise errors.SpellingTaken.by(found)
    await store.set_aliases(connection, station_id, datastream_id, aliases)
