"""From bytes to a submission: what is decoded, what is kept as evidence, and what is refused before that."""

import gzip
import hashlib
import json
from typing import Any

import pytest

from core import errors
from telemetry.codecs.errors import BrokenCompression, InflatedTooLarge, UnknownEncoding, UnknownMediaType
from telemetry.intake.reception import KEPT_OF_UNREADABLE, Form, Speaker, receive
from telemetry.readings import Channel, Reason, Submission
from tests.fixtures.submissions import NOW_US

STATION = Speaker("st_aaaaaaaa", 1, "TH-NT-001", "TH_XYZ_NUO01")
STAFF = Speaker("an.nguyen")
JSON = Form("application/json")
BODY = json.dumps({"phenomenonTime": "2026-11-23T08:00:00+07:00", "readings": {"COD": 48.6, "pH": 7.2}}).encode()


def taken(body: bytes, form: Form = JSON, speaker: Speaker = STATION, *, cap: int = 2**20, **more: Any) -> Submission:
    return receive(body, form, speaker, Channel.HTTP, NOW_US, inflated_cap=cap, **more)


def test_a_body_becomes_a_submission_of_its_sender_with_its_bytes_and_their_hash() -> None:
    found = taken(BODY, atomic=True)
    assert (found.raw, found.raw_length, found.raw_encoding) == (BODY, len(BODY), "identity")
    assert found.sha256 == hashlib.sha256(BODY).digest()
    assert (found.channel, found.format, found.sender) == (Channel.HTTP, "json", "st_aaaaaaaa")
    assert (found.station_id, found.station, found.received_us, found.atomic) == (1, "TH-NT-001", NOW_US, True)
    (readings,) = found.decoded.readings
    assert (readings.station, list(readings.symbols), list(readings.value)) == ("TH-NT-001", ["COD", "pH"], [48.6, 7.2])
    assert found.decoded.count == 2


def test_the_staff_names_the_station_in_the_body() -> None:
    found = taken(BODY, speaker=STAFF)
    assert (found.station_id, found.station) == (None, None)
    assert not found.decoded.readings
    assert {flaw.reason for flaw in found.decoded.flaws} == {Reason.MISSING_FIELD}


@pytest.mark.parametrize("spelling", ["gzip", "GZIP", " x-gzip "])
def test_a_compressed_body_is_kept_as_it_came_on_the_wire(spelling: str) -> None:
    wire = gzip.compress(BODY)
    found = taken(wire, Form("application/json", spelling))
    assert (found.raw, found.raw_encoding, found.raw_length) == (wire, "gzip", len(wire))
    assert found.sha256 == hashlib.sha256(wire).digest()
    assert found.decoded.count == 2


@pytest.mark.parametrize("spelling", [None, "", "identity", "Identity", " IDENTITY "])
def test_identity_in_any_spelling_is_no_encoding(spelling: str | None) -> None:
    assert taken(BODY, Form("application/json", spelling)).raw_encoding == "identity"


def test_a_body_that_cannot_be_read_is_one_flaw_of_the_whole() -> None:
    found = taken(b"{]" + b"x" * 10)
    assert (list(found.decoded.readings), found.decoded.count) == ([], 1)
    (flaw,) = found.decoded.flaws
    assert (flaw.index, flaw.reason, flaw.field) == (None, Reason.UNREADABLE, "body")
    assert found.raw == b"{]" + b"x" * 10


def test_of_a_long_unreadable_body_the_beginning_and_the_hash_of_the_whole_are_kept() -> None:
    body = b"{" + b"y" * (KEPT_OF_UNREADABLE + 1000)
    found = taken(body)
    assert (found.raw, found.raw_length) == (body[:KEPT_OF_UNREADABLE], len(body))
    assert found.sha256 == hashlib.sha256(body).digest()


def test_what_no_sender_would_wait_for_is_refused_as_a_whole_but_read_again_in_a_replay() -> None:
    packet = {"phenomenonTime": "2026-11-23T08:00:00+07:00", "readings": {str(n): n for n in range(8_000)}}
    body = json.dumps([packet] * 7).encode()
    (flaw,) = taken(body).decoded.flaws
    assert (flaw.index, flaw.reason, flaw.found) == (None, Reason.UNREADABLE, "56000 readings")
    assert "at most 50000" in flaw.expected
    again = receive(body, JSON, STATION, Channel.REPLAY, NOW_US, inflated_cap=2**20)
    assert again.decoded.count == 56_000
    assert taken(json.dumps([packet] * 6).encode()).decoded.count == 48_000


def test_the_source_is_the_topic_or_else_the_file_name() -> None:
    assert taken(BODY).source == ""
    assert taken(BODY, Form("application/json", file_name="a.json")).source == "a.json"
    assert taken(BODY, Form(source="v1/x/observations", file_name="a.json", sniffed=True)).source == "v1/x/observations"


def test_a_message_without_a_media_type_is_read_by_its_bytes() -> None:
    assert taken(BODY, Form(sniffed=True)).format == "json"
    assert taken(BODY + b"\n" + BODY + b"\n", Form(sniffed=True)).format == "ndjson"


@pytest.mark.parametrize(
    ("body", "form", "error"),
    [
        (BODY, Form("image/png"), UnknownMediaType),
        (BODY, Form("application/json", "br"), UnknownEncoding),
        (BODY, Form("application/json", "gzip"), BrokenCompression),
        (gzip.compress(BODY)[:-3], Form("application/json", "gzip"), BrokenCompression),
        (gzip.compress(BODY) + b"more", Form("application/json", "gzip"), BrokenCompression),
        (gzip.compress(b" " * 5000), Form("application/json", "gzip"), InflatedTooLarge),
    ],
)
def test_what_says_nothing_about_readings_is_refused_and_not_kept(
    body: bytes, form: Form, error: type[errors.Error]
) -> None:
    with pytest.raises(error) as raised:
        taken(body, form, cap=4000)
    assert raised.value.faults
