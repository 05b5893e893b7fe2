"""When a subscriber is written to: at once, with others, or after the quiet hours; and when a mail is tried again."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from core.instants import VIETNAM
from telemetry.hooks.filters import SEVERITIES

# Seconds to wait after each attempt that failed; about three days in all.
_MINUTE, _HOUR = 60, 3600
SCHEDULE: tuple[float, ...] = (
    _MINUTE,
    5 * _MINUTE,
    15 * _MINUTE,
    _HOUR,
    3 * _HOUR,
    6 * _HOUR,
    12 * _HOUR,
    24 * _HOUR,
    24 * _HOUR,
)
_JITTER = 0.2

# Whoever had so many mails in so short a time is sent the next ones together.
FLOOD_MAILS = 20
FLOOD_TIME = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Plan:
    """How a subscriber wants to be written to."""

    digest_minutes: int | None = None
    quiet_from: time | None = None
    quiet_to: time | None = None
    break_through: str | None = None


def due(plan: Plan, severity: str | None, now: datetime, *, flooded: bool = False) -> datetime | None:
    """When what happened is told together with what else there is by then; None: at once, in a mail of its own."""
    if plan.break_through is not None and _at_least(severity, plan.break_through):
        return None
    wait = timedelta(minutes=plan.digest_minutes or 0)
    if flooded:
        wait = max(wait, FLOOD_TIME)
    at = after_quiet(plan, now + wait)
    return None if at == now else at


def after_quiet(plan: Plan, at: datetime) -> datetime:
    """The same time, or the end of the quiet hours that it lies in."""
    if plan.quiet_from is None or plan.quiet_to is None:
        return at
    local = at.astimezone(VIETNAM)
    clock = local.time()
    over_midnight = plan.quiet_from > plan.quiet_to
    if over_midnight:
        quiet = clock >= plan.quiet_from or clock < plan.quiet_to
    else:
        quiet = plan.quiet_from <= clock < plan.quiet_to
    if not quiet:
        return at
    day = local.date() + timedelta(days=1 if over_midnight and clock >= plan.quiet_from else 0)
    return datetime.combine(day, plan.quiet_to, VIETNAM).astimezone(at.tzinfo)


def delay(attempts: int, schedule: Sequence[float] = SCHEDULE) -> float | None:
    """Seconds to wait after so many attempts, not the same for all who failed together; None: it is given up."""
    if attempts > len(schedule):
        return None
    return schedule[attempts - 1] * random.uniform(1 - _JITTER, 1 + _JITTER)  # noqa: S311 - jitter


def _at_least(severity: str | None, least: str) -> bool:
    return severity in SEVERITIES and SEVERITIES.index(severity) >= SEVERITIES.index(least)
