"""Turns things that happen at a moment into episodes: one while they come no further apart than the clear delay.

Pure. The end is told by the clock: when nothing of the kind came for the clear delay.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from telemetry.alerts.findings import Found

# Time (µs) of a moment, and how many things happened at it.
Moment = tuple[int, int]


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
