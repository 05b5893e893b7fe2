"""Finds conflicts: times for which a station sent one value, and later another."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from core import instants
from telemetry.alerts import episode_store, moments
from telemetry.alerts.episode_store import Stand
from telemetry.alerts.findings import Finding, World
from telemetry.alerts.kinds import Kind
from telemetry.changes.store import Changes

_KIND = Kind.CONFLICT


async def touched(page: Changes) -> dict[int, tuple[int, int]]:
    """By datastream id the first and last time (µs) of the conflicts that the page's receipts brought."""
    receipts = [receipt for receipt in page.receipts if receipt.conflicts]
    if not receipts:
        return {}
    since = instants.from_us(min(receipt.received_us for receipt in receipts)) - timedelta(hours=1)
    return await episode_store.conflicts_of_receipts(page.connection, [receipt.id for receipt in receipts], since)


async def find(connection: Any, world: World, spans: Mapping[int, tuple[int, int]], now_us: int) -> list[Finding]:
    """The episodes that lie in the spans (µs) by datastream id or reach into them. The caller holds the locks."""
    found = []
    for stream, (first_us, last_us) in spans.items():
        entry = world.snapshot.datastreams.get(stream)
        if entry is None:
            continue
        rule = world.rule(_KIND, entry.station_id, stream)
        if rule.enabled:
            times, stands = await _around(connection, stream, first_us, last_us, rule.clear_us)
            episodes = moments.episodes(times, rule.clear_us, now_us, lambda chain: {"count": sum(n for _, n in chain)})
            found.append(Finding(_KIND, entry.station_id, stream, rule, stands, episodes))
    return found


async def _around(
    connection: Any, stream: int, first_us: int, last_us: int, clear_us: int
) -> tuple[list[moments.Moment], Sequence[Stand]]:
    """All moments and alerts of the episodes that the span belongs to: it grows until nothing near lies outside."""
    while True:
        span = (first_us - clear_us, last_us + clear_us)
        times = await episode_store.conflict_times(connection, stream, *span)
        standing = await episode_store.of_datastreams(connection, {stream: span})
        stands = standing.get((_KIND.value, stream), [])
        reach = _hull([first_us, last_us], (time for time, _ in times), stands)
        if reach == (first_us, last_us):
            return times, stands
        first_us, last_us = reach


def _hull(span: Sequence[int], times: Iterable[int], stands: Sequence[Stand]) -> tuple[int, int]:
    all_us = [*span, *times, *(s.raised_us for s in stands), *(s.last_us for s in stands)]
    return min(all_us), max(all_us)
