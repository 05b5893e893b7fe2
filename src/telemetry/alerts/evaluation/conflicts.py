"""Finds conflicts: times for which a station sent one value, and later another."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from core import instants
from telemetry.alerts.evaluation import episode_store, moments
from telemetry.alerts.evaluation.findings import Finding, World
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
    for stream, span in spans.items():
        entry = world.snapshot.datastreams.get(stream)
        if entry is None:
            continue
        rule = world.rule(_KIND, entry.station_id, stream)
        if rule.enabled:

            async def read(first_us: int, last_us: int, stream: int = stream) -> moments.Around:
                times = await episode_store.conflict_times(connection, stream, first_us, last_us)
                standing = await episode_store.of_datastreams(connection, {stream: (first_us, last_us)})
                return times, standing.get((_KIND.value, stream), [])

            times, stands = await moments.around(read, span, rule.clear_us)
            episodes = moments.episodes(times, rule.clear_us, now_us, _detail)
            found.append(Finding(_KIND, entry.station_id, stream, rule, stands, episodes))
    return found


def _detail(chain: Sequence[moments.Moment]) -> dict[str, Any]:
    return {"count": sum(n for _, n in chain)}
