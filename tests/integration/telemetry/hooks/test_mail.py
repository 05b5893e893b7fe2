"""The round that writes to people, against a real SMTP server."""

import asyncio
import ssl
from contextlib import suppress
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest

from telemetry.hooks.mail import subscriptions as mail_subscriptions
from telemetry.hooks.mail.errors import MailServerUnavailable
from telemetry.hooks.mail.messages import Sender
from telemetry.hooks.mail.round import Mail
from telemetry.hooks.mail.schemas import MailSubscriptionEdit
from tests.fixtures.mail_servers import (
    AFTERNOON,
    PASSWORD,
    SENDER,
    USER,
    Certificates,
    Correspondence,
    Mailbox,
    serving,
    subject,
)

NIGHT: dict[str, Any] = {"quiet_from": time(22), "quiet_to": time(6)}
# In Vietnam: 23:00 on the 23rd, and 06:00 on the 24th.
LATE_EVENING = datetime(2026, 11, 23, 16, 0, tzinfo=UTC)
MORNING = datetime(2026, 11, 23, 23, 0, tzinfo=UTC)


async def test_a_raised_alert_is_told_at_once_in_the_language_of_the_subscriber(correspondence: Correspondence) -> None:
    await correspondence.subscribe("truc@example.vn", language="vi")
    await correspondence.subscribe("duty@example.org", language="en")
    await correspondence.happen()
    await correspondence.turn()
    vi, en = correspondence.mailbox.mails
    assert correspondence.mailbox.recipients == ["truc@example.vn", "duty@example.org"]
    assert subject(vi) == "[Cảnh báo] Phát sinh: TH-NT-001: COD vượt giới hạn: 1 mg/l (giới hạn 150 mg/l)"
    assert subject(en) == "[Warning] Raised: TH-NT-001: COD over its limit: 1 mg/l (limit 150 mg/l)"
    assert vi["From"] == "Quan trắc Thanh Hóa <quantrac@monitoring.example.vn>"
    assert vi["Auto-Submitted"] == "auto-generated"
    text = vi.get_body(("plain",))
    assert text is not None
    assert "Bắt đầu: 15:00 23/11/2026" in text.get_content()
    assert "https://quantrac.example.vn/alerts?id=1" in text.get_content()


async def test_over_the_wire_there_is_nothing_but_ascii(correspondence: Correspondence) -> None:
    await correspondence.subscribe(language="vi")
    await correspondence.happen()
    await correspondence.turn()
    (raw,) = correspondence.mailbox.taken
    assert raw.isascii()
    assert b"=?utf-8?" in raw.partition(b"\r\n\r\n")[0]
    assert max(map(len, raw.split(b"\r\n"))) <= 998


async def test_each_move_of_an_alert_is_a_mail_of_one_thread(correspondence: Correspondence) -> None:
    subscription = await correspondence.subscribe(event_types=None)
    await correspondence.happen(alert={"id": 7})
    await correspondence.happen("alert.acknowledged", alert={"id": 7}, change={"actor": "Lan", "reason": "đã gọi trạm"})
    await correspondence.turn()
    raised, acknowledged = correspondence.mailbox.mails
    assert raised["References"] == acknowledged["References"] == f"<alert-7.{subscription.id}@{SENDER.domain}>"
    assert raised["Message-ID"] != acknowledged["Message-ID"]
    body = acknowledged.get_body(("plain",))
    assert body is not None
    assert "Người thực hiện: Lan" in body.get_content()
    assert "Lý do: đã gọi trạm" in body.get_content()


