"""Every message becomes a submission, whatever is in it."""

import gzip
import hashlib
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telemetry.catalog import snapshot
from telemetry.mqtt.acknowledging import Delivery
from telemetry.mqtt.receiving import Receiver
from telemetry.readings import Channel, Reason, Submission
from tests.fixtures.networks import catalog_of, plant

CATALOG = catalog_of(plant("TH-NT-001", file_code="TH_ABCD_NUO01"), plant("TH-NT-002", file_code=None))
PACKET = {
    "phenomenonTime": "2026-11-23T08:00:00+07:00",
    "readings": [{"symbol": "COD", "result": 48.6}, {"symbol": "pH", "result": 7.2}],
}
TABLE = b"COD\t48.6\tmg/l\t20261123080000\t00\npH\t7.2\t\t20261123080000\t00\n"
RECEIVED_US = 1_795_400_000_000_000


def receive(topic: str, payload: bytes, content_type: str | None = None) -> Submission:
    delivery = Delivery(1, 1, 1, topic, payload, RECEIVED_US, content_type)
    return Receiver(lambda: CATALOG, inflated_cap=10_000)(delivery)


def test_a_packet_speaks_for_the_station_of_its_topic() -> None:
    payload = json.dumps(PACKET).encode()
    found = receive("v1/TH-NT-001/observations", payload)
    assert (found.station_id, found.station, found.channel) == (1, "TH-NT-001", Channel.MQTT)
    assert (found.sender, found.source) == ("mqtt:TH-NT-001", "v1/TH-NT-001/observations")
    assert (found.raw, found.raw_length, found.received_us) == (payload, len(payload), RECEIVED_US)
    assert found.sha256 == hashlib.sha256(payload).digest()
    assert found.decoded.count == 2
    assert not found.decoded.flaws


def test_a_gzipped_packet_is_known_by_its_first_bytes() -> None:
    payload = gzip.compress(json.dumps(PACKET).encode())
    found = receive("v1/TH-NT-001/observations", payload)
    assert (found.raw_encoding, found.raw, found.decoded.count) == ("gzip", payload, 2)
    assert not found.decoded.flaws


@pytest.mark.parametrize("suffix", ["", "/TH_ABCD_NUO01_20261123080000.txt"])
def test_the_regulators_text_is_read_with_and_without_its_name(suffix: str) -> None:
    found = receive("v1/TH-NT-001/observations" + suffix, TABLE)
    assert found.decoded.count == 2
    assert not found.decoded.flaws


def test_a_content_type_of_mqtt_5_is_believed() -> None:
    found = receive("v1/TH-NT-001/observations", json.dumps(PACKET).encode(), "application/pdf")
    [flaw] = found.decoded.flaws
    assert flaw.reason is Reason.UNREADABLE
    assert "application/pdf" in flaw.found


@pytest.mark.parametrize(
    "topic", ["v1/TH-NT-999/observations", "v1/TH-NT-001/receipts", "", "#", "$SYS/x", "v1/TH-NT-001/observations/a/b"]
)
def test_a_topic_of_no_station_speaks_for_nobody(topic: str) -> None:
    found = receive(topic, json.dumps(PACKET | {"station": "TH-NT-001"}).encode())
    assert (found.station_id, found.station) == (None, None)
    assert found.decoded.readings == ()
    [flaw] = found.decoded.flaws
    assert (flaw.index, flaw.reason, flaw.field, flaw.found) == (None, Reason.UNKNOWN_STATION, "topic", topic)


@pytest.mark.parametrize(("revoked", "taken"), [((True,), False), ((True, False), True), ((), True)])
def test_a_station_whose_keys_are_all_revoked_is_not_believed(revoked: tuple[bool, ...], taken: bool) -> None:
    station = snapshot.StationEntry(1, "NT-1", "wastewater", "active", 300, None)
    keys = [
        snapshot.KeyEntry(f"st_{number:08}", 1, bytes(32), snapshot.OPEN_END_US, state)
        for number, state in enumerate(revoked)
    ]
    picture = snapshot.build(1, [station], [], [], [], keys)
    payload = json.dumps(PACKET).encode()
    found = Receiver(lambda: picture, inflated_cap=10_000)(
        Delivery(1, 1, 1, "v1/NT-1/observations", payload, RECEIVED_US)
    )
    assert (found.raw, found.station) == (payload, "NT-1")
    reasons = [flaw.reason for flaw in found.decoded.flaws]
    assert reasons == ([] if taken else [Reason.NO_LIVE_KEY])
    assert bool(found.decoded.readings) is taken


@pytest.mark.parametrize(
    "payload",
    [b"", b"{", b"\x1f\x8b", gzip.compress(b"{}")[:-1], gzip.compress(b" " * 20_000), b"[" * 2000, b"\xff"],
)
def test_what_says_nothing_is_one_flaw_of_the_whole(payload: bytes) -> None:
    found = receive("v1/TH-NT-001/observations", payload)
    assert [flaw.index for flaw in found.decoded.flaws] == [None]
    assert found.decoded.readings == ()
    assert (found.raw, found.station) == (payload, "TH-NT-001")


def test_of_what_says_nothing_only_the_beginning_is_kept_with_the_hash_of_the_whole() -> None:
    payload = b"\x1f\x8b" + b"x" * 100_000
    found = receive("v1/TH-NT-001/observations", payload)
    assert (len(found.raw), found.raw_length) == (65536, len(payload))
    assert found.sha256 == hashlib.sha256(payload).digest()


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=300), st.sampled_from(["", "/a.txt", "/a.csv", "/a.json", "/a.ndjson", "/a.bin"]))
def test_any_bytes_become_a_submission(payload: bytes, suffix: str) -> None:
    found = receive("v1/TH-NT-001/observations" + suffix, payload)
    assert found.station == "TH-NT-001"
    assert found.decoded.count >= 1 or not found.decoded.readings
