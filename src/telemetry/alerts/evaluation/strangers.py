"""Finds when stations sent readings under names that they do not know."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from core import instants
from telemetry.alerts.evaluation import episode_store, moments
from telemetry.alerts.evaluation.findings import Finding, World
from telemetry.alerts.kinds import Kind
from telemetry.changes.store import Changes

_KIND = Kind.UNKNOWN_SYMBOL


async def touched(page: Changes) -> dict[int, tuple[int, int]]:
    """By station id the first and last time (µs) for which the page's receipts brought unknown names."""
    receipts = [receipt.id for receipt in page.receipts if receipt.quarantined]
    spans: dict[int, tuple[int, int]] = {}
    sent = await episode_store.unknown_of_receipts(page.connection, receipts) if receipts else []
    for station, text, received in sent:
        time = episode_store.time_us(text)
        # A time that is far from the receipt is the station's error of another kind.
        if time is not None and time <= instants.to_us(received) + moments.AHEAD_US:
            first, last = spans.get(station, (time, time))
            spans[station] = min(first, time), max(last, time)
    return spans


async def find(connection: Any, world: World, spans: Mapping[int, tuple[int, int]], now_us: int) -> list[Finding]:
    """The episodes that lie in the spans (µs) by station id or reach into them. The caller holds the locks."""
    found = []
    for station, span in spans.items():
        if station not in world.snapshot.stations_by_id:
            continue
        rule = world.rule(_KIND, station)
        if not rule.enabled:
            continue
        names: dict[int, str] = {}

        async def read(
            first_us: int, last_us: int, station: int = station, names: dict[int, str] = names
        ) -> moments.Around:
            times = await episode_store.unknown_times(connection, station, first_us, last_us)
            names.update({time: symbol for time, _, symbol in times})
            standing = await episode_store.of_stations(connection, _KIND.value, {station: (first_us, last_us)})
            return [(time, n) for time, n, _ in times], standing.get(station, [])

        times, stands = await moments.around(read, span, rule.clear_us)
        episodes = moments.episodes(times, rule.clear_us, now_us, partial(_detail, names))
        found.append(Finding(_KIND, station, None, rule, stands, episodes))
    return found


def _detail(names: Mapping[int, str], chain: Sequence[moments.Moment]) -> dict[str, Any]:
    return {"count": sum(n for _, n in chain), "symbolSent": names[chain[0][0]]}