async def test_filters_take_only_what_has_what_they_name(correspondence: Correspondence) -> None:
    await correspondence.subscribe("critical@example.vn", least_severity="critical")
    await correspondence.subscribe("spikes@example.vn", alert_kinds=["spike"])
    await correspondence.subscribe("history@example.vn", history=True)
    await correspondence.subscribe("updates@example.vn", event_types=["alert.updated"])
    await correspondence.happen(alert={"severity": "critical"})
    await correspondence.happen(alert_kind="spike")
    await correspondence.happen(historical=True)
    await correspondence.happen("alert.updated")
    await correspondence.happen(alert={"muted": True, "severity": "critical"})
    await correspondence.turn()
    told = dict.fromkeys(("critical", "spikes", "history", "updates"), 0)
    for recipient in correspondence.mailbox.recipients:
        told[recipient.partition("@")[0]] += 1
    assert told == {"critical": 1, "spikes": 1, "history": 3, "updates": 1}


async def test_who_subscribes_is_told_what_happens_from_then_on(correspondence: Correspondence) -> None:
    await correspondence.turn()
    await correspondence.happen()
    await correspondence.subscribe()
    await correspondence.happen()
    await correspondence.turn()
    assert len(correspondence.mailbox.taken) == 1


async def test_a_digest_tells_together_what_came_in_its_time(correspondence: Correspondence) -> None:
    await correspondence.subscribe(digest_minutes=30, language="en")
    await correspondence.happen()
    await correspondence.turn()
    correspondence.later(minutes=29)
    await correspondence.happen("alert.cleared", 2)
    await correspondence.turn()
    assert correspondence.mailbox.taken == []
    correspondence.later(minutes=1)
    await correspondence.turn()
    (mail,) = correspondence.mailbox.mails
    assert subject(mail) == "quantrac: 3 monitoring messages from 2026-11-23 15:00 to 2026-11-23 15:29"
    body = mail.get_body(("plain",))
    assert body is not None
    assert [line for line in body.get_content().splitlines() if line.startswith("[")] == [
        "[Warning] Raised",
        "[Warning] Cleared",
        "[Warning] Cleared",
    ]
    # The next one begins with what comes next.
    correspondence.later(hours=5)
    await correspondence.happen()
    await correspondence.turn()
    assert len(correspondence.mailbox.taken) == 1
    correspondence.later(minutes=30)
    await correspondence.turn()
    assert len(correspondence.mailbox.taken) == 2


async def test_a_digest_that_is_too_long_says_how_much_it_leaves_out(correspondence: Correspondence) -> None:
    await correspondence.subscribe(digest_minutes=5, language="en")
    await correspondence.happen(n=12)
    await correspondence.turn()
    correspondence.later(minutes=5)
    await correspondence.turn(most_lines=10)
    (mail,) = correspondence.mailbox.mails
    body = mail.get_body(("plain",))
    assert body is not None
    assert "12 messages from" in body.get_content()
    assert "… and 2 more" in body.get_content()


async def test_what_comes_in_the_quiet_hours_is_told_together_after_them(correspondence: Correspondence) -> None:
    await correspondence.subscribe(**NIGHT)
    correspondence.now = LATE_EVENING
    await correspondence.happen()
    await correspondence.turn()
    correspondence.later(hours=3)
    await correspondence.happen()
    await correspondence.turn()
    correspondence.now = MORNING - timedelta(minutes=1)
    await correspondence.turn()
    assert correspondence.mailbox.taken == []
    correspondence.now = MORNING
    await correspondence.turn()
    assert len(correspondence.mailbox.taken) == 1
    # By day each is told at once again.
    await correspondence.happen(n=2)
    await correspondence.turn()
    assert len(correspondence.mailbox.taken) == 3


async def test_what_breaks_through_waits_for_neither_night_nor_digest(correspondence: Correspondence) -> None:
    await correspondence.subscribe(digest_minutes=60, break_through="critical", **NIGHT)
    correspondence.now = LATE_EVENING
    await correspondence.happen()
    await correspondence.happen(alert={"severity": "critical"})
    await correspondence.turn()
    assert correspondence.mailbox.subjects == [
        "[Nghiêm trọng] Phát sinh: TH-NT-001: COD vượt giới hạn: 2 mg/l (giới hạn 150 mg/l)"
    ]
    correspondence.now = MORNING
    await correspondence.turn()
    assert len(correspondence.mailbox.taken) == 2


