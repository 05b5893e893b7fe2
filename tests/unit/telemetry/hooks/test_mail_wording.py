"""What mails say, in both languages, and what they make of text from outside."""

import json
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry.hooks.filters import EventType
from telemetry.hooks.mail import messages as mail_messages
from telemetry.hooks.mail import wording as mail_wording
from telemetry.hooks.mail.messages import Envelope, Sender
from telemetry.hooks.mail.wording import Item, Wording
from tests.fixtures.mail_servers import AFTERNOON, alert

ENVELOPE = Envelope(Sender("quantrac@example.vn", "Quan trắc"), "truc@example.vn", "0af1", AFTERNOON, 3)
VERDICT = {
    "id": 48211,
    "station": "TH-KT-032",
    "datastream": 9,
    "symbol": "SO2",
    "window": "1h",
    "periodStart": "2026-11-23T07:00:00Z",
    "periodEnd": "2026-11-23T08:00:00Z",
    "verdict": "exceeded",
    "unit": "mg/Nm3",
    "mean": 512.25,
    "validN": 11,
    "expectedN": 12,
    "limit": {"lower": None, "upper": 500.0},
}


def item(payload: dict[str, Any], type_: str = "alert.raised", **members: Any) -> Item:
    given_: dict[str, Any] = {"occurred_time": AFTERNOON, "severity": "warning", "historical": False}
    return Item(type_, payload=json.dumps(payload), **(given_ | members))


def parsed(message: EmailMessage) -> EmailMessage:
    return message_from_bytes(mail_messages.as_bytes(message), policy=SMTP)


def body(message: EmailMessage, kind: str = "plain") -> str:
    found = message.get_body((kind,))
    assert found is not None
    text: str = found.get_content()
    return text


def test_both_languages_have_the_same_words() -> None:
    def names(words: Any, prefix: str = "") -> set[str]:
        if not isinstance(words, dict):
            return {prefix}
        return {name for key, value in words.items() for name in names(value, f"{prefix}/{key}")}

    assert names(mail_wording._WORDS["vi"]) == names(mail_wording._WORDS["en"])


@pytest.mark.parametrize("language", ["vi", "en"])
def test_every_type_of_event_has_a_name(language: str) -> None:
    types = {name for name in EventType.__args__ if not name.endswith("*")}  # type: ignore[attr-defined] # of a Literal
    assert types - mail_wording._WORDS[language]["events"].keys() == set()


def test_a_verdict_is_told_with_its_mean_and_its_limit() -> None:
    former = VERDICT | {"verdict": "compliant"}
    vi = Wording("vi", None).line(item({"verdict": VERDICT, "former": former}, "verdict.changed"))
    assert vi.label == "Kết luận thay đổi"
    assert vi.title == "TH-KT-032: SO2, trung bình 1h: vượt giới hạn"
    assert dict(vi.facts) == {
        "Thời đoạn": "14:00 23/11/2026 – 15:00 23/11/2026",
        "Giá trị trung bình": "512,25 mg/Nm3",
        "Giới hạn": "500 mg/Nm3",
        "Số liệu hợp lệ": "11 trên 12",
        "Kết luận trước": "đạt",
    }
    en = Wording("en", None).line(item({"verdict": VERDICT, "former": None}, "verdict.exceeded"))
    assert en.title == "TH-KT-032: SO2, 1h mean: exceeded"
    assert dict(en.facts)["Mean"] == "512.25 mg/Nm3"


def test_a_verdict_that_was_withdrawn_is_told_by_what_it_was() -> None:
    line = Wording("en", None).line(item({"verdict": None, "former": VERDICT}, "verdict.changed"))
    assert line.title == "TH-KT-032: SO2, 1h mean: exceeded"


def test_an_event_of_another_kind_is_told_by_what_every_event_has() -> None:
    line = Wording("vi", "https://quantrac.example.vn/").line(item({"station": "TH-NT-001"}, "station.disconnected"))
    assert (line.label, line.title) == ("Trạm mất kết nối", "TH-NT-001")
    assert line.link == "https://quantrac.example.vn"
    assert Wording("vi", None).line(item({}, "new.thing", severity=None)).title == "new.thing"


def test_history_is_called_so() -> None:
    line = Wording("en", None).line(item({"alert": alert(1, AFTERNOON), "change": {}}, historical=True))
    assert ("Past when it was found", "2026-11-23 15:00") in line.facts


def test_a_mail_has_a_page_and_a_text_that_say_the_same() -> None:
    wording = Wording("vi", "https://quantrac.example.vn")
    found = parsed(mail_messages.of_items(ENVELOPE, wording, [item({"alert": alert(7, AFTERNOON), "change": {}})], 1))
    for text in (body(found), body(found, "html")):
        assert "TH-NT-001: COD vượt giới hạn: 7 mg/l (giới hạn 150 mg/l)" in text
        assert "https://quantrac.example.vn/alerts?id=7" in text
    assert found["Message-ID"] == "<0af1@example.vn>"
    assert found["Date"].datetime == AFTERNOON
    assert '<html lang="vi">' in body(found, "html")


def test_a_long_title_is_cut_for_the_subject_only() -> None:
    title = "Trạm " + "dài " * 200
    document = alert(1, AFTERNOON) | {"title": {"vi": title, "en": title}}
    found = parsed(mail_messages.of_items(ENVELOPE, Wording("vi", None), [item({"alert": document, "change": {}})], 1))
    assert len(str(found["Subject"])) <= 180
    assert title.strip() in " ".join(body(found).split())


@given(st.text(max_size=200), st.text(max_size=50))
def test_no_text_from_outside_changes_the_form_of_a_mail(title: str, reason: str) -> None:
    document = alert(1, AFTERNOON) | {"title": {"vi": title, "en": title}, "station": reason}
    payload = {"alert": document, "change": {"actor": title, "reason": reason, "time": title}}
    made = mail_messages.of_items(ENVELOPE, Wording("vi", None), [item(payload)], 1)
    raw = mail_messages.as_bytes(made)
    assert raw.isascii()
    found = message_from_bytes(raw, policy=SMTP)
    assert set(found.keys()) == {
        "Message-ID", "Date", "From", "To", "Subject", "Auto-Submitted", "X-Auto-Response-Suppress", "References",
        "MIME-Version", "Content-Type",
    }  # fmt: skip
    page = body(found, "html")
    assert page.count("<table") == 1
    assert page.count("<div") == 2
    assert found["To"] == "truc@example.vn"


def test_a_test_says_that_it_is_one() -> None:
    found = parsed(mail_messages.test(ENVELOPE, Wording("en", None)))
    assert "Nothing happened" in body(found)
    assert found["Subject"] == "A test from the monitoring system"


def test_times_are_those_of_vietnam() -> None:
    instant = datetime(2026, 12, 31, 17, 30, tzinfo=UTC)
    assert Wording("vi", None).time(instant) == "00:30 01/01/2027"
    assert Wording("en", None).time(instant) == "2027-01-01 00:30"
