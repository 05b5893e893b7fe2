"""The broker and the consumer are killed under load; a simulator in a process of its own keeps the ledger."""

import asyncio
import random

import pytest

from tests.fixtures.brokers import RunningBroker
from tests.fixtures.invariants import (
    Vitals,
    assert_back_to_base,
    assert_logs_give_nothing_away,
    assert_nothing_is_lost,
    one_row_a_key,
)
from tests.fixtures.ledger import Centre, Program
from tests.fixtures.loads import STATIONS, finish, load, more_answers

pytestmark = pytest.mark.fault


def mqtt_load(centre: Centre, broker: RunningBroker, rounds: int, *more: str) -> Program:
    return load(centre, rounds, "--mqtt", f"127.0.0.1:{broker.port}", "--wire", "mqtt", *more)


async def test_a_broker_that_is_killed_mid_stream_keeps_what_it_acknowledged(
    centre: Centre, running_nats: RunningBroker
) -> None:
    await asyncio.to_thread(centre.serve)
    consumer = await asyncio.to_thread(centre.consume, running_nats)
    base = Vitals.of(consumer)
    simulator = mqtt_load(centre, running_nats, 120)
    for _ in range(2):
        await more_answers(centre, 100)
        await asyncio.sleep(random.uniform(0.0, 0.3))
        running_nats.kill()
        await asyncio.to_thread(running_nats.start)
    await finish(simulator)
    report = await centre.settled(lambda found: found.ok and found.rows == found.readings, seconds=120)
    assert_nothing_is_lost(report, operations=STATIONS * 120)
    assert await one_row_a_key(centre.database)
    assert "mqtt.session_lost" not in consumer.log
    await assert_back_to_base(centre, consumer, base, name="quantrac-consumer")
    assert_logs_give_nothing_away(centre)


async def test_consumer_and_broker_that_are_killed_in_turn_lose_nothing_and_let_poison_pass(
    centre: Centre, running_nats: RunningBroker
) -> None:
    await asyncio.to_thread(centre.serve)
    consumer = await asyncio.to_thread(centre.consume, running_nats)
    simulator = mqtt_load(centre, running_nats, 80, "--fault", "corrupt:rate=0.2,station=TH-NT-*")
    await more_answers(centre, 100)
    consumer.kill()
    await more_answers(centre, 50)
    running_nats.kill()
    await asyncio.to_thread(running_nats.start)
    await asyncio.to_thread(centre.consume, running_nats)
    await finish(simulator)
    report = await centre.settled(lambda found: found.ok and not found.unknown, seconds=120)
    assert report.operations == report.acked == STATIONS * 80
    assert report.lost == 0
    poisoned = await centre.database.fetchval("SELECT count(*) FROM quarantine WHERE reading_index IS NULL")
    assert poisoned == report.fates["quarantined"] > 0
    assert await one_row_a_key(centre.database)
    assert_logs_give_nothing_away(centre)
