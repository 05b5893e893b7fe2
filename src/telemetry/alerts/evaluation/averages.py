"""Finds the spans in which averages exceeded their limits: what verdicts say, windows of one datastream taken together.

A span lasts from the beginning of its first exceeded period to the end of its last one. It is over once the next period
of that window is compliant; a period that cannot be judged says nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from core import instants
from telemetry.alerts.evaluation import episode_store
from telemetry.alerts.evaluation.episode_store import Period, Span, Stand
from telemetry.alerts.evaluation.episodes import GONE, HOLDS, SILENT, Series, derive
from telemetry.alerts.evaluation.findings import Finding, Found, World
from telemetry.alerts.kinds import Kind
from telemetry.verdicts.store import Changes

READER = "alerts-verdicts"

_KIND = Kind.AVERAGE_EXCEEDED
_SHOWS = {"exceeded": HOLDS, "compliant": GONE}
_CONTEXT, _MORE = 4, 8
_ROUNDS = 6


@dataclass(frozen=True, slots=True)
class _Part:
    """A span of one window, with its worst period."""

    found: Found
    worst: Period
    count: int


def touched(page: Changes) -> dict[int, tuple[int, int]]:
    """By datastream id from the first to the last beginning (µs) of the page's periods."""
    spans: dict[int, tuple[int, int]] = {}
    for verdict in page.verdicts:
        start = instants.to_us(verdict.period_start)
        first, last = spans.get(verdict.datastream_id, (start, start))
        spans[verdict.datastream_id] = min(first, start), max(last, start)
    return spans


async def find(connection: Any, world: World, spans: Mapping[int, tuple[int, int]]) -> list[Finding]:
    """The spans that begin or reach into the given ones. The caller holds the locks."""
    found: list[Finding] = []
    known = world.snapshot.datastreams
    pending = {stream: span for stream, span in spans.items() if stream in known}
    context = _CONTEXT
    for attempt in range(_ROUNDS):
        if not pending:
            break
        periods = _by_stream(await episode_store.verdicts(connection, pending, context))
        windows = {stream: _window(periods.get(stream, ()), span, context) for stream, span in pending.items()}
        standing = await episode_store.of_datastreams(connection, windows)
        wider: dict[int, tuple[int, int]] = {}
        for stream, span in pending.items():
            mine, stands = periods.get(stream, []), standing.get((_KIND.value, stream), [])
            more = _more(mine, span, windows[stream], stands)
            if more is not None and attempt < _ROUNDS - 1:
                wider[stream] = more
                continue
            entry = known[stream]
            rule = world.rule(_KIND, entry.station_id, stream)
            if rule.enabled and (mine or stands):
                found.append(Finding(_KIND, entry.station_id, stream, rule, stands, together(mine)))
        pending, context = wider, context * _MORE
    return found


def _by_stream(periods: Sequence[Period]) -> dict[int, list[Period]]:
    found: dict[int, list[Period]] = {}
    for period in periods:
        found.setdefault(period.datastream_id, []).append(period)
    return found


def _by_window(periods: Sequence[Period]) -> dict[str, list[Period]]:
    found: dict[str, list[Period]] = {}
    for period in periods:
        found.setdefault(period.window, []).append(period)
    return found


def _window(periods: Sequence[Period], span: tuple[int, int], context: int) -> Span:
    """What is known of all windows: up to where the one that reaches least far was read."""
    begin = end = None
    for mine in _by_window(periods).values():
        if sum(period.start_us < span[0] for period in mine) >= context:
            begin = max(mine[0].start_us, mine[0].start_us if begin is None else begin)
        if sum(period.start_us > span[1] for period in mine) >= context:
            end = min(mine[-1].end_us, mine[-1].end_us if end is None else end)
    return begin, end


