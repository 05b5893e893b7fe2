"""The three files of Mosquitto as text."""

import base64
import hashlib
from pathlib import Path

import pytest

from telemetry.mqtt import broker_mosquitto
from telemetry.mqtt.broker_mosquitto import MosquittoOptions
from telemetry.mqtt.brokers import BrokerUser, TlsFiles

OPTIONS = MosquittoOptions(folder=Path("/etc/q"), store_dir=Path("/var/lib/q"), gateway_pbkdf2="$7$101$gg$gg")
A = BrokerUser("st_aaaaaaaa", "TH-NT-001", "", "$7$101$aa$aa")
B = BrokerUser("st_bbbbbbbb", "TH-NT-002", "", "$7$101$bb$bb")


def configuration(options: MosquittoOptions = OPTIONS) -> list[str]:
    return broker_mosquitto.render([], options)["mosquitto.conf"].splitlines()


def test_passwords_are_those_of_the_users_that_are_given() -> None:
    files = broker_mosquitto.render([B, A], OPTIONS)
    assert files["passwords"].splitlines() == [
        "quantrac-gateway:$7$101$gg$gg",
        "st_aaaaaaaa:$7$101$aa$aa",
        "st_bbbbbbbb:$7$101$bb$bb",
    ]


def test_rights_are_each_stations_own() -> None:
    lines = broker_mosquitto.render([A, B], OPTIONS)["rights"].splitlines()
    start = lines.index("user st_aaaaaaaa")
    assert lines[start + 1 : start + 5] == [
        "topic write v1/TH-NT-001/observations",
        "topic write v1/TH-NT-001/observations/+",
        "topic write v1/TH-NT-001/status",
        "topic read v1/TH-NT-001/receipts",
    ]
    assert lines[start + 5] == "user st_bbbbbbbb"
    # A right before the first user would be everybody's.
    assert lines[0] == "user quantrac-gateway"
    assert not any(line.startswith("pattern") for line in lines)


def test_nothing_that_was_acknowledged_is_dropped() -> None:
    lines = configuration()
    for line in (
        "persistence true",
        "autosave_on_changes true",
        "autosave_interval 1",
        "max_queued_messages 1000000",
        "max_queued_bytes 0",
        "max_packet_size 1048576",
        "allow_anonymous false",
    ):
        assert line in lines
    # It acknowledges what is too long and drops it; the packet size disconnects instead.
    assert not any(line.startswith("message_size_limit") for line in lines)


def test_the_client_id_is_bound_to_the_user_on_the_listener() -> None:
    lines = configuration()
    assert lines.index("use_username_as_clientid true") > lines.index("listener 1883 127.0.0.1")


def test_the_store_may_be_written_once_a_second() -> None:
    options = MosquittoOptions(
        folder=Path("/etc/q"), store_dir=Path("/var/lib/q"), gateway_pbkdf2="x", durability="second"
    )
    assert "autosave_on_changes false" in configuration(options)


def test_tls_user_and_files_stand_where_the_broker_reads_them() -> None:
    options = MosquittoOptions(
        folder=Path("/etc/q"),
        store_dir=Path("/var/lib/q"),
        gateway_pbkdf2="x",
        listen=("0.0.0.0", 8883),  # noqa: S104 - a text that is rendered
        tls=TlsFiles(Path("/c.pem"), Path("/k.pem"), Path("/ca.pem")),
        run_as="mosquitto",
        pid_file=Path("/run/m.pid"),
        log_file=Path("/var/log/m.log"),
    )
    lines = configuration(options)
    for line in (
        "listener 8883 0.0.0.0",
        "certfile /c.pem",
        "keyfile /k.pem",
        "cafile /ca.pem",
        "require_certificate true",
        "tls_version tlsv1.2",
        "user mosquitto",
        "pid_file /run/m.pid",
        "log_dest file /var/log/m.log",
    ):
        assert line in lines


def test_a_value_cannot_begin_a_line_of_its_own() -> None:
    with pytest.raises(ValueError, match="control character"):
        broker_mosquitto.render([BrokerUser("st_aaaaaaaa", "TH-NT-001", "", "x\nuser evil")], OPTIONS)


def test_the_gateways_password_can_be_checked_with_its_hash() -> None:
    _, kind, rounds, salt, digest = broker_mosquitto.hash_password("secret").split("$")
    expected = hashlib.pbkdf2_hmac("sha512", b"secret", base64.b64decode(salt), int(rounds))
    assert kind == "7"
    assert base64.b64decode(digest) == expected