async def test_a_flood_is_told_together(correspondence: Correspondence) -> None:
    await correspondence.subscribe()
    await correspondence.happen(n=50)
    await correspondence.turn()
    assert len(correspondence.mailbox.taken) == 20
    correspondence.later(minutes=10)
    await correspondence.turn()
    assert len(correspondence.mailbox.taken) == 21
    assert "30 tin" in correspondence.mailbox.subjects[-1]


async def test_a_mail_that_is_refused_for_now_is_sent_later_under_its_id(correspondence: Correspondence) -> None:
    subscription = await correspondence.subscribe()
    correspondence.mailbox.recipient_answers = ["450 4.2.1 mailbox busy"]
    correspondence.mailbox.data_answers = ["451 4.3.0 try again"]
    await correspondence.happen()
    await correspondence.turn()
    (mail,) = await correspondence.mails(subscription)
    assert (mail.state, mail.attempts, mail.last_code, mail.last_error) == ("pending", 1, 450, "4.2.1 mailbox busy")
    correspondence.later(seconds=90)
    await correspondence.turn()
    (mail,) = await correspondence.mails(subscription)
    assert (mail.state, mail.attempts, mail.last_code) == ("pending", 2, 451)
    correspondence.later(minutes=6)
    await correspondence.turn()
    (again,) = await correspondence.mails(subscription)
    assert (again.state, again.attempts, again.last_code, again.last_error) == ("sent", 3, 250, "")
    assert correspondence.mailbox.mails[0]["Message-ID"] == mail.message_id == again.message_id


async def test_a_mail_that_is_refused_for_good_is_a_dead_letter_that_can_be_replayed(
    correspondence: Correspondence,
) -> None:
    subscription = await correspondence.subscribe()
    correspondence.mailbox.recipient_answers = ["550 5.1.1 no such user"]
    await correspondence.happen(n=2)
    await correspondence.turn()
    living, dead = await correspondence.mails(subscription)
    assert (living.state, dead.state, dead.last_code, dead.last_error) == ("sent", "dead", 550, "5.1.1 no such user")
    assert await mail_subscriptions.replay(correspondence.database, subscription.id, mail=dead.id) == 1
    # A replay is due by the clock of the wall.
    correspondence.now = datetime.now(UTC)
    await correspondence.turn()
    assert [mail.state for mail in await correspondence.mails(subscription)] == ["sent", "sent"]
    assert dead.message_id in {mail["Message-ID"] for mail in correspondence.mailbox.mails}


async def test_a_mail_that_never_gets_through_is_given_up_after_its_schedule(correspondence: Correspondence) -> None:
    subscription = await correspondence.subscribe()
    correspondence.mailbox.recipient_answers = ["450 busy"] * 3
    await correspondence.happen()
    for _ in range(3):
        await correspondence.turn(schedule=(60, 60))
        correspondence.later(minutes=2)
    (mail,) = await correspondence.mails(subscription)
    assert (mail.state, mail.attempts) == ("dead", 3)
    assert mail.closed_time is not None


async def test_while_the_server_is_down_everything_waits_and_nothing_is_given_up(
    correspondence: Correspondence,
) -> None:
    mailbox = correspondence.mailbox
    subscription = await correspondence.subscribe()
    await correspondence.turn()
    down = correspondence.server(port=1)
    await correspondence.happen(n=2)
    for _ in range(20):
        with pytest.raises(MailServerUnavailable):
            await correspondence.turn(down)
        correspondence.later(hours=12)
        await correspondence.happen()
    mails = await correspondence.mails(subscription)
    assert {(mail.state, mail.attempts) for mail in mails} == {("pending", 0)}
    assert "SMTPConnectError" in mails[-1].last_error
    await correspondence.turn()
    assert len(mailbox.taken) == 22
    assert len({mail["Message-ID"] for mail in mailbox.mails}) == 22


