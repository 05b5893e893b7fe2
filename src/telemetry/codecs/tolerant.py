"""Reads JSON packets and columns that are not quite right: each bad reading becomes a flaw, the others are kept.

A member that this format does not know spoils what it stands in, the readings of its packet or the one reading, because
it may be a misspelt `status`; so does a member that is written twice, because two readers would see two different
values. `null` in an optional member means that it is not given.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from telemetry.codecs.columns import Sheet, assemble
from telemetry.codecs.context import Context
from telemetry.codecs.documents import Members, Tree, written
from telemetry.codecs.flaws import EXPECTED_NAME, MOST_FLAWS, nameable, unreadable
from telemetry.codecs.gathering import AsSent, Blemish, Gathering, Spoilt
from telemetry.codecs.packets import EXPECTED_STATUS, MOST_READINGS, STATUSES
from telemetry.codecs.times import EXPECTED_TIME, UnreadableTime, instant_us
from telemetry.readings import Decoded, Reason

_PACKET = ("station", "phenomenonTime", "readings")
_COLUMNS = ("station", "phenomenonTime", "results", "units", "statuses")
_READING = ("symbol", "result", "unit", "status", "phenomenonTime")
_SHOWN_VALUES = 3
_EXPECTED_NUMBER = "a JSON number such as 12.5, without quotation marks"


@dataclass(frozen=True, slots=True)
class _Packet:
    """What the readings of a packet share: `spoilt` all of them, `time` those that have none of their own."""

    station: str
    time: Tree
    spoilt: Blemish | None


def document(tree: Tree, context: Context, first: int = 0) -> Decoded:
    """The readings and flaws of one packet or of columns, at positions first, first + 1, …; raises Unreadable."""
    if not isinstance(tree, Members):
        raise unreadable("body", written(tree), "an object with station, phenomenonTime and readings")
    return _columns(tree, context, first) if "results" in tree else _packet(tree, context, first)


def _packet(tree: Members, context: Context, first: int) -> Decoded:
    gathering = Gathering(first)
    packet = _head(tree, context)
    for at, item in _items(tree):
        try:
            _keep(gathering, packet, item, at)
        except Spoilt as spoilt:
            gathering.flaw(spoilt.blemish, _as_sent(item, packet.time))
    return gathering.decoded()


def _head(tree: Members, context: Context) -> _Packet:
    try:
        _check_members(tree, _PACKET, "")
        return _Packet(_station(tree, context), tree.get("phenomenonTime"), None)
    except Spoilt as spoilt:
        return _Packet("", tree.get("phenomenonTime"), spoilt.blemish)


def _items(tree: Members) -> Iterator[tuple[str, Tree]]:
    """Each reading with its place; those of the map form as if they had been written as objects."""
    lists = tree.every("readings")
    if not lists:
        raise unreadable("readings", "nothing", "a list of readings, or an object of numbers by symbol")
    for readings in lists:
        if isinstance(readings, (list, Members)) and len(readings) > MOST_READINGS:
            raise unreadable(
                "readings", f"{len(readings)} readings", f"at most {MOST_READINGS}; send columns or NDJSON"
            )
        if isinstance(readings, list) and readings:
            yield from ((f"readings[{number}]", item) for number, item in enumerate(readings))
        elif isinstance(readings, Members) and readings:
            for symbol, value in readings.pairs or readings.items():
                item = _MapItem([("symbol", symbol), ("result", value)], ambiguous=symbol in readings.repeated)
                yield f"readings.{symbol}", item
        else:
            raise unreadable("readings", written(readings), "a list of readings, or an object of numbers by symbol")


class _MapItem(Members):
    """A reading of the map form, and whether its symbol is there more than once."""

    __slots__ = ("ambiguous",)

    def __init__(self, pairs: list[tuple[str, Tree]], *, ambiguous: bool) -> None:
        super().__init__(pairs)
        self.ambiguous = ambiguous


def _keep(gathering: Gathering, packet: _Packet, item: Tree, at: str) -> None:
    if packet.spoilt is not None:
        raise Spoilt.of(packet.spoilt)
    if not isinstance(item, Members):
        raise Spoilt(Reason.UNREADABLE, at, written(item), "an object with symbol and result")
    if isinstance(item, _MapItem):
        if item.ambiguous:
            raise Spoilt(Reason.REPEATED_FIELD, at, "more than one value", "each symbol once")
        place = at
    else:
        _check_members(item, _READING, at + ".")
        place = at + ".result"
    symbol = _name(item.get("symbol"), at + ".symbol", Reason.UNKNOWN_SYMBOL)
    value = _number(item, place)
    unit = _unit(item.get("unit"), at + ".unit")
    status = _status(item.get("status"), at + ".status")
    own = item.get("phenomenonTime")
    time_us = _time(packet.time, "phenomenonTime") if own is None else _time(own, at + ".phenomenonTime")
    gathering.keep(packet.station, symbol, unit, time_us, value, status)


def _check_members(tree: Members, known: tuple[str, ...], prefix: str) -> None:
    for name in tree:
        if name not in known:
            raise Spoilt(Reason.UNKNOWN_FIELD, prefix + name, "a member that is not known", ", ".join(known))
    _check_once(tree, prefix)


def _check_once(tree: Members, prefix: str) -> None:
    if tree.repeated:
        name = min(tree.repeated)
        found = " and ".join(written(value) for value in tree.every(name)[:_SHOWN_VALUES])
        raise Spoilt(Reason.REPEATED_FIELD, prefix + name, found, "each member once")


def _station(tree: Members, context: Context) -> str:
    station = tree.get("station")
    if station is None and context.station is not None:
        return context.station
    return _name(station, "station", Reason.UNKNOWN_STATION)


def _name(tree: Tree, field: str, reason: Reason) -> str:
    if tree is None or tree == "":
        raise Spoilt(Reason.MISSING_FIELD, field, "null or nothing" if tree is None else "empty text", EXPECTED_NAME)
    if not isinstance(tree, str) or not nameable(tree):
        raise Spoilt(reason, field, written(tree), EXPECTED_NAME)
    return tree


def _unit(tree: Tree, field: str) -> str | None:
    return None if tree is None or tree == "" else _name(tree, field, Reason.UNIT_MISMATCH)


def _status(tree: Tree, field: str) -> int:
    if (tree is None or isinstance(tree, str)) and tree in STATUSES:
        return STATUSES[tree]
    raise Spoilt(Reason.UNKNOWN_STATUS, field, written(tree), EXPECTED_STATUS)


def _number(item: Mapping[str, Tree], field: str) -> float:
    if "result" not in item:
        raise Spoilt(Reason.MISSING_FIELD, field, "nothing", _EXPECTED_NUMBER)
    return _finite(item["result"], field)


def _finite(tree: Tree, field: str) -> float:
    if isinstance(tree, bytes):
        value = float(tree)
        if math.isfinite(value):
            return value
    raise Spoilt.of(_blemish(tree, field))


def _blemish(tree: Tree, field: str) -> Blemish:
    """What is wrong with a value that is no finite number."""
    if isinstance(tree, bytes):
        return Blemish(Reason.NOT_FINITE, field, written(tree), "a number below 1.8e308")
    found = f'"{tree}"' if isinstance(tree, str) else written(tree)
    return Blemish(Reason.NOT_A_NUMBER, field, found, _EXPECTED_NUMBER)


def _time(tree: Tree, field: str) -> int:
    if tree is None:
        raise Spoilt(Reason.MISSING_FIELD, field, "nothing", EXPECTED_TIME)
    if not isinstance(tree, str):
        raise Spoilt(Reason.UNREADABLE_TIME, field, written(tree), EXPECTED_TIME)
    try:
        return instant_us(tree)
    except UnreadableTime as error:
        raise Spoilt(error.reason, field, tree, EXPECTED_TIME) from None


def _as_sent(item: Tree, packet_time: Tree) -> AsSent:
    if not isinstance(item, Members):
        return AsSent(value=written(item), time=_text(packet_time))
    return AsSent(
        symbol=_text(item.get("symbol")),
        value=_text(item.get("result")),
        unit=_text(item.get("unit")),
        time=_text(item.get("phenomenonTime") or packet_time),
        status=_text(item.get("status")),
    )


def _text(tree: Tree) -> str | None:
    return None if tree is None else written(tree)


def _columns(tree: Members, context: Context, first: int) -> Decoded:
    """Columns with bad cells. What does not fit their shape, or is not known, refuses them as a whole."""
    try:
        _check_members(tree, _COLUMNS, "")
        for member in ("results", "units", "statuses"):
            inner = tree.get(member)
            if isinstance(inner, Members):
                _check_once(inner, member + ".")
        station = _station(tree, context)
    except Spoilt as spoilt:
        raise unreadable(spoilt.blemish.field, spoilt.blemish.found, spoilt.blemish.expected) from None
    results = _members(tree, "results")
    blemishes: dict[tuple[int, int], tuple[Blemish, str]] = {}
    numbers: dict[str, list[float | None]] = {}
    for row, (symbol, cells) in enumerate(results.items()):
        if not nameable(symbol) or not symbol:
            raise unreadable(f"results.{symbol}", "a symbol of that name", EXPECTED_NAME)
        entries = _entries(cells, f"results.{symbol}")
        numbers[symbol] = [float(cell) if isinstance(cell, bytes) else None for cell in entries]
        for column, (cell, value) in enumerate(zip(entries, numbers[symbol], strict=True)):
            if cell is None or (value is not None and math.isfinite(value)):
                continue
            numbers[symbol][column] = None
            blemishes[row, column] = (_blemish(cell, f"results.{symbol}[{column}]"), written(cell))
            if len(blemishes) > MOST_FLAWS:
                raise unreadable(f"results.{symbol}[{column}]", written(cell), _EXPECTED_NUMBER)
    sheet = Sheet(
        station=station,
        times=[written(time) for time in _entries(tree.get("phenomenonTime"), "phenomenonTime")],
        results=numbers,
        units=_units(tree),
        statuses={
            symbol: [written(text) for text in _entries(texts, f"statuses.{symbol}")]
            for symbol, texts in _members(tree, "statuses").items()
        },
        blemishes=blemishes,
    )
    return assemble(sheet, first)


def _members(tree: Members, name: str) -> Members:
    inner = tree.get(name)
    if inner is None and name != "results":
        return Members([])
    if not isinstance(inner, Members):
        raise unreadable(name, written(inner), "an object by symbol")
    return inner


def _entries(tree: Tree, field: str) -> list[Tree]:
    if not isinstance(tree, list):
        raise unreadable(field, written(tree), "a list")
    return tree


def _units(tree: Members) -> dict[str, str]:
    try:
        return {symbol: _unit(unit, f"units.{symbol}") or "" for symbol, unit in _members(tree, "units").items()}
    except Spoilt as spoilt:
        raise unreadable(spoilt.blemish.field, spoilt.blemish.found, spoilt.blemish.expected) from None
