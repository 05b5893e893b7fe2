"""Makes the alerts what was found: raises, moves, clears, merges and withdraws them, with history kept apart.

An alert is history when it was over, or last seen, more than an hour before it was found: it is shown, and nobody is
called. A person's closing stands as long as the same condition goes on, up to an hour; then it is raised again.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from core import instants
from telemetry.alerts.evaluation import connections, reconciling
from telemetry.alerts.evaluation.episode_store import Stand
from telemetry.alerts.evaluation.findings import Finding, Found
from telemetry.alerts.handling import keeping
from telemetry.alerts.lifecycle import lives, store
from telemetry.alerts.lifecycle.lives import Alert, Change
from telemetry.alerts.lifecycle.workflow import Action, State

HISTORY_US = 3_600 * 10**6
_REST_US = 3_600 * 10**6


@dataclass(frozen=True, slots=True)
class _Pair:
    """An episode and the alert that it is, None for a new one."""

    finding: Finding
    stand: Stand | None
    found: Found


@dataclass(frozen=True, slots=True)
class Kept:
    """How many alerts were raised, moved and silently carried on."""

    raised: int = 0
    moved: int = 0
    carried: int = 0

    def __add__(self, other: "Kept") -> "Kept":
        return Kept(self.raised + other.raised, self.moved + other.moved, self.carried + other.carried)


async def keep(connection: Any, findings: Sequence[Finding], now: datetime) -> Kept:
    """Write what the findings mean. The caller holds the evaluation locks of their stations."""
    pairs: list[_Pair] = []
    merged: list[tuple[Stand, Stand]] = []
    withdrawn: list[Stand] = []
    lapsed: list[Stand] = []
    for finding in findings:
        matched = reconciling.match(finding.standing, finding.episodes, finding.rule.clear_us)
        pairs += [_Pair(finding, alert, found) for alert, found in matched.pairs if _differs(alert, found)]
        merged += matched.merged
        (lapsed if finding.lapsing else withdrawn).extend(matched.withdrawn)
    if not (pairs or merged or withdrawn or lapsed):
        return Kept()
    held = await _held(connection, pairs, merged, [*withdrawn, *lapsed])
    now_us = instants.to_us(now)
    closing = [*_withdrawals(withdrawn, held, now), *_mergers(merged, held, now), *_lapses(lapsed, held, now)]
    await _write(connection, closing)
    changes = [_changed(pair, held, now, now_us) for pair in pairs]
    moved = [change for change in changes if change.steps]
    # What ends makes room for what begins: a subject has one open alert of a kind, and episodes begin at times of
    # their own. Those that begin earlier than before move first, each into room that is free by then.
    for batch in _in_order(moved):
        await _write(connection, batch)
    carried = [change.alert for change in changes if not change.steps and change.before is not None]
    await store.progress(connection, carried)
    raised = sum(change.before is None for change in moved)
    return Kept(raised, len(moved) - raised + len(closing), len(carried))


async def _write(connection: Any, changes: Sequence[Change]) -> None:
    if changes:
        await connections.tell(connection, changes, await keeping.keep(connection, changes))


def _differs(stand: Stand | None, found: Found) -> bool:
    if stand is None:
        return True
    alert = stand.alert
    by_hand = alert.cleared_reason == "by-hand"
    return (
        stand.raised_us != found.raised_us
        or stand.last_us != found.last_us
        or (stand.cleared_us != found.cleared_us and not by_hand)
        or (by_hand and found.cleared_us is None)
        or dict(alert.detail) != dict(found.detail)
        or (found.severity is not None and alert.severity != found.severity)
    )


async def _held(
    connection: Any, pairs: Iterable[_Pair], merged: Iterable[tuple[Stand, Stand]], withdrawn: Iterable[Stand]
) -> dict[int, Alert]:
    """The alerts that change, as they are now, held until the transaction ends: people may have moved them."""
    ids = {pair.stand.id for pair in pairs if pair.stand is not None}
    ids |= {alert.id for alert, _ in merged} | {alert.id for alert in withdrawn}
    return {number: known.alert for number, known in (await store.lock(connection, sorted(ids))).items()}


def _withdrawals(withdrawn: Iterable[Stand], held: dict[int, Alert], now: datetime) -> list[Change]:
    return [
        lives.of(held[stand.id]).then(
            Action.WITHDRAW,
            time=now,
            reason="later data show that it never was",
            facts=_times(held[stand.id]),
            cleared_time=held[stand.id].cleared_time or held[stand.id].last_time,
        )
        for stand in withdrawn
    ]


def _mergers(merged: Iterable[tuple[Stand, Stand]], held: dict[int, Alert], now: datetime) -> list[Change]:
    return [
        lives.of(held[stand.id]).then(
            Action.MERGE,
            time=now,
            reason=f"part of alert {into.id}",
            facts=_times(held[stand.id]) | {"into": into.id},
            cleared_time=held[stand.id].cleared_time or held[stand.id].last_time,
        )
        for stand, into in merged
    ]


def _lapses(lapsed: Iterable[Stand], held: dict[int, Alert], now: datetime) -> list[Change]:
    """Alerts about the present whose condition is gone."""
    return [
        lives.of(held[stand.id]).then(Action.CLEAR, time=now, cleared_time=max(now, held[stand.id].raised_time))
        for stand in lapsed
        if held[stand.id].state is not State.CLEARED
    ]


def _times(alert: Alert) -> dict[str, str | None]:
    """The former extent, for the timeline."""
    cleared = alert.cleared_time
    return {
        "raisedTime": instants.text(alert.raised_time),
        "lastTime": instants.text(alert.last_time),
        "clearedTime": None if cleared is None else instants.text(cleared),
    }


def _changed(pair: _Pair, held: dict[int, Alert], now: datetime, now_us: int) -> Change:
    if pair.stand is None:
        return _raised(pair.finding, pair.found, now, now_us)
    return _moved(held[pair.stand.id], pair.finding, pair.found, now, now_us)


def _is_history(finding: Finding, found: Found, now_us: int) -> bool:
    if found.cleared_us is not None:
        return now_us - max(found.cleared_us, found.settled_us or 0) > HISTORY_US
    return not finding.lasting and now_us - max(found.last_us, found.due_us) > HISTORY_US


def _raised(finding: Finding, found: Found, now: datetime, now_us: int) -> Change:
    historical = _is_history(finding, found, now_us)
    alert = Alert(
        kind=finding.kind.value,
        severity=(found.severity or finding.rule.severity).value,
        station_id=finding.station_id,
        datastream_id=finding.datastream_id,
        state=State.RAISED,
        raised_time=instants.from_us(found.raised_us),
        last_time=instants.from_us(found.last_us),
        detected_time=now,
        historical=historical,
        detail=found.detail,
        escalate_time=None if historical else _escalation(finding, now),
    )
    change = lives.raised(alert)
    return change if found.cleared_us is None else _cleared(change, found, now)


def _escalation(finding: Finding, now: datetime) -> datetime | None:
    after = finding.rule.escalate_after_seconds
    return None if after is None else now + timedelta(seconds=after)


def _cleared(change: Change, found: Found, now: datetime) -> Change:
    if found.cleared_us is None:
        return change
    return change.then(Action.CLEAR, time=now, cleared_time=instants.from_us(found.cleared_us))


def _moved(alert: Alert, finding: Finding, found: Found, now: datetime, now_us: int) -> Change:
    """What becomes of an alert that stands, or of one that people closed."""
    change = lives.of(alert)
    raised, last = instants.from_us(found.raised_us), instants.from_us(found.last_us)
    severity = alert.severity if found.severity is None else found.severity.value
    figures: dict[str, Any] = {"last_time": last, "detail": found.detail, "severity": severity}
    if alert.cleared_reason == "by-hand":
        return _after_closing(change, finding, found, figures | {"raised_time": raised}, now)
    if alert.state is State.CLEARED and found.cleared_us is None:
        change = change.then(
            Action.RERAISE,
            time=now,
            reason="later data show that it goes on",
            facts=_times(alert),
            raised_time=raised,
            historical=_is_history(finding, found, now_us),
            escalate_time=_escalation(finding, now),
            **figures,
        )
    elif alert.raised_time != raised or _is_worse(alert, found) or alert.severity != severity:
        change = change.then(Action.UPDATE, time=now, facts=_times(alert), raised_time=raised, **figures)
    elif alert.historical and alert.state is not State.CLEARED and not _is_history(finding, found, now_us):
        change = change.then(
            Action.SURFACE, time=now, historical=False, escalate_time=_escalation(finding, now), **figures
        )
    if alert.state is State.CLEARED and found.cleared_us is not None:
        cleared = instants.from_us(found.cleared_us)
        if cleared != alert.cleared_time:
            return change.then(Action.UPDATE, time=now, facts=_times(alert), cleared_time=cleared, **figures)
    elif found.cleared_us is not None:
        change = change if change.steps else Change(replace(alert, **figures))
        return _cleared(change, found, now)
    return change if change.steps else Change(replace(alert, **figures))


def _is_worse(alert: Alert, found: Found) -> bool:
    """Whether a reading from before what was last seen changed the peak: late data, not the course of things."""
    peak_time = found.detail.get("peakTime")
    if peak_time is None or peak_time == alert.detail.get("peakTime"):
        return False
    return instants.parse(peak_time) <= alert.last_time


def _after_closing(change: Change, finding: Finding, found: Found, figures: dict[str, Any], now: datetime) -> Change:
    """A person closed it: that stands while the condition goes on for an hour at most."""
    alert = change.alert
    closed_us = instants.to_us(alert.closed_time or alert.detected_time)
    if found.cleared_us is None and found.last_us > closed_us + _REST_US:
        return change.then(
            Action.RERAISE,
            time=now,
            reason="it goes on after it was closed by hand",
            escalate_time=_escalation(finding, now),
            **figures,
        )
    if alert.raised_time != figures["raised_time"]:
        return change.then(Action.UPDATE, time=now, facts=_times(alert), **figures)
    figures.pop("raised_time")
    return Change(replace(alert, **figures))


def _in_order(changes: Sequence[Change]) -> list[list[Change]]:
    """Batches: what ends, then what moves to an earlier beginning, to a later one, and at last what opens anew."""
    ending = [c for c in changes if c.before is not None and c.alert.state is State.CLEARED]
    staying = [c for c in changes if c.before is not None and c.alert.state is not State.CLEARED]
    new = [c for c in changes if c.before is None]
    moving = [c for c in (*ending, *staying) if c.before is not None and c.alert.raised_time != c.before.raised_time]
    if len({(c.alert.kind, c.alert.station_id, c.alert.datastream_id) for c in moving}) == len(moving):
        return [ending, staying, new]
    earlier = [c for c in moving if c.before is not None and c.alert.raised_time < c.before.raised_time]
    later = [c for c in moving if c not in earlier]
    earlier.sort(key=lambda c: c.alert.raised_time)
    later.sort(key=lambda c: c.alert.raised_time, reverse=True)
    still = [c for c in ending if c not in moving]
    return [still, *([c] for c in (*earlier, *later)), [c for c in staying if c not in moving], new]
