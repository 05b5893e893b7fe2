"""Sets a network of simulated stations up against a gateway and runs it."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import msgspec
import structlog

from core import errors
from telemetry.mqtt.acknowledging import BrokerAddress
from telemetry.simulation import driving, fetching, network
from telemetry.simulation.carrying import MqttTransport
from telemetry.simulation.driving import Options, RunningStation, Sender
from telemetry.simulation.ledger import Ledger
from telemetry.simulation.network import Station, Wire
from telemetry.simulation.pacing import Clock
from telemetry.simulation.parcels import Transport
from telemetry.simulation.posting import HttpTransport
from telemetry.simulation.tallying import Tally

_log = structlog.get_logger(__name__)
_AT_ONCE = 8
_TIMEOUT = httpx.Timeout(15.0, pool=None)


class InvalidKeys(errors.Invalid):
    slug = "invalid-station-keys"
    title = "The file of station keys cannot be used"


class NothingToSimulate(errors.Invalid):
    slug = "nothing-to-simulate"
    title = "No station is left to simulate"


@dataclass(frozen=True, slots=True)
class Broker:
    """host None: no MQTT; all stations send over HTTP."""

    host: str | None = None
    port: int = 1883
    tls: bool = False
    ca_file: Path | None = None
    wait_for_receipt: bool = False


@dataclass(frozen=True, slots=True)
class Session:
    """What to simulate and where it sends.

    keys: station code to key; only stations with one are simulated. wire: the protocol for all, None: each its own.
    most: at most so many stations. since_us: where a faster clock begins.
    """

    url: str
    keys: Mapping[str, str] = field(repr=False)
    broker: Broker = field(default_factory=Broker)
    token: str | None = field(default=None, repr=False)
    network_file: Path | None = None
    wire: Wire | None = None
    most: int | None = None
    speed: float = 1.0
    since_us: int | None = None
    ledger: Path | None = None
    patience: float = 60.0
    options: Options = field(default_factory=Options)


def read_keys(path: Path) -> dict[str, str]:
    """Station code to key; raises InvalidKeys."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, str])
    except (msgspec.DecodeError, OSError) as error:
        fault = errors.Fault(str(path), str(error), 'a JSON object such as {"TH-NT-001": "st_…"}')
        raise InvalidKeys(f"{path} cannot be read as station keys.", faults=[fault]) from error


async def run(session: Session, stop: asyncio.Event, tally: Tally, on_start: Callable[[int], None]) -> None:
    """Simulate until told to stop, or until all rounds are sent; `on_start` is handed the number of stations."""
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(_client(session.url))
        stations = await _stations(session, client)
        book = await stack.enter_async_context(Ledger(session.ledger)) if session.ledger else None
        sender = Sender(tally, book)
        clock = Clock(session.speed, session.since_us)
        running = [await _running(session, station, client, sender, clock, stack) for station in stations]
        if session.options.backfill_us:
            room = asyncio.Semaphore(_AT_ONCE)
            await asyncio.gather(*(_fill(station, session, client, room) for station in running))
        counting = asyncio.create_task(_count_buffered(running, tally))
        on_start(len(running))
        try:
            await driving.run(running, stop, options=session.options)
            await sender.settled()
        finally:
            counting.cancel()
            tally.buffered = sum(station.buffered for station in running)


async def write_network(session: Session, path: Path) -> int:
    """Write the stations that a run would simulate to a file, for runs without the catalogue; their number."""
    async with _client(session.url) as client:
        stations = await _stations(session, client)
    network.write(path, stations)
    return len(stations)


@asynccontextmanager
async def _client(url: str) -> AsyncIterator[httpx.AsyncClient]:
    limits = httpx.Limits(max_connections=128, max_keepalive_connections=128, keepalive_expiry=60)
    async with httpx.AsyncClient(base_url=url, limits=limits, timeout=_TIMEOUT, trust_env=False) as client:
        yield client


async def _stations(session: Session, client: httpx.AsyncClient) -> Sequence[Station]:
    """The stations to simulate: described by a file or by the gateway, and having a key."""
    if session.network_file is not None:
        found = network.read(session.network_file)
    else:
        await fetching.wait_until_ready(client, session.patience)
        if session.token is not None:
            found = await fetching.with_token(client, session.token)
        else:
            found = await fetching.with_keys(client, _first(session.keys, session.most))
    chosen = [station for station in found if station.code in session.keys][: session.most]
    if not chosen:
        fault = errors.Fault("stations", f"{len(found)} known, {len(session.keys)} keys", "a station that has a key")
        raise NothingToSimulate("No known station has a key in the file.", faults=[fault])
    return chosen


async def _fill(station: RunningStation, session: Session, client: httpx.AsyncClient, room: asyncio.Semaphore) -> None:
    """History, without what the gateway has of it: a station that was away sends what it measured meanwhile."""
    begin_us, end_us = station.history_us
    async with room:
        try:
            key = session.keys[station.station.code]
            kept = await fetching.cycles_kept(client, key, station.station, begin_us, end_us)
        except errors.Error as error:
            # What is sent twice is a duplicate and does no harm.
            _log.warning("simulation.history_unknown", station=station.station.code, error=error.slug)
            kept = frozenset()
    station.fill_history(kept)


def _first(keys: Mapping[str, str], most: int | None) -> dict[str, str]:
    return dict(sorted(keys.items())[:most])


async def _running(
    session: Session, station: Station, client: httpx.AsyncClient, sender: Sender, clock: Clock, stack: AsyncExitStack
) -> RunningStation:
    wire = Wire.HTTP if session.broker.host is None else session.wire
    habit = network.habit_of(station, wire)
    key = session.keys[station.code]
    transport: Transport
    if habit.wire is Wire.MQTT:
        carried = MqttTransport(
            _address(session.broker, key),
            station.code,
            on_receipt=sender.receipted,
            wait_for_receipt=session.broker.wait_for_receipt,
        )
        await carried.open()
        transport = carried
    else:
        transport = HttpTransport(client, key)
    stack.push_async_callback(transport.close)
    return RunningStation(station, habit, transport, sender, clock, session.options)


def _address(broker: Broker, key: str) -> BrokerAddress:
    key_id = key.partition(".")[0]
    return BrokerAddress(
        host=broker.host or "",
        port=broker.port,
        username=key_id,
        password=key,
        client_id=key_id,
        tls=broker.tls,
        ca_file=broker.ca_file,
    )


async def _count_buffered(stations: Sequence[RunningStation], tally: Tally) -> None:
    while True:
        tally.buffered = sum(station.buffered for station in stations)
        await asyncio.sleep(0.5)
