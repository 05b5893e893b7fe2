"""From deliveries to receivers: signed, on schedule, once, and no receiver at the cost of another."""

import asyncio
import time
from datetime import timedelta

import asyncpg
import pytest

from telemetry.hooks.webhooks import managing as webhooks
from telemetry.hooks.webhooks.forgetting import ForgetDeliveries
from telemetry.hooks.webhooks.managing import Desk
from telemetry.hooks.webhooks.scheduling import SCHEDULE, Breaker
from telemetry.hooks.webhooks.sealing import Seal
from tests.fixtures import receivers
from tests.fixtures.receivers import Receiver, answering, receiving
from tests.fixtures.webhooks import PostOffice, elapsed, keep_turning, seal_key, until_quiet

NEVER = Breaker(failures=10**6)


async def test_what_happened_arrives_signed_and_is_noted(post_office: PostOffice) -> None:
    async with receiving() as receiver:
        made = await post_office.subscribe(receiver)
        await post_office.happen(n=3)
        await post_office.tell()
        found = [hit.verified(made.secret) for hit in receiver.hits]
    assert sorted(item["data"]["n"] for item in found) == [1, 2, 3]
    assert {item["type"] for item in found} == {"alert.raised"}
    deliveries = await post_office.deliveries()
    assert {(d.state, d.attempts, d.last_status, d.last_error, d.next_time) for d in deliveries} == {
        ("delivered", 1, 204, "", None)
    }
    in_full = await webhooks.delivery(post_office.database, 1, deliveries[0].id)
    (attempt,) = in_full.attempts
    assert (attempt.status, attempt.address, attempt.error) == (204, "127.0.0.1", "")
    assert in_full.body.encode() in {hit.body for hit in receiver.hits}


async def test_a_failing_receiver_is_tried_on_the_schedule_under_one_id_and_given_up(post_office: PostOffice) -> None:
    async with receiving(answering(500)) as receiver:
        made = await post_office.subscribe(receiver)
        await post_office.happen()
        await post_office.fan_out()
        begun, waits = post_office.now, []
        for attempt in range(1, len(SCHEDULE) + 2):
            await post_office.deliver(breaker=NEVER)
            await post_office.deliver(breaker=NEVER)
            assert len(receiver.hits) == attempt, "before its time nothing is sent"
            (delivery,) = await post_office.deliveries()
            if delivery.next_time is not None:
                waits.append((delivery.next_time - post_office.now).total_seconds())
                post_office.now = delivery.next_time
    assert all(planned <= wait <= planned * 1.2 for planned, wait in zip(SCHEDULE, waits, strict=True))
    assert post_office.now - begun >= timedelta(hours=75)
    assert (delivery.state, delivery.attempts, delivery.last_error) == ("dead", 10, "answered 500")
    assert len(set(receiver.ids)) == 1
    assert len({hit.headers["webhook-timestamp"] for hit in receiver.hits}) == 10
    assert made.webhook.enabled
    assert len((await webhooks.delivery(post_office.database, 1, delivery.id)).attempts) == 10


async def test_a_retry_that_arrives_closes_the_delivery(post_office: PostOffice) -> None:
    async with receiving(answering(503)) as receiver:
        await post_office.subscribe(receiver)
        await post_office.happen()
        await post_office.tell()
        assert (await post_office.webhook()).failures_in_row == 1
        receiver.behave = answering(200)
        post_office.later(seconds=7)
        await post_office.deliver()
    (delivery,) = await post_office.deliveries()
    assert (delivery.state, delivery.attempts, delivery.last_status) == ("delivered", 2, 200)
    webhook = await post_office.webhook()
    assert (webhook.failures_in_row, webhook.failing_since, webhook.pending) == (0, None, 0)


async def test_both_secrets_sign_until_the_overlap_is_over(post_office: PostOffice) -> None:
    async with receiving() as receiver:
        former = await post_office.subscribe(receiver)
        desk = Desk(post_office.policy, post_office.seal)
        present = await webhooks.rotate(post_office.database, desk, 1, timedelta(hours=1))
        assert present.webhook.secrets == 2
        await post_office.happen()
        await post_office.tell()
        for secret in (former.secret, present.secret):
            receiver.hits[0].verified(secret)
        post_office.later(hours=2)
        await post_office.happen()
        await post_office.tell()
    assert len(receiver.hits[1].headers["webhook-signature"].split(" ")) == 1


