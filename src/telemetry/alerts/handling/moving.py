"""What people do with an alert. Every move is made on a revision that they have seen, and leaves who, when and why."""

from datetime import datetime, timedelta
from typing import Any

from core import errors as core_errors
from core import instants
from core.database import Database
from telemetry.alerts import errors
from telemetry.alerts.changing import changing
from telemetry.alerts.handling import rechecks
from telemetry.alerts.handling.escalating import next_escalation
from telemetry.alerts.handling.keeping import keep
from telemetry.alerts.lifecycle import lives, store, workflow
from telemetry.alerts.lifecycle.lives import Alert
from telemetry.alerts.lifecycle.store import Known
from telemetry.alerts.lifecycle.workflow import Action, State
from telemetry.alerts.rules import store as rule_store
from telemetry.catalog import revisions
from telemetry.catalog.errors import not_found
from telemetry.catalog.revisions import Expected

# Longer than that nobody should be without a call about something that goes on.
MOST_SHELVING = timedelta(days=30)


async def get(database: Database, alert_id: int) -> Known:
    found = (await store.chosen(database, [alert_id])).get(alert_id)
    if found is None:
        raise not_found(errors.AlertNotFound, "alert", alert_id, expected="the id of an alert")
    return found


async def acknowledge(database: Database, alert_id: int, actor: str, comment: str, expected: Expected) -> Known:
    return await _move(database, alert_id, Action.ACKNOWLEDGE, actor, comment, expected)


async def comment(database: Database, alert_id: int, actor: str, text: str) -> Known:
    """A comment stands beside whatever others do, so it needs no revision."""
    return await _move(database, alert_id, Action.COMMENT, actor, text, None)


async def assign(database: Database, alert_id: int, actor: str, assignee: str | None, expected: Expected) -> Known:
    return await _move(
        database, alert_id, Action.ASSIGN, actor, "", expected, facts={"assignee": assignee}, assignee=assignee
    )


async def shelve(
    database: Database, alert_id: int, actor: str, reason: str, until: datetime, expected: Expected
) -> Known:
    now = instants.now()
    if not now < until <= now + MOST_SHELVING:
        latest = instants.text((now + MOST_SHELVING).replace(microsecond=0))
        fault = core_errors.Fault("until", instants.text(until), f"a time after now and not after {latest}")
        raise errors.ShelvingNotSuitable("Shelving ends in the future, and in 30 days at the latest.", faults=[fault])
    facts = {"until": instants.text(until)}
    return await _move(database, alert_id, Action.SHELVE, actor, reason, expected, facts=facts, shelved_until=until)


async def unshelve(database: Database, alert_id: int, actor: str, reason: str, expected: Expected) -> Known:
    return await _move(database, alert_id, Action.UNSHELVE, actor, reason, expected)


async def clear(database: Database, alert_id: int, actor: str, reason: str, expected: Expected) -> Known:
    """Close it although the data do not. It stays closed while the same condition goes on."""
    return await _move(database, alert_id, Action.CLEAR_BY_HAND, actor, reason, expected)


async def reraise(database: Database, alert_id: int, actor: str, reason: str, expected: Expected) -> Known:
    """Open again what was cleared by hand. The data have the last word: what is over is cleared by them soon."""
    return await _move(database, alert_id, Action.RERAISE, actor, reason, expected)


async def _move(
    database: Database,
    alert_id: int,
    action: Action,
    actor: str,
    reason: str,
    expected: Expected,
    *,
    facts: dict[str, Any] | None = None,
    **members: Any,
) -> Known:
    async with changing(database) as connection:
        known = (await store.lock(connection, [alert_id])).get(alert_id)
        if known is None:
            raise not_found(errors.AlertNotFound, "alert", alert_id, expected="the id of an alert")
        alert, now = known.alert, instants.now()
        revisions.check(alert.revision, expected)
        match action:
            case Action.CLEAR_BY_HAND:
                # The condition may go on: what is known is when it was last seen.
                members["cleared_time"] = alert.last_time
            case Action.RERAISE:
                _refuse_what_the_data_closed(alert)
                members["escalate_time"] = next_escalation(known, await rule_store.read(connection), now)
                await rechecks.ask(
                    connection, alert.station_id, alert.datastream_id, alert.raised_time, now, "reraised"
                )
            case Action.UNSHELVE if alert.shelved_from is State.RAISED:
                members["escalate_time"] = next_escalation(known, await rule_store.read(connection), now)
        change = lives.of(alert).then(action, actor=actor, time=now, reason=reason, facts=facts, **members)
        (moved,) = await keep(connection, [change])
    return Known(moved, known.subject)


def _refuse_what_the_data_closed(alert: Alert) -> None:
    """A person opens again what a person closed; a condition that is back is raised by the data."""
    if alert.state is State.CLEARED and alert.cleared_reason != "by-hand":
        fault = core_errors.Fault("clearedReason", str(alert.cleared_reason), "by-hand")
        refusal = workflow.refused(alert.state, Action.RERAISE)
        raise errors.AlertMoveRefused(
            "The data cleared this alert, and the data raise it again when the condition is back.",
            faults=[fault],
            extra=refusal.extra | {"possible": [Action.COMMENT.value]},
        )