async def test_a_server_that_wants_nothing_from_us_costs_no_mail(correspondence: Correspondence) -> None:
    subscription = await correspondence.subscribe()
    correspondence.mailbox.sender_answers = ["550 5.7.1 sender not allowed"]
    await correspondence.happen()
    with pytest.raises(MailServerUnavailable, match="sender is refused"):
        await correspondence.turn()
    (mail,) = await correspondence.mails(subscription)
    assert (mail.state, mail.attempts) == ("pending", 0)
    await correspondence.turn()
    assert len(correspondence.mailbox.taken) == 1


async def test_a_server_that_says_nothing_holds_nobody_up_for_long(correspondence: Correspondence) -> None:
    async def say_nothing(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            await asyncio.sleep(3)
        writer.close()

    await correspondence.subscribe()
    await correspondence.happen()
    async with await asyncio.start_server(say_nothing, "127.0.0.1", 0) as silent:
        server = correspondence.server(port=silent.sockets[0].getsockname()[1], seconds=0.2)
        with pytest.raises(MailServerUnavailable):
            await correspondence.turn(server)
    await correspondence.turn()
    assert len(correspondence.mailbox.taken) == 1


async def test_a_process_that_dies_before_its_note_sends_the_mail_again_under_the_same_id(
    correspondence: Correspondence,
) -> None:
    await correspondence.subscribe()
    await correspondence.happen()
    round_ = correspondence.round(claim_seconds=60)
    turning = asyncio.create_task(round_.turn())
    # The server has it, and the process ends before it hears so.
    correspondence.mailbox.on_data = turning.cancel
    with pytest.raises(asyncio.CancelledError):
        await turning
    correspondence.mailbox.on_data = None
    await correspondence.mailbox.has(1)
    # While the claim holds nobody else sends it.
    await correspondence.turn()
    assert len(correspondence.mailbox.taken) == 1
    correspondence.later(seconds=61)
    await correspondence.turn()
    first, second = correspondence.mailbox.mails
    assert first["Message-ID"] == second["Message-ID"]
    await correspondence.turn()
    assert len(correspondence.mailbox.taken) == 2


async def test_several_processes_send_each_mail_once(correspondence: Correspondence) -> None:
    await correspondence.subscribe(break_through="notice")
    await correspondence.happen(n=60)
    rounds = [correspondence.round() for _ in range(4)]

    async def work(index: int) -> None:
        for _ in range(20):
            await rounds[index].turn()

    await asyncio.gather(*(work(index) for index in range(4)))
    await correspondence.turn()
    identifiers = [mail["Message-ID"] for mail in correspondence.mailbox.mails]
    assert len(identifiers) == len(set(identifiers)) == 60


async def test_a_crash_between_events_and_entries_loses_and_doubles_nothing(
    correspondence: Correspondence, monkeypatch: pytest.MonkeyPatch
) -> None:
    await correspondence.subscribe()
    await correspondence.happen(n=3)

    async def fail(*_: object) -> None:
        raise ConnectionResetError

    with monkeypatch.context() as patch:
        patch.setattr("telemetry.hooks.mail.outbox.write", fail)
        with pytest.raises(ConnectionResetError):
            await correspondence.turn()
    assert correspondence.mailbox.taken == []
    await correspondence.turn()
    assert len(correspondence.mailbox.taken) == 3


@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_mail_goes_over_tls_with_a_password(
    correspondence: Correspondence, mail_certificates: Certificates, security: str
) -> None:
    await correspondence.subscribe()
    await correspondence.happen()
    encrypted = {"starttls" if security == "starttls" else "tls": mail_certificates.server}
    async with serving(Mailbox(), auth=True, **encrypted) as box:
        known = {"port": box.port, "security": security, "tls": mail_certificates.client}
        with pytest.raises(MailServerUnavailable, match="535"):
            await correspondence.turn(correspondence.server(**known, user=USER, password=USER))
        if security == "starttls":
            with pytest.raises(MailServerUnavailable, match="530"):
                await correspondence.turn(correspondence.server(**known))
        await correspondence.turn(correspondence.server(**known, user=USER, password=PASSWORD))
    assert len(box.taken) == 1
    assert box.users == [USER]
    assert PASSWORD not in repr(correspondence.server(password=PASSWORD))


async def test_a_server_that_cannot_prove_itself_is_sent_nothing(
    correspondence: Correspondence, mail_certificates: Certificates
) -> None:
    await correspondence.subscribe()
    await correspondence.happen()
    async with serving(Mailbox(), starttls=mail_certificates.server) as box:
        known = {"port": box.port, "user": USER, "password": PASSWORD}
        with pytest.raises(MailServerUnavailable):
            await correspondence.turn(
                correspondence.server(security="starttls", tls=ssl.create_default_context(), **known)
            )
    # Nor one that offers no TLS where it is asked for.
    with pytest.raises(MailServerUnavailable):
        await correspondence.turn(correspondence.server(security="starttls", tls=mail_certificates.client))
    assert box.taken == correspondence.mailbox.taken == []


async def test_nothing_from_outside_adds_a_header_or_markup(correspondence: Correspondence) -> None:
    await correspondence.subscribe(language="vi")
    nasty = "TH\r\nBcc: thief@example.org\r\n\r\n<script>alert(1)</script>\u2028\u202eend"
    title = {"vi": nasty, "en": nasty}
    await correspondence.happen(alert={"title": title, "station": nasty}, change={"actor": "x", "reason": nasty})
    await correspondence.turn()
    (mail,) = correspondence.mailbox.mails
    assert correspondence.mailbox.recipients == ["truc@example.vn"]
    assert mail["Bcc"] is None
    assert subject(mail) == "[Cảnh báo] Phát sinh: TH Bcc: thief@example.org <script>alert(1)</script> end"
    html, text = mail.get_body(("html",)), mail.get_body(("plain",))
    assert html is not None
    assert text is not None
    assert "<script>" not in html.get_content()
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html.get_content()
    assert "Trạm: TH Bcc: thief@example.org" in text.get_content()


async def test_a_disabled_subscriber_is_sent_nothing_more(correspondence: Correspondence) -> None:
    subscription = await correspondence.subscribe(digest_minutes=10)
    await correspondence.happen()
    await correspondence.turn()
    changes = MailSubscriptionEdit(enabled=False)
    disabled = await mail_subscriptions.edit(correspondence.database, subscription.id, changes, None)
    assert (disabled.enabled, disabled.waiting) == (False, 0)
    await correspondence.happen()
    correspondence.later(hours=1)
    await correspondence.turn()
    assert correspondence.mailbox.taken == []


async def test_without_a_server_nothing_piles_up(correspondence: Correspondence) -> None:
    subscription = await correspondence.subscribe()
    idle = Mail(correspondence.database, None, clock=correspondence.clock)
    await correspondence.happen(n=3)
    while await idle.turn():
        pass
    await correspondence.turn()
    assert correspondence.mailbox.taken == []
    assert await correspondence.mails(subscription) == []


async def test_old_mails_are_forgotten_and_waiting_ones_never(correspondence: Correspondence) -> None:
    subscription = await correspondence.subscribe()
    await correspondence.happen()
    await correspondence.turn()
    correspondence.mailbox.recipient_answers = ["450 busy"]
    await correspondence.happen()
    await correspondence.turn()
    correspondence.now = AFTERNOON + timedelta(days=91)
    correspondence.mailbox.recipient_answers = ["450 busy"]
    await correspondence.turn(keep_days=90)
    assert [mail.state for mail in await correspondence.mails(subscription)] == ["pending"]


async def test_the_sender_may_have_no_name(correspondence: Correspondence) -> None:
    await correspondence.subscribe()
    await correspondence.happen()
    await correspondence.turn(correspondence.server(sender=Sender("q@example.vn")))
    assert correspondence.mailbox.mails[0]["From"] == "q@example.vn"
    assert correspondence.mailbox.senders == ["q@example.vn"]