async def test_a_third_secret_ends_the_first_and_none_remains_without_overlap(post_office: PostOffice) -> None:
    async with receiving() as receiver:
        made = [(await post_office.subscribe(receiver)).secret]
        desk = Desk(post_office.policy, post_office.seal)
        for hours in (24, 24, 0):
            made.append((await webhooks.rotate(post_office.database, desk, 1, timedelta(hours=hours))).secret)
            live = await webhooks.live_secrets(post_office.database, desk, 1)
            assert [secret.text for secret in live] == list(reversed(made))[: 2 if hours else 1]


async def test_a_receiver_that_is_gone_is_disabled_and_others_are_told(post_office: PostOffice) -> None:
    async with receiving(answering(410)) as gone, receiving() as other:
        await post_office.subscribe(gone, description="Phòng cũ")
        watching = await post_office.subscribe(other, event_types=["webhook.disabled"])
        await post_office.happen(n=5)
        await post_office.tell(places_each=1)
        assert len(gone.hits) == 1
        await post_office.tell()
        (told,) = [hit.verified(watching.secret) for hit in other.hits]
    assert (told["type"], told["data"]["reason"]) == ("webhook.disabled", "gone")
    assert told["data"]["webhook"]["description"] == "Phòng cũ"
    assert gone.url not in other.hits[0].body.decode()
    webhook = await post_office.webhook()
    assert (webhook.enabled, webhook.disabled_reason, webhook.pending, webhook.dead) == (False, "gone", 0, 5)
    errors = [delivery.last_error for delivery in await post_office.deliveries()]
    assert sorted(errors) == ["answered 410"] + ["the webhook was disabled"] * 4
    await post_office.happen()
    await post_office.tell()
    assert len(gone.hits) == 1


async def test_what_is_under_way_when_a_receiver_says_that_it_is_gone_is_the_last_it_gets(
    post_office: PostOffice,
) -> None:
    all_there = asyncio.Event()

    async def gone(writer: asyncio.StreamWriter) -> None:
        if len(receiver.hits) == 3:
            all_there.set()
        await all_there.wait()
        await answering(410)(writer)

    async with receiving(gone) as receiver:
        await post_office.subscribe(receiver)
        await post_office.happen(n=20)
        await post_office.tell(places_each=3)
        post_office.later(hours=1)
        await post_office.happen()
        await post_office.tell(places_each=3)
        assert len(receiver.hits) == 3
    webhook = await post_office.webhook()
    assert (webhook.disabled_reason, webhook.pending, webhook.dead) == ("gone", 0, 20)


async def test_a_receiver_that_fails_for_days_is_disabled(post_office: PostOffice) -> None:
    async with receiving(receivers.closing) as receiver:
        await post_office.subscribe(receiver)
        await post_office.happen()
        await post_office.tell(breaker=NEVER)
        # Not the time alone counts: there must have been attempts enough.
        post_office.later(days=6)
        await post_office.deliver(breaker=NEVER)
        assert (await post_office.webhook()).enabled
        for _ in range(8):
            await post_office.happen()
            await post_office.tell(breaker=NEVER)
        webhook = await post_office.webhook()
    assert (webhook.enabled, webhook.disabled_reason, webhook.failures_in_row) == (False, "failing", 10)


async def test_a_receiver_may_ask_for_time(post_office: PostOffice) -> None:
    async with receiving(answering(429, "retry-after: 120\r\n")) as receiver:
        await post_office.subscribe(receiver)
        await post_office.happen(n=4)
        await post_office.tell(places_each=1)
        assert len(receiver.hits) == 1
        webhook = await post_office.webhook()
        assert webhook.paused_until == post_office.now + timedelta(seconds=120)
        post_office.later(seconds=119)
        await post_office.deliver()
        assert len(receiver.hits) == 1
        receiver.behave = answering(204)
        post_office.later(seconds=1)
        await post_office.deliver()
    assert {delivery.state for delivery in await post_office.deliveries()} == {"delivered"}


async def test_the_breaker_opens_lets_one_try_and_closes(post_office: PostOffice) -> None:
    breaker = Breaker(failures=3, first_seconds=100, longest_seconds=1000)
    async with receiving(answering(500)) as receiver:
        await post_office.subscribe(receiver)
        await post_office.happen(n=10)
        await post_office.tell(breaker=breaker, places_each=2)
        # Two set out together; the third was the one that a failing receiver has at a time.
        assert len(receiver.hits) == 3
        post_office.later(seconds=99)
        await post_office.deliver(breaker=breaker)
        assert len(receiver.hits) == 3
        post_office.later(seconds=1)
        await post_office.deliver(breaker=breaker)
        assert len(receiver.hits) == 4, "one tries, and closes the way again"
        assert (await post_office.webhook()).paused_until == post_office.now + timedelta(seconds=200)
        receiver.behave = answering(204)
        post_office.later(seconds=400)
        await post_office.deliver(breaker=breaker)
    assert {delivery.state for delivery in await post_office.deliveries()} == {"delivered"}
    assert len(receiver.hits) == 14


