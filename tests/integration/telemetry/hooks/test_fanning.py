"""From the log of events to deliveries: each event once to each webhook that it concerns, whatever else happens."""

import asyncio
from typing import Any

import pytest

from core.database import Database
from telemetry.catalog import seeding
from telemetry.events import store as events
from telemetry.hooks.webhooks import managing as webhooks
from telemetry.hooks.webhooks.fanning import FanOut
from tests.fixtures.receivers import Receiver
from tests.fixtures.webhooks import PostOffice

SOMEWHERE = Receiver(9, host="127.0.0.1")


async def _count(database: Database) -> int:
    found: int = await database.fetchval("SELECT count(*) FROM webhook_delivery")
    return found


async def test_an_event_becomes_one_message_and_a_delivery_for_each_webhook(post_office: PostOffice) -> None:
    for _ in range(3):
        await post_office.subscribe(SOMEWHERE)
    await post_office.happen(n=2)
    await post_office.fan_out()
    await post_office.fan_out()
    assert await _count(post_office.database) == 6
    assert await post_office.database.fetchval("SELECT count(*) FROM webhook_message") == 2
    first, second = await post_office.deliveries()
    assert (first.type, first.state, first.attempts, first.next_time) == ("alert.raised", "pending", 0, post_office.now)
    assert first.webhook_id != second.webhook_id


async def test_an_event_that_concerns_nobody_leaves_nothing(post_office: PostOffice) -> None:
    await post_office.subscribe(SOMEWHERE, event_types=["verdict.exceeded"])
    await post_office.happen()
    await post_office.fan_out()
    assert await post_office.database.fetchval("SELECT count(*) FROM webhook_message") == 0


async def test_rounds_side_by_side_write_each_delivery_once(post_office: PostOffice) -> None:
    await post_office.subscribe(SOMEWHERE)
    fans = [FanOut(post_office.database) for _ in range(4)]

    async def keep_turning(fan: FanOut) -> None:
        for _ in range(30):
            await fan.turn()

    async def keep_happening() -> None:
        for _ in range(60):
            await post_office.happen()

    await asyncio.gather(keep_happening(), *(keep_turning(fan) for fan in fans))
    await post_office.fan_out()
    found = await post_office.database.fetch("SELECT event_id FROM webhook_message ORDER BY event_id")
    known = await post_office.database.fetch("SELECT id FROM event ORDER BY id")
    assert [row["event_id"] for row in found] == [row["id"] for row in known]
    assert await _count(post_office.database) == 60


async def test_an_event_that_is_committed_late_is_not_passed_over(post_office: PostOffice) -> None:
    await post_office.subscribe(SOMEWHERE)
    async with post_office.database.transaction() as slow:
        await events.append(slow, [events.Event("alert.raised", {"n": "slow"})])
        await post_office.happen()
        await post_office.fan_out()
        assert await _count(post_office.database) == 1
    await post_office.fan_out()
    assert await _count(post_office.database) == 2


async def test_a_round_that_fails_leaves_neither_deliveries_nor_its_place(post_office: PostOffice) -> None:
    await post_office.subscribe(SOMEWHERE)
    await post_office.happen()
    await post_office.database.execute("ALTER TABLE webhook_delivery RENAME TO elsewhere")
    with pytest.raises(Exception, match="does not exist"):
        await post_office.fan_out()
    await post_office.database.execute("ALTER TABLE elsewhere RENAME TO webhook_delivery")
    assert await post_office.database.fetchval("SELECT count(*) FROM webhook_message") == 0
    await post_office.fan_out()
    assert await _count(post_office.database) == 1


async def test_more_events_than_one_page_holds_are_all_read(post_office: PostOffice) -> None:
    await post_office.subscribe(SOMEWHERE)
    await post_office.happen(n=1203)
    await post_office.fan_out()
    assert await _count(post_office.database) == 1203


async def _ids(database: Database, table: str) -> dict[str, int]:
    return {row["code"]: row["id"] for row in await database.fetch(f"SELECT code, id FROM {table}")}


