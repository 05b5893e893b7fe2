"""A message is tried until it is committed, and acknowledged only then. No broker: the client is not connected."""

import asyncio
from collections.abc import Callable

import pytest
from paho.mqtt import client as paho

from core import errors
from telemetry.mqtt.acknowledging import AcknowledgingClient, BrokerAddress, Delivery
from telemetry.mqtt.consuming import Backoff, Consumer
from telemetry.readings import Channel, Decoded, Outcome, Submission

ADDRESS = BrokerAddress("broker.invalid", 1883, "gateway", "secret", "fixed-id")
OUTCOME = Outcome(1, 0, "TH-NT-001", stored=1)


def received(delivery: Delivery) -> Submission:
    return Submission(
        channel=Channel.MQTT,
        format="json",
        raw=delivery.payload,
        raw_length=len(delivery.payload),
        sha256=bytes(32),
        sender="mqtt",
        received_us=delivery.received_us,
        decoded=Decoded((), (), 0),
    )


class Committing:
    """Fails in the given ways, one after the other, and then commits."""

    def __init__(self, *failures: Exception) -> None:
        self.failures = list(failures)
        self.committed = 0

    async def __call__(self, submission: Submission) -> Outcome:
        assert submission.sha256 == bytes(32)
        if self.failures:
            raise self.failures.pop(0)
        self.committed += 1
        return OUTCOME


def consumer_of(submit: Committing, receive: Callable[[Delivery], Submission] = received) -> Consumer:
    made = Consumer(ADDRESS, receive=receive, submit=submit, backoff=Backoff(0.001, 0.002))
    made._state.epoch = 1
    return made


async def arrived(consumer: Consumer, count: int = 1) -> tuple[AcknowledgingClient, list[Delivery]]:
    client = AcknowledgingClient(ADDRESS, epoch=1, in_flight=10, counters=consumer.counters)
    for mid in range(1, count + 1):
        message = paho.MQTTMessage(mid=mid, topic=b"v1/TH-NT-001/observations")
        message.qos, message.payload = 1, b"{}"
        client._on_message(client._client, None, message)
    return client, await client.batch(count)


@pytest.mark.parametrize("failure", [errors.Overloaded("full"), errors.Unavailable("away"), RuntimeError("our fault")])
async def test_a_message_is_tried_until_it_is_committed(failure: Exception) -> None:
    submit = Committing(failure, failure, failure)
    consumer = consumer_of(submit)
    client, [delivery] = await arrived(consumer)
    await consumer._keep(client, delivery)
    await asyncio.sleep(0)
    assert submit.committed == 1
    assert consumer.counters.acknowledged == 1
    assert client.in_flight == 0
    assert consumer.counters.retries + consumer.counters.failures == 3


async def test_a_message_whose_connection_is_gone_is_left_to_the_broker() -> None:
    submit = Committing(*[errors.Unavailable("away")] * 1000)
    consumer = consumer_of(submit)
    client, [delivery] = await arrived(consumer)
    keeping = asyncio.create_task(consumer._keep(client, delivery))
    await asyncio.sleep(0.01)
    assert not keeping.done()
    consumer._state.epoch = 2
    await asyncio.wait_for(keeping, 1)
    assert submit.committed == 0
    assert consumer.counters.acknowledged == 0


async def test_a_fault_of_our_own_holds_nobody_up() -> None:
    def receive(delivery: Delivery) -> Submission:
        if delivery.mid == 1:
            raise RuntimeError("a defect")
        return received(delivery)

    consumer = consumer_of(Committing(), receive)
    client, deliveries = await arrived(consumer, 3)
    tasks = [asyncio.create_task(consumer._keep(client, delivery)) for delivery in deliveries]
    await asyncio.sleep(0.02)
    assert [task.done() for task in tasks] == [False, True, True]
    assert consumer.counters.acknowledged == 2
    assert client.in_flight == 1
    tasks[0].cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_an_acknowledgement_waits_for_the_message_before_it() -> None:
    consumer = consumer_of(Committing(errors.Overloaded("full")))
    client, deliveries = await arrived(consumer, 2)
    first = asyncio.create_task(consumer._keep(client, deliveries[0]))
    await asyncio.sleep(0)
    await consumer._keep(client, deliveries[1])
    assert consumer.counters.acknowledged == 0
    await first
    await asyncio.sleep(0)
    assert consumer.counters.acknowledged == 2