async def test_a_receiver_has_few_deliveries_at_a_time_whoever_sends(post_office: PostOffice) -> None:
    under_way, most = 0, 0

    async def count(writer: asyncio.StreamWriter) -> None:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0.02)
        under_way -= 1
        await answering(204)(writer)

    async with receiving(count) as receiver:
        await post_office.subscribe(receiver)
        await post_office.happen(n=40)
        await post_office.fan_out()
        await asyncio.gather(*(post_office.deliver(places_each=2) for _ in range(3)))
    assert most == 2
    assert sorted(set(receiver.ids)) == sorted(receiver.ids)
    assert len(receiver.ids) == 40


async def test_processes_side_by_side_send_everything_once(post_office: PostOffice) -> None:
    async with receiving() as one, receiving() as two, receiving() as three:
        for receiver in (one, two, three):
            await post_office.subscribe(receiver)
        stop = asyncio.Event()
        senders = [post_office.deliverer() for _ in range(3)]
        turning = [asyncio.create_task(keep_turning(sender, stop)) for sender in senders]
        for _ in range(30):
            await post_office.happen(n=3)
            await post_office.fan_out()
        await asyncio.gather(*(receiver.wait_for(90) for receiver in (one, two, three)))
        stop.set()
        await asyncio.gather(*turning)
        for sender in senders:
            await sender.__aexit__()
        for receiver in (one, two, three):
            assert len(receiver.ids) == len(set(receiver.ids)) == 90
    assert await post_office.database.fetchval("SELECT count(*) FROM webhook_attempt") == 270


async def test_dead_and_slow_receivers_do_not_delay_the_others(post_office: PostOffice) -> None:
    behaviours = [
        receivers.sleeping(60),
        receivers.closing,
        answering(302, "location: http://127.0.0.1/\r\n"),
        receivers.dripping_headers,
        receivers.without_end,
    ]
    async with receiving() as healthy:
        await post_office.subscribe(healthy)
        stop = asyncio.Event()
        sender = post_office.deliverer(seconds=15.0)
        turning = asyncio.create_task(keep_turning(sender, stop))
        alone = await _latencies(post_office, healthy, 20)
        contexts = [receiving(behave) for behave in behaviours]
        bad = [await context.__aenter__() for context in contexts]
        for receiver in bad:
            await post_office.subscribe(receiver)
        sender._sender = post_office.deliverer(seconds=15.0)._sender
        beside = await _latencies(post_office, healthy, 20)
        assert all(receiver.hits for receiver in bad)
        stop.set()
        await turning
        for context in contexts:
            await context.__aexit__(None, None, None)
        await sender.__aexit__()
    assert max(beside) < max(alone) + 0.5, (alone, beside)


async def _latencies(post_office: PostOffice, receiver: Receiver, times: int) -> list[float]:
    """Seconds from the commit of an event to its arrival, one after the other."""
    found = []
    for _ in range(times):
        before = len(receiver.hits)
        await post_office.happen()
        began = time.monotonic()
        await post_office.fan_out()
        await receiver.wait_for(before + 1)
        found.append(receiver.hits[before].at - began)
    return found


async def test_failing_receivers_get_a_part_of_the_places(post_office: PostOffice) -> None:
    async with receiving(receivers.sleeping(60)) as dead:
        for _ in range(12):
            await post_office.subscribe(dead)
        await post_office.database.execute("UPDATE webhook_endpoint SET failures_in_row = 1")
        await post_office.happen()
        await post_office.fan_out()
        async with post_office.deliverer(seconds=0.5, places=16) as sender:
            await sender.turn()
            assert len(sender._tasks) == 4


