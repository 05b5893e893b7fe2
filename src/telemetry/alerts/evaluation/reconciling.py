"""Compares the episodes that the readings show with the alerts that stand, and says what each alert becomes.

Pure. An episode that overlaps a standing alert of its subject, or touches it within the clear delay, is that alert.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar


class Extent(Protocol):
    """A span in phenomenon time; cleared_us is None while it goes on."""

    @property
    def raised_us(self) -> int: ...
    @property
    def last_us(self) -> int: ...
    @property
    def cleared_us(self) -> int | None: ...


class Standing(Extent, Protocol):
    @property
    def id(self) -> int: ...
    @property
    def is_open(self) -> bool: ...


S = TypeVar("S", bound=Standing)
E = TypeVar("E", bound=Extent)


@dataclass(frozen=True, slots=True)
class Matched(Generic[S, E]):
    """What becomes of the alerts of one kind and subject.

    pairs: an episode with the alert that it is, None where it is a new one. merged: alerts with the one that took them
    in. withdrawn: alerts that nothing shows any more.
    """

    pairs: list[tuple[S | None, E]]
    merged: list[tuple[S, S]]
    withdrawn: list[S]


def match(standing: Sequence[S], episodes: Sequence[E], clear_us: int) -> Matched[S, E]:
    """Alerts and episodes of one kind and subject; episodes in order of time, none overlapping another."""
    claims: dict[int, list[S]] = {}
    withdrawn: list[S] = []
    begins = [episode.raised_us for episode in episodes]
    ends = [_end(episode) for episode in episodes]
    for alert in standing:
        # Both begins and ends are in order, so those that touch the alert stand together.
        first, stop = bisect_left(ends, alert.raised_us - clear_us), bisect_right(begins, _end(alert) + clear_us)
        touching = range(first, stop)
        if touching:
            claims.setdefault(min(touching, key=lambda at: _distance(alert, episodes[at])), []).append(alert)
        else:
            withdrawn.append(alert)
    pairs: list[tuple[S | None, E]] = []
    merged: list[tuple[S, S]] = []
    for at, episode in enumerate(episodes):
        # An open alert may be in somebody's hands; of several the one that began first is the one people know.
        claimants = sorted(claims.get(at, []), key=lambda alert: (not alert.is_open, alert.raised_us, alert.id))
        pairs.append((claimants[0] if claimants else None, episode))
        merged += [(alert, claimants[0]) for alert in claimants[1:]]
    return Matched(pairs, merged, withdrawn)


def _end(extent: Extent) -> int:
    return extent.last_us if extent.cleared_us is None else max(extent.last_us, extent.cleared_us)


def _distance(one: Extent, other: Extent) -> int:
    return abs(one.raised_us - other.raised_us)
