"""`quantrac simulate`: a network of stations that sends to a running gateway."""

import asyncio
import sys
from pathlib import Path
from typing import Annotated

import typer

from core import instants, log
from gateway.cli import stopping, tallies
from telemetry.simulation import faults, pacing, sessions
from telemetry.simulation.driving import Options
from telemetry.simulation.faults import Fault, Plan
from telemetry.simulation.network import Wire
from telemetry.simulation.sessions import Broker, Session
from telemetry.simulation.tallying import Tally

_DAY_US = 86_400_000_000
# Where a faster clock begins unless told otherwise.
_FAST_SINCE_US = 30 * _DAY_US
_FAULT_HELP = (
    "A fault to inject; may be given many times. `everyday`, or a kind with options, such as "
    "`exceeding:rate=0.02,for=30m,symbol=COD,station=TH-NT-*`. Kinds: " + ", ".join(faults.Kind) + ". "
    "Options: rate (share of time or packets), for (how long), by (how late or how far ahead), factor (of the limit), "
    "station, symbol."
)


def _duration(text: str) -> int:
    try:
        return pacing.duration_us(text)
    except ValueError as error:
        raise typer.BadParameter(f"found {text!r}, expected {error}") from None


def _broker(text: str) -> Broker:
    host, _, port = text.rpartition(":")
    if not host or not port.isdigit():
        raise typer.BadParameter(f"found {text!r}, expected HOST:PORT such as 127.0.0.1:1883")
    return Broker(host.strip("[]"), int(port))


def simulate(
    url: Annotated[str, typer.Option(help="Address of the gateway.")] = "http://127.0.0.1:8000",
    mqtt: Annotated[
        str | None, typer.Option(help="HOST:PORT of the broker; without it all stations send over HTTP.")
    ] = None,
    keys: Annotated[Path, typer.Option(help="JSON file with the key of each station.")] = Path("var/station-keys.json"),
    token_file: Annotated[
        Path | None, typer.Option(help="File with the staff's token: the network is read in three requests.")
    ] = None,
    network: Annotated[Path | None, typer.Option(help="Read the network from this file, not from the gateway.")] = None,
    write_network: Annotated[
        Path | None, typer.Option(help="Write the network to this file, for --network, and send nothing.")
    ] = None,
    stations: Annotated[int | None, typer.Option(min=1, help="Simulate only so many stations.")] = None,
    wire: Annotated[
        Wire | None, typer.Option(help="The protocol of all stations; half of them speak MQTT without it.")
    ] = None,
    speed: Annotated[float, typer.Option(min=1, max=100_000, help="How many times faster than real time.")] = 1.0,
    since: Annotated[
        int | None, typer.Option(parser=_duration, metavar="DURATION", help="How far back a faster clock begins [30d].")
    ] = None,
    backfill: Annotated[
        float, typer.Option(min=0, max=400, help="Days of history that each station sends first.")
    ] = 0.0,
    duration: Annotated[
        int | None, typer.Option(parser=_duration, metavar="DURATION", help="Stop after this time, such as 90s or 10m.")
    ] = None,
    rounds: Annotated[int | None, typer.Option(min=0, help="Stop when each station has sent so many packets.")] = None,
    fault: Annotated[list[str] | None, typer.Option(help=_FAULT_HELP)] = None,
    seed: Annotated[int, typer.Option(help="Another seed, other series.")] = 1,
    ledger: Annotated[
        Path | None,
        typer.Option(help="Append every sending and every answer to this file, synced; see `check-ledger`."),
    ] = None,
    wait_for_receipt: Annotated[
        bool,
        typer.Option(help="MQTT stations wait for the gateway's receipt, for brokers that may lose what they took."),
    ] = False,
    report_every: Annotated[
        float, typer.Option(min=1, help="Seconds between log lines where there is no screen.")
    ] = 60.0,
    as_json: Annotated[bool, typer.Option("--json", help="Write the final tally as JSON.")] = False,
) -> None:
    """Let the network's stations report: plausible series, in the stations' own formats, over HTTP and MQTT.

    Each station keeps what it measured until it is answered for and sends again what is not, oldest first. The same
    seed gives the same values, so a second run adds nothing but duplicates where it covers the same time.
    """
    plan = Plan(seed, _faults(fault or []))
    broker = Broker() if mqtt is None else _broker(mqtt)
    started = instants.now_us()
    session = Session(
        url=url,
        keys=sessions.read_keys(keys),
        broker=Broker(broker.host, broker.port, wait_for_receipt=wait_for_receipt),
        token=None if token_file is None else token_file.read_text(encoding="utf-8").strip(),
        network_file=network,
        wire=wire,
        most=stations,
        speed=speed,
        since_us=started - (since or _FAST_SINCE_US) if speed > 1 else None,
        ledger=ledger,
        options=Options(seed=seed, plan=plan, rounds=rounds, backfill_us=int(backfill * _DAY_US)),
    )
    log.configure()
    if write_network is not None:
        count = asyncio.run(sessions.write_network(session, write_network))
        typer.echo(f"{count} stations are in {write_network}")
        return
    tally = Tally()
    try:
        asyncio.run(_run(session, tally, duration, report_every))
    finally:
        tallies.end(tally, as_json=as_json)


def _faults(texts: list[str]) -> tuple[Fault, ...]:
    return tuple(fault for text in texts for fault in faults.parse(text))


async def _run(session: Session, tally: Tally, duration: int | None, report_every: float) -> None:
    stop = asyncio.Event()

    def on_start(count: int) -> None:
        if duration is not None:
            asyncio.get_running_loop().call_later(duration / 1e6, stop.set)
        tallies.greet(count, session.url)

    async with tallies.watching(tallies.watch(tally, report_every, screen=sys.stderr.isatty())):
        await stopping.run(sessions.run(session, stop, tally, on_start), stop)
