"""Turns things that happen at a moment into episodes: one while they come no further apart than the clear delay.

Pure. The end is told by the clock: when nothing of the kind came for the clear delay.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from telemetry.alerts.evaluation.episode_store import Stand
from telemetry.alerts.evaluation.findings import Found

# Time (µs) of a moment, and how many things happened at it.
Moment = tuple[int, int]
# Moments in a span and the alerts that lie in it.
Around = tuple[list[Moment], Sequence[Stand]]
# How far a moment may lie ahead of the time at which it was received.
AHEAD_US = 600 * 10**6


async def around(read: Callable[[int, int], Awaitable[Around]], span: tuple[int, int], clear_us: int) -> Around:
    """All moments and alerts of the episodes around the span (µs): it grows until nothing near lies outside."""
    while True:
        times, stands = await read(span[0] - clear_us, span[1] + clear_us)
        reach = [*span, *(time for time, _ in times), *(s.raised_us for s in stands), *(s.last_us for s in stands)]
        wider = min(reach), max(reach)
        if wider == span:
            return times, stands
        span = wider


def episodes(
    moments: Sequence[Moment],
    clear_us: int,
    now_us: int,
    detail: Callable[[Sequence[Moment]], Mapping[str, Any]],
) -> list[Found]:
    """Episodes of moments in order of time. An episode ends one clear delay after its last moment."""
    found: list[Found] = []
    chain: list[Moment] = []
    for moment in moments:
        if chain and moment[0] - chain[-1][0] > clear_us:
            found.append(_found(chain, clear_us, now_us, detail))
            chain = []
        chain.append(moment)
    if chain:
        found.append(_found(chain, clear_us, now_us, detail))
    return found


def _found(
    chain: Sequence[Moment], clear_us: int, now_us: int, detail: Callable[[Sequence[Moment]], Mapping[str, Any]]
) -> Found:
    first_us, last_us = chain[0][0], chain[-1][0]
    over_us = last_us + clear_us
    cleared_us = over_us if now_us > over_us else None
    return Found(first_us, last_us, first_us, cleared_us, cleared_us, detail(chain))
