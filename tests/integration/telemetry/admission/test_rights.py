"""What is seen of keys is written down by the logins of the consumer and the gateway, with no more than they need."""

import pytest

from core import instants
from core.database import Database
from telemetry.admission.keeping import Keeper
from telemetry.admission.sightings import Kind
from telemetry.catalog import keys
from telemetry.readings import Channel
from tests.fixtures.intakes import Works
from tests.fixtures.logins import Logins
from tests.fixtures.submissions import FIRST


@pytest.mark.parametrize("group", ["ingest", "staff"])
async def test_uses_anomalies_and_pauses_are_noted_by_the_role(works: Works, logins: Logins, group: str) -> None:
    key = await keys.issue(works.database, FIRST)
    number = await works.database.fetchval("SELECT id FROM station WHERE code = $1", FIRST)
    async with Database(logins.addresses[group], application_name="quantrac-test") as database:
        keeper = Keeper(database, seconds=3600)
        for address in ("192.0.2.7", "198.51.100.9"):
            keeper.sightings.used(key.id, Channel.MQTT, address, instants.now_us())
        keeper.sightings.odd(Kind.OVER_QUOTA, number, Channel.MQTT, instants.now_us())
        keeper.sightings.pause(number, instants.now_us() + 60_000_000)
        await keeper.flush()
    counts = await works.database.fetchrow(
        """SELECT (SELECT count(*) FROM station_key_use) AS uses, (SELECT count(*) FROM station_anomaly) AS anomalies,
                  (SELECT count(*) FROM station_pause) AS pauses, (SELECT count(*) FROM event) AS events"""
    )
    assert dict(counts) == {"uses": 2, "anomalies": 2, "pauses": 1, "events": 2}
