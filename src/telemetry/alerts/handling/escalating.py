"""What happens to alerts by the clock: escalation without acknowledgement, the end of shelving and of muting.

Several processes may do it side by side: each alert is held by one of them, and the others pass over it.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog

from core import instants
from core.database import Database
from telemetry.alerts.handling import muting
from telemetry.alerts.handling.keeping import keep
from telemetry.alerts.kinds import Kind
from telemetry.alerts.lifecycle import lives, store
from telemetry.alerts.lifecycle.lives import Change
from telemetry.alerts.lifecycle.store import Known
from telemetry.alerts.lifecycle.workflow import Action, State
from telemetry.alerts.rules import store as rule_store
from telemetry.alerts.rules.book import Book

_log = structlog.get_logger(__name__)

Due = Callable[[Any, datetime, int], Awaitable[list[Known]]]
Made = Callable[[Known, Book, datetime], Change]


@dataclass(frozen=True, slots=True)
class EscalationOptions:
    """levels: how often an alert escalates at most. batch: alerts of one transaction."""

    levels: int = 3
    batch: int = 200


class Escalation:
    """The round that looks after deadlines of alerts."""

    name = "escalation"
    pause_seconds = 5.0

    def __init__(
        self,
        database: Database,
        options: EscalationOptions | None = None,
        clock: Callable[[], datetime] = instants.now,
    ) -> None:
        self._database = database
        self._options = options or EscalationOptions()
        self._clock = clock

    async def turn(self) -> bool:
        """Whether a batch was full, so that there is more to do at once."""
        steps: Sequence[tuple[str, Due, Made]] = (
            ("unmuted", store.muted_no_longer, _unmuted),
            ("unshelved", store.shelved_too_long, _unshelved),
            ("escalated", store.unacknowledged, self._escalated),
        )
        full = await self._mute()
        for what, due, made in steps:
            moved = await self._move(due, made)
            if moved:
                _log.info(f"alerts.{what}", alerts=moved)
            full = full or moved == self._options.batch
        return full

    async def _mute(self) -> bool:
        """Mute what was raised while its window was being accepted; whether there is more."""
        now, most = self._clock(), self._options.batch
        async with self._database.transaction() as connection:
            found = await store.to_mute(connection, now, most, muting.BY_CALIBRATION)
            windows = {known.alert.id: (known, window) for known, window in found}
            await keep(connection, [muting.muted(known, window, now) for known, window in windows.values()])
        return len(found) == most

    async def _move(self, due: Due, made: Made) -> int:
        """Move what is due, in one transaction; how many alerts that were."""
        now = self._clock()
        async with self._database.transaction() as connection:
            found = await due(connection, now, self._options.batch)
            if found:
                rules = await rule_store.read(connection)
                await keep(connection, [made(known, rules, now) for known in found])
        return len(found)

    def _escalated(self, known: Known, rules: Book, now: datetime) -> Change:
        """One level up, with the next time; no move up where the rule no longer asks for any."""
        seconds = _seconds(known, rules)
        change = lives.of(known.alert)
        if seconds is None:
            return change.then(Action.UPDATE, time=now, facts={"escalates": False}, escalate_time=None)
        level = known.alert.escalation_level + 1
        following = now + timedelta(seconds=seconds) if level < self._options.levels else None
        reason = f"nobody acknowledged it in {seconds} s"
        return change.then(Action.ESCALATE, time=now, reason=reason, facts={"level": level}, escalate_time=following)


def _unshelved(known: Known, rules: Book, now: datetime) -> Change:
    back = known.alert.shelved_from
    again = next_escalation(known, rules, now) if back is State.RAISED else None
    return lives.of(known.alert).then(
        Action.EXPIRE, time=now, reason="the time of shelving is over", escalate_time=again
    )


def _unmuted(known: Known, rules: Book, now: datetime) -> Change:
    again = next_escalation(known, rules, now, muted=False) if known.alert.state is State.RAISED else None
    return muting.unmuted(known, now, again, "its window is over")


def next_escalation(known: Known, rules: Book, now: datetime, *, muted: bool | None = None) -> datetime | None:
    """When an alert that is raised from now on escalates; None for one that calls nobody."""
    silent = known.alert.muted_by is not None if muted is None else muted
    seconds = _seconds(known, rules)
    if silent or known.alert.historical or seconds is None:
        return None
    return now + timedelta(seconds=seconds)


def _seconds(known: Known, rules: Book) -> int | None:
    subject = known.subject
    rule = rules.effective(Kind(known.alert.kind), subject.station_kind, subject.symbol, subject.station)
    return rule.escalate_after_seconds