def _more(
    periods: Sequence[Period], span: tuple[int, int], known: Span, stands: Sequence[Stand]
) -> tuple[int, int] | None:
    """A wider span where spans or alerts reach beyond what is known."""
    begin, end = known
    first, last = span
    for mine in _by_window(periods).values():
        told = [period for period in mine if period.verdict in _SHOWS]
        if told and begin is not None and told[0].verdict == "exceeded":
            first = min(first, told[0].start_us)
        if told and end is not None and told[-1].verdict == "exceeded":
            last = max(last, told[-1].start_us)
    for stand in stands:
        if begin is not None and stand.raised_us <= begin:
            first = min(first, stand.raised_us)
        if end is not None and stand.end_us >= end:
            last = max(last, stand.end_us)
    return (first, last) if (first, last) != span else None


def together(periods: Sequence[Period]) -> list[Found]:
    """The spans of all windows of one datastream; those that overlap or touch are one."""
    parts = sorted(
        (part for mine in _by_window(periods).values() for part in _parts(mine)), key=lambda part: part.found.raised_us
    )
    joined: list[list[_Part]] = []
    for part in parts:
        if joined and part.found.raised_us <= max(_end(other.found) for other in joined[-1]):
            joined[-1].append(part)
        else:
            joined.append([part])
    return [_joined(group) for group in joined]


def _end(found: Found) -> int:
    return 2**62 if found.cleared_us is None else found.last_us


def _parts(periods: Sequence[Period]) -> list[_Part]:
    """The spans of one window, whose periods are given in order of time."""
    count = len(periods)
    shows = np.array([_SHOWS.get(period.verdict, SILENT) for period in periods], np.int8)
    series = Series(
        group=np.zeros(count, np.int64),
        time_us=np.array([period.start_us for period in periods], np.int64),
        shows=shows,
        raise_us=np.zeros(1, np.int64),
        clear_us=np.zeros(1, np.int64),
        held=np.zeros(1, np.bool_),
    )
    found = []
    for episode in derive(series).episodes:
        exceeded = [p for p in periods[episode.first : episode.last + 1] if p.verdict == "exceeded"]
        last_us = exceeded[-1].end_us
        over = None if episode.cleared_us is None else periods[episode.last + 1].end_us
        span = Found(episode.raised_us, last_us, exceeded[0].end_us, None if over is None else last_us, over, {})
        found.append(_Part(span, max(exceeded, key=_excess), len(exceeded)))
    return found


def _excess(period: Period) -> float:
    """How far beyond the limit, as a share of it."""
    mean, beyond = period.mean or 0.0, [0.0]
    if period.upper is not None:
        beyond.append((mean - period.upper) / max(abs(period.upper), 1e-9))
    if period.lower is not None:
        beyond.append((period.lower - mean) / max(abs(period.lower), 1e-9))
    return max(beyond)


def _joined(parts: Sequence[_Part]) -> Found:
    worst = max(parts, key=lambda part: _excess(part.worst)).worst
    is_open = any(part.found.cleared_us is None for part in parts)
    last_us = max(part.found.last_us for part in parts)
    return replace(
        parts[0].found,
        last_us=last_us,
        due_us=min(part.found.due_us for part in parts),
        cleared_us=None if is_open else last_us,
        settled_us=None if is_open else max(part.found.settled_us or 0 for part in parts),
        detail=_detail(worst, sum(part.count for part in parts)),
    )


def _detail(worst: Period, count: int) -> dict[str, Any]:
    low = worst.upper is None or (worst.lower is not None and (worst.mean or 0.0) < worst.lower)
    return {
        "mean": worst.mean,
        "limit": worst.lower if low else worst.upper,
        "bound": "lower" if low else "upper",
        "unit": worst.unit,
        "window": worst.window,
        "excess": _excess(worst),
        "periodStart": instants.text(instants.from_us(worst.start_us)),
        "periodEnd": instants.text(instants.from_us(worst.end_us)),
        "validN": worst.valid_n,
        "expectedN": worst.expected_n,
        "verdict": worst.id,
        "count": count,
    }
