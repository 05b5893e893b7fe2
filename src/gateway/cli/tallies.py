"""Shows what a simulation or replay did: a line while it runs, a table or JSON at the end."""

import asyncio
import sys
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager

import msgspec
import structlog
from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from telemetry.readings import Fate
from telemetry.simulation.parcels import Acceptance
from telemetry.simulation.tallying import Tally

_log = structlog.get_logger(__name__)
_REFRESH = 0.5


def greet(stations: int, url: str) -> None:
    _log.info("simulation.started", stations=stations, url=url)


@asynccontextmanager
async def watching(watch: Coroutine[None, None, None]) -> AsyncIterator[None]:
    """Watch for as long as the block takes."""
    task = asyncio.create_task(watch)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait({task})


async def watch(tally: Tally, report_every: float, *, screen: bool) -> None:
    """For ever: one line that renews itself on a screen, or one event in the log every `report_every` seconds."""
    if not screen:
        while True:
            await asyncio.sleep(report_every)
            _log.info("simulation.progress", **tally.document())
    with Live(line(tally), console=Console(stderr=True), transient=True, auto_refresh=False) as live:
        while True:
            await asyncio.sleep(_REFRESH)
            live.update(line(tally), refresh=True)


def line(tally: Tally) -> Text:
    """The state of a run in one line."""
    acked, unknown = tally.sendings[Acceptance.ACKED], tally.sendings[Acceptance.UNKNOWN]
    fates = "  ".join(f"{fate} {tally.fates[fate]:,}" for fate in Fate if tally.fates[fate])
    text = Text(f"{acked:,} messages taken  {fates}  waiting {tally.buffered:,}")
    if unknown:
        text.append(f"  not answered {unknown:,} ({_worst(tally)})", style="yellow")
    return text


def _worst(tally: Tally) -> str:
    return ", ".join(detail for detail, _ in tally.troubles.most_common(1))


def end(tally: Tally, *, as_json: bool) -> None:
    """The final tally: as asked, else a table for a person and an event where the output is a log."""
    if as_json or sys.stdout.isatty():
        show(tally, as_json=as_json)
    else:
        _log.info("simulation.ended", **tally.document())


def show(tally: Tally, *, as_json: bool) -> None:
    """The final tally on standard output."""
    if as_json:
        sys.stdout.write(msgspec.json.encode(tally.document()).decode() + "\n")
        return
    table = Table("what", "how many", title="Tally", title_justify="left")
    table.columns[1].justify = "right"
    for name, count in _rows(tally):
        table.add_row(name, f"{count:,}")
    p99 = tally.percentile(0.99)
    if p99 is not None:
        table.add_row("99 % of answers within", f"{p99 * 1000:.0f} ms")
    Console().print(table)


def _rows(tally: Tally) -> list[tuple[str, int]]:
    rows = [
        ("readings sent", tally.readings),
        ("messages taken", tally.sendings[Acceptance.ACKED]),
        ("messages refused", tally.sendings[Acceptance.REFUSED]),
        ("sendings without an answer", tally.sendings[Acceptance.UNKNOWN]),
        ("messages not delivered", tally.buffered),
    ]
    rows += [(f"readings {fate}", tally.fates[fate]) for fate in Fate]
    rows += [(f"  because {reason}", count) for reason, count in sorted(tally.reasons.items())]
    rows += [(f"injected {kind}", count) for kind, count in sorted(tally.injected.items())]
    rows += [(f"trouble: {detail}", count) for detail, count in tally.troubles.most_common(5)]
    always = {"readings sent", "messages taken", "readings stored"}
    return [(name, count) for name, count in rows if count or name in always]
