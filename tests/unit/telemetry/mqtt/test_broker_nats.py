"""The NATS configuration as text."""

import dataclasses
from pathlib import Path

import bcrypt
import pytest

from telemetry.mqtt import broker_nats
from telemetry.mqtt.broker_nats import NatsOptions
from telemetry.mqtt.brokers import BrokerUser, TlsFiles, account_of

OPTIONS = NatsOptions(store_dir=Path("/var/lib/quantrac/nats"), gateway_bcrypt="$2b$08$gateway")
A = BrokerUser("st_aaaaaaaa", "TH-NT-001", "$2b$04$aaaa", "$7$101$aa$aa")
B = BrokerUser("st_bbbbbbbb", "TH-NT-002", "$2b$04$bbbb", "$7$101$bb$bb")


def line_of(text: str, user: str) -> str:
    [line] = [line for line in text.splitlines() if f'user: "{user}"' in line]
    return line


def test_a_station_may_publish_on_its_own_topics_and_hear_its_own_receipts() -> None:
    line = line_of(broker_nats.render([A, B], OPTIONS), "st_aaaaaaaa")
    assert 'password: "$2b$04$aaaa"' in line
    assert (
        'publish: { allow: ["v1.TH-NT-001.observations", "v1.TH-NT-001.observations.*", "v1.TH-NT-001.status"] }'
        in line
    )
    assert 'subscribe: { allow: ["v1.TH-NT-001.receipts", "$MQTT.sub.>"] }' in line
    assert "TH-NT-002" not in line


def test_every_user_is_held_to_mqtt() -> None:
    text = broker_nats.render([A, B], OPTIONS)
    users = [line for line in text.splitlines() if "user: " in line]
    assert len(users) == 3
    assert all('allowed_connection_types: ["MQTT"]' in line for line in users)
    assert 'default_permissions: { publish: { deny: ">" }, subscribe: { deny: ">" } }' in text


def test_the_gateway_takes_observations_and_gives_receipts() -> None:
    line = line_of(broker_nats.render([], OPTIONS), "quantrac-gateway")
    assert 'publish: { allow: ["v1.*.receipts", "quantrac.gateway.heartbeat"] }' in line
    assert '"v1.*.observations", "v1.*.observations.*"' in line


def test_stations_are_spread_over_accounts_which_each_have_the_gateway() -> None:
    users = [BrokerUser(f"st_{number:08}", f"TH-NT-{number:03}", "$2b$04$x", "$7$1$a$a") for number in range(105)]
    options = dataclasses.replace(OPTIONS, accounts=4)
    _, *accounts = broker_nats.render(users, options).split("  QUANTRAC_")
    assert [account[0] for account in accounts] == ["0", "1", "2", "3"]
    names = ["quantrac-gateway", "quantrac-gateway-1", "quantrac-gateway-2", "quantrac-gateway-3"]
    assert all(f'user: "{name}"' in account for name, account in zip(names, accounts, strict=True))
    assert all("jetstream: enabled" in account for account in accounts)
    stations = [account.count('user: "st_') for account in accounts]
    assert sum(stations) == 105
    assert min(stations) > 15
    # A station stays where it is, whoever else comes or goes.
    for number, account in enumerate(accounts):
        for user in users:
            assert (f'user: "{user.key_id}"' in account) == (account_of(user.station, 4) == number)


def test_each_message_is_synced_before_its_acknowledgement_unless_told_otherwise() -> None:
    assert "  sync_interval: always\n" in broker_nats.render([], OPTIONS)
    relaxed = NatsOptions(store_dir=Path("/s"), gateway_bcrypt="x", sync="2m")
    assert "  sync_interval: 2m\n" in broker_nats.render([], relaxed)


def test_limits_addresses_and_files_stand_where_the_server_reads_them() -> None:
    options = NatsOptions(
        store_dir=Path("/s"),
        gateway_bcrypt="x",
        listen="0.0.0.0:8883",
        monitor_listen="127.0.0.1:8222",
        max_ack_pending=77,
        ack_wait="3s",
        max_payload=5000,
        tls=TlsFiles(Path("/c.pem"), Path("/k.pem"), Path("/ca.pem")),
        pid_file=Path("/run/nats.pid"),
        log_file=Path("/var/log/nats.log"),
        extra=["lame_duck_duration: 10s"],
    )
    text = broker_nats.render([], options)
    for line in (
        '  listen: "0.0.0.0:8883"',
        'http: "127.0.0.1:8222"',
        "  max_ack_pending: 77",
        '  ack_wait: "3s"',
        "max_payload: 5000",
        '    cert_file: "/c.pem"',
        '    ca_file: "/ca.pem"',
        "    verify: true",
        'pid_file: "/run/nats.pid"',
        'log_file: "/var/log/nats.log"',
        "lame_duck_duration: 10s",
    ):
        assert line in text.splitlines()


def test_the_same_users_in_another_order_give_the_same_text() -> None:
    assert broker_nats.render([A, B], OPTIONS) == broker_nats.render([B, A], OPTIONS)


@pytest.mark.parametrize("value", ['x"\n  user: "evil', "x\\", 'a" }', "a\x00"])
def test_a_value_cannot_break_out_of_its_word(value: str) -> None:
    with pytest.raises(ValueError, match="quotation mark"):
        broker_nats.render([BrokerUser("st_aaaaaaaa", "TH-NT-001", value, "")], OPTIONS)


@pytest.mark.parametrize("station", ["*", ">", "a.b", "a/b", "+", "#", ""])
def test_a_station_code_that_would_be_a_pattern_is_refused(station: str) -> None:
    with pytest.raises(ValueError, match="is not a station code"):
        broker_nats.render([BrokerUser("st_aaaaaaaa", station, "$2b$04$aaaa", "")], OPTIONS)


def test_the_gateways_password_can_be_checked_with_its_hash() -> None:
    assert bcrypt.checkpw(b"secret", broker_nats.hash_password("secret").encode())
