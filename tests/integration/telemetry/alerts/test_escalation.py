"""What happens to alerts by the clock, and that it happens once, however many processes look."""

import asyncio
from datetime import timedelta

from core import instants
from core.database import Database
from telemetry.alerts.handling.escalating import Escalation, EscalationOptions
from telemetry.alerts.lifecycle.workflow import Action, State
from tests.fixtures.alerts import Office, tomorrow

_HOUR = timedelta(hours=1)


async def test_an_alert_that_nobody_acknowledges_goes_up_level_by_level(office: Office) -> None:
    now = instants.now()
    alert = await office.raise_one(escalate_time=now + _HOUR)
    at = [now]
    round_ = Escalation(office.database, EscalationOptions(levels=3), clock=lambda: at[0])
    await round_.turn()
    assert (await office.alert(alert.id)).escalation_level == 0
    at[0] = now + _HOUR
    levels = []
    for _ in range(5):
        assert await round_.turn() is False
        current = await office.alert(alert.id)
        levels.append(current.escalation_level)
        at[0] = current.escalate_time or at[0] + timedelta(days=1)
    assert levels == [1, 2, 3, 3, 3], "it ends"
    events = [event["type"] for event in await office.events()]
    assert events == ["alert.raised", *["alert.escalated"] * 3]
    moves = await office.moves(alert.id)
    assert [(move.action, move.actor, move.facts) for move in moves[1:]] == [
        ("escalate", "quantrac", {"level": level}) for level in (1, 2, 3)
    ]


async def test_who_acknowledged_shelved_or_cleared_it_hears_no_more_of_it(office: Office) -> None:
    now = instants.now()
    acknowledged = await office.raise_one("TH-NT-001", escalate_time=now + _HOUR)
    shelved = await office.raise_one("TH-NT-002", escalate_time=now + _HOUR)
    cleared = await office.raise_one("TH-NT-003", escalate_time=now + _HOUR)
    await office.ask(acknowledged.id, "acknowledge")
    await office.ask(shelved.id, "shelve", {"reason": "x", "until": tomorrow()})
    await office.by_data(cleared.id, Action.CLEAR, cleared_time=now)
    await Escalation(office.database, clock=lambda: now + 2 * _HOUR).turn()
    for alert in (acknowledged, shelved, cleared):
        assert (await office.alert(alert.id)).escalation_level == 0


async def test_an_alert_whose_rule_no_longer_escalates_stays_where_it_is(office: Office) -> None:
    now = instants.now()
    alert = await office.raise_one(escalate_time=now)
    rule = {"kind": "over-limit", "severity": "warning", "station": "TH-NT-001"}
    assert (await office.send("POST", "/v1/alert-rules", rule)).status_code == 201
    await Escalation(office.database, clock=lambda: now + _HOUR).turn()
    current = await office.alert(alert.id)
    assert (current.escalation_level, current.escalate_time) == (0, None)


async def test_what_is_shelved_comes_back_to_what_it_was(office: Office) -> None:
    raised = await office.raise_one("TH-NT-001")
    seen = await office.raise_one("TH-NT-002")
    await office.ask(seen.id, "acknowledge")
    for alert in (raised, seen):
        await office.ask(alert.id, "shelve", {"reason": "x", "until": tomorrow()})
    await Escalation(office.database).turn()
    assert (await office.alert(raised.id)).state is State.SHELVED
    later = instants.now() + timedelta(days=2)
    await Escalation(office.database, clock=lambda: later).turn()
    first, second = await office.alert(raised.id), await office.alert(seen.id)
    assert (first.state, second.state) == (State.RAISED, State.ACKNOWLEDGED)
    assert first.escalate_time is not None
    assert first.escalate_time > later
    assert second.escalate_time is None
    assert [event["type"] for event in await office.events()][-2:] == ["alert.unshelved"] * 2
    assert (await office.moves(raised.id))[-1].action == "expire"


async def test_several_processes_move_each_alert_once(office: Office, dsn: str) -> None:
    now = instants.now()
    alerts = [await office.raise_one(f"TH-KT-{n:03d}", "SO2", escalate_time=now) for n in range(1, 41)]
    async with Database(dsn, application_name="quantrac-test-2") as other:
        rounds = [
            Escalation(database, EscalationOptions(batch=7), clock=lambda: now + timedelta(seconds=1))
            for database in (office.database, other, office.database, other)
        ]

        async def run(round_: Escalation) -> None:
            while await round_.turn():
                pass

        await asyncio.gather(*map(run, rounds))
    assert {(await office.alert(alert.id)).escalation_level for alert in alerts} == {1}
    assert len(await office.events()) == 80


async def test_a_full_batch_is_followed_at_once(office: Office) -> None:
    now = instants.now()
    for n in range(1, 4):
        await office.raise_one(f"TH-KT-{n:03d}", "SO2", escalate_time=now)
    round_ = Escalation(office.database, EscalationOptions(batch=2), clock=lambda: now + timedelta(seconds=1))
    assert [await round_.turn(), await round_.turn()] == [True, False]