_RAISED: dict[str, Any] = {"alert_kind": "over-limit", "severity": "warning"}


@pytest.mark.parametrize(
    ("filters", "happening", "goes"),
    [
        ({}, {}, True),
        ({}, {"historical": True}, False),
        ({"history": True}, {"historical": True}, True),
        ({}, {"kind": "webhook.disabled"}, False),
        ({"event_types": ["webhook.disabled"]}, {"kind": "webhook.disabled"}, True),
        ({"event_types": ["webhook.*"]}, {"kind": "webhook.disabled"}, True),
        ({"event_types": ["alert.raised"]}, {}, True),
        ({"event_types": ["alert.cleared"]}, {}, False),
        ({"event_types": ["alert.*"]}, {"kind": "alert.cleared"}, True),
        ({"event_types": ["alert.*"]}, {"kind": "verdict.exceeded"}, False),
        ({"event_types": ["verdict.*", "alert.cleared"]}, {"kind": "alert.cleared"}, True),
        ({"alert_kinds": ["over-limit", "spike"]}, _RAISED, True),
        ({"alert_kinds": ["spike"]}, _RAISED, False),
        ({"alert_kinds": ["spike"]}, {"kind": "verdict.exceeded"}, False),
        ({"least_severity": "notice"}, _RAISED, True),
        ({"least_severity": "warning"}, _RAISED, True),
        ({"least_severity": "critical"}, _RAISED, False),
        ({"least_severity": "notice"}, {"kind": "verdict.exceeded"}, False),
        ({"stations": ["TH-NT-001"]}, {"station": "TH-NT-001"}, True),
        ({"stations": ["TH-NT-001", "TH-KT-001"]}, {"station": "TH-KT-001"}, True),
        ({"stations": ["TH-NT-001"]}, {"station": "TH-NT-002"}, False),
        ({"stations": ["TH-NT-001"]}, {}, False),
        ({"station_kinds": ["wastewater"]}, {"station": "TH-NT-002"}, True),
        ({"station_kinds": ["wastewater"]}, {"station": "TH-KT-001"}, False),
        ({"station_kinds": ["flue_gas"]}, {}, False),
        ({"organizations": ["OWN"]}, {"station": "TH-NT-001"}, True),
        ({"organizations": ["OTHER"]}, {"station": "TH-NT-001"}, False),
        ({"stations": ["TH-NT-001"], "least_severity": "critical"}, {"station": "TH-NT-001"} | _RAISED, False),
        ({"stations": ["TH-NT-001"], "least_severity": "warning"}, {"station": "TH-NT-001"} | _RAISED, True),
    ],
)
async def test_filters_take_what_has_what_they_name(
    post_office: PostOffice, filters: dict[str, Any], happening: dict[str, Any], *, goes: bool
) -> None:
    database = post_office.database
    await seeding.seed(database)
    owner = await database.fetchrow(
        "SELECT o.code, o.id FROM station s JOIN organization o ON o.id = s.organization_id WHERE s.code = 'TH-NT-001'"
    )
    organizations = await _ids(database, "organization")
    other = next(code for code in organizations if code != owner["code"])
    named = {"OWN": owner["code"], "OTHER": other}
    if "organizations" in filters:
        filters = filters | {"organizations": [named[name] for name in filters["organizations"]]}
    given = dict(happening)
    if station := given.pop("station", None):
        given["station_id"] = (await _ids(database, "station"))[station]
    await post_office.subscribe(SOMEWHERE, **filters)
    await post_office.happen(**given)
    await post_office.fan_out()
    assert await _count(database) == int(goes)


async def test_a_disabled_webhook_is_told_nothing(post_office: PostOffice) -> None:
    made = await post_office.subscribe(SOMEWHERE)
    await webhooks.disable(post_office.database, made.webhook.id)
    await post_office.happen()
    await post_office.fan_out()
    assert await _count(post_office.database) == 0