async def test_a_process_that_dies_between_sending_and_noting_sends_again_under_the_same_id(
    post_office: PostOffice,
) -> None:
    async with receiving() as receiver:
        await post_office.subscribe(receiver)
        await post_office.happen()
        await post_office.fan_out()
        dying = post_office.deliverer(claim_seconds=0.5)
        async with post_office.database.transaction() as blocking:
            # Its note waits for this lock; then the process is no more.
            await blocking.execute("LOCK TABLE webhook_attempt IN EXCLUSIVE MODE")
            await dying.turn()
            await receiver.wait_for(1)
            noting = dying._arrivals._writing
            assert noting is not None
            for task in (noting, *dying._tasks):
                task.cancel()
            await asyncio.gather(noting, *dying._tasks, return_exceptions=True)
        await post_office.deliver()
        assert len(receiver.hits) == 1, "while its claim lasts nobody else sends it"
        await asyncio.sleep(0.5)
        await post_office.deliver()
        assert len(receiver.hits) == 2
    assert len(set(receiver.ids)) == 1
    (delivery,) = await post_office.deliveries()
    assert (delivery.state, delivery.attempts) == ("delivered", 1)


_END_WAITING = """
    SELECT pg_terminate_backend(pid) FROM pg_locks
    WHERE NOT granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


@pytest.mark.parametrize("status", [204, 500])
async def test_a_note_that_the_database_breaks_off_is_made_again_and_nothing_is_sent_twice(
    post_office: PostOffice, status: int
) -> None:
    async with receiving(answering(status)) as receiver:
        await post_office.subscribe(receiver)
        await post_office.happen()
        await post_office.fan_out()
        async with post_office.deliverer() as sender:
            async with post_office.database.transaction() as blocking:
                await blocking.execute("LOCK TABLE webhook_attempt IN EXCLUSIVE MODE")
                await sender.turn()
                await receiver.wait_for(1)
                async with asyncio.timeout(5):
                    # The note's connection comes to wait for the lock at some moment.
                    while not await blocking.fetch(_END_WAITING):  # noqa: ASYNC110 - another session's view
                        await asyncio.sleep(0.02)
            await until_quiet(sender)
    (delivery,) = await post_office.deliveries()
    assert (delivery.state, delivery.attempts) == ("delivered" if status == 204 else "pending", 1)
    assert len(receiver.hits) == 1
    assert (await post_office.webhook()).failures_in_row == (0 if status == 204 else 1)


async def test_a_fault_in_noting_is_told_by_the_round_and_the_claim_ends(post_office: PostOffice) -> None:
    async with receiving() as receiver:
        await post_office.subscribe(receiver)
        await post_office.happen()
        await post_office.fan_out()
        await post_office.database.execute("ALTER TABLE webhook_attempt RENAME TO elsewhere")
        sender = post_office.deliverer(claim_seconds=0.2)
        with pytest.raises(asyncpg.UndefinedTableError):
            await until_quiet(sender)
        await post_office.database.execute("ALTER TABLE elsewhere RENAME TO webhook_attempt")
        await asyncio.sleep(0.3)
        await post_office.deliver()
    assert [delivery.state for delivery in await post_office.deliveries()] == ["delivered"]
    assert len(set(receiver.ids)) == 1


async def test_a_note_that_comes_after_its_claim_ended_changes_nothing(post_office: PostOffice) -> None:
    async with receiving(receivers.sleeping(0.6)) as receiver:
        await post_office.subscribe(receiver)
        await post_office.happen()
        await post_office.fan_out()
        slow = post_office.deliverer(claim_seconds=0.1)
        await slow.turn()
        await asyncio.sleep(0.2)
        receiver.behave = answering(204)
        await post_office.deliver()
        await slow.__aexit__()
    (delivery,) = await post_office.deliveries()
    assert (delivery.state, delivery.attempts) == ("delivered", 1)
    attempts = (await webhooks.delivery(post_office.database, 1, delivery.id)).attempts
    assert sorted((attempt.status for attempt in attempts), key=str) == [204, None]


@pytest.mark.parametrize("meanwhile", ["deleted", "disabled"])
async def test_a_webhook_may_go_while_a_delivery_is_under_way(post_office: PostOffice, meanwhile: str) -> None:
    async with receiving(receivers.sleeping(0.3)) as receiver:
        await post_office.subscribe(receiver)
        await post_office.happen()
        await post_office.fan_out()
        async with post_office.deliverer() as sender:
            await sender.turn()
            if meanwhile == "deleted":
                await webhooks.delete(post_office.database, 1, None)
            else:
                await webhooks.disable(post_office.database, 1)
            await until_quiet(sender)
    left = await post_office.deliveries()
    assert [delivery.state for delivery in left] == ([] if meanwhile == "deleted" else ["dead"])


async def test_without_its_key_a_process_sends_nothing_and_with_another_one_nothing_unsigned(
    post_office: PostOffice,
) -> None:
    async with receiving() as receiver:
        await post_office.subscribe(receiver)
        await post_office.happen()
        await post_office.tell(seal=Seal(None))
        (delivery,) = await post_office.deliveries()
        assert (delivery.state, delivery.attempts) == ("pending", 0)
        await post_office.tell(seal=Seal(seal_key()))
        (delivery,) = await post_office.deliveries()
        assert delivery.last_error == "the secret cannot be read with the key of this process"
        assert receiver.connections == 0


async def test_a_receiver_that_is_no_longer_listed_is_refused_and_tried_again(post_office: PostOffice) -> None:
    async with receiving() as receiver:
        await post_office.subscribe(receiver)
        await post_office.happen()
        post_office.receivers.clear()
        await post_office.tell()
        assert receiver.connections == 0
        (delivery,) = await post_office.deliveries()
        assert delivery.state == "pending"
        assert delivery.last_error.startswith("refused: only https")


async def test_a_test_is_tried_once_and_counts_for_nothing(post_office: PostOffice) -> None:
    async with receiving(answering(500)) as receiver:
        made = await post_office.subscribe(receiver)
        number = await webhooks.send_test(post_office.database, 1)
        post_office.later(seconds=1)
        await post_office.deliver()
        assert receiver.hits[0].verified(made.secret)["type"] == "webhook.test"
    found = await webhooks.delivery(post_office.database, 1, number)
    assert (found.delivery.state, found.delivery.event_id, len(found.attempts)) == ("dead", None, 1)
    assert (await post_office.webhook()).failures_in_row == 0


async def test_dead_letters_are_sent_again_under_their_ids(post_office: PostOffice) -> None:
    async with receiving(answering(500)) as receiver:
        await post_office.subscribe(receiver)
        await post_office.happen(n=3)
        await post_office.tell(schedule=(), breaker=NEVER)
        first = post_office.now
        post_office.later(hours=1)
        await post_office.happen(n=2)
        await post_office.tell(schedule=(), breaker=NEVER)
        assert (await post_office.webhook()).dead == 5
        receiver.behave = answering(204)
        dead = set(receiver.ids)
        since = first + timedelta(minutes=1)
        assert await webhooks.replay(post_office.database, 1, since) == 2
        post_office.later(hours=1)
        await post_office.deliver()
        again = await webhooks.replay_one(post_office.database, 1, (await post_office.deliveries())[0].id)
        assert (again.delivery.state, again.delivery.attempts) == ("pending", 0)
        post_office.later(hours=1)
        await post_office.deliver()
    assert (await post_office.webhook()).dead == 2
    assert len(receiver.hits) == 8
    assert set(receiver.ids) == dead


async def test_a_backlog_to_one_receiver_leaves_room_for_the_news_of_another(post_office: PostOffice) -> None:
    async with receiving(receivers.sleeping(0.05)) as busy, receiving() as other:
        await post_office.subscribe(busy, event_types=["alert.raised"])
        await post_office.subscribe(other, event_types=["alert.cleared"])
        await post_office.happen(n=500)
        await post_office.fan_out()
        stop = asyncio.Event()
        sender = post_office.deliverer()
        turning = asyncio.create_task(keep_turning(sender, stop))
        await busy.wait_for(4)
        began = time.monotonic()
        await post_office.happen("alert.cleared")
        await post_office.fan_out()
        await other.wait_for(1)
        assert elapsed(began) < 1
        stop.set()
        await turning
        await sender.__aexit__()
    assert len(busy.hits) < 500


async def test_the_end_of_a_process_waits_for_attempts_under_way(post_office: PostOffice) -> None:
    async def slow(writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.4)
        await answering(204)(writer)

    async with receiving(slow) as receiver:
        await post_office.subscribe(receiver)
        await post_office.happen()
        await post_office.fan_out()
        async with post_office.deliverer() as sender:
            await sender.turn()
    assert [delivery.state for delivery in await post_office.deliveries()] == ["delivered"]


async def test_old_deliveries_are_forgotten_and_what_waits_is_not(post_office: PostOffice) -> None:
    async with receiving() as receiver:
        await post_office.subscribe(receiver)
        await post_office.happen(n=3)
        await post_office.tell()
        await post_office.happen(n=2)
        await post_office.fan_out()
    forget = ForgetDeliveries(post_office.database, 90, clock=post_office.clock)
    await forget.turn()
    assert len(await post_office.deliveries()) == 5
    post_office.later(days=91)
    await forget.turn()
    assert [delivery.state for delivery in await post_office.deliveries()] == ["pending"] * 2
    assert await post_office.database.fetchval("SELECT count(*) FROM webhook_attempt") == 0
