"""Writes the configuration of a NATS server as an MQTT 3.1.1 broker that loses nothing that it acknowledged.

A topic `a/b` is the subject `a.b` here, and a dot inside a level becomes `//`, so that `*` covers a whole file name.
Every QoS 1 subscriber is served through `$MQTT.sub.<random>`, which the server does not let an MQTT client subscribe
to by itself.

Each account keeps its messages in a store of its own. A broker that syncs each message before its PUBACK waits for the
disk with one message of each account at a time, so several accounts are several times as fast.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import bcrypt

from telemetry.mqtt import topics
from telemetry.mqtt.brokers import (
    GATEWAY_USER,
    MESSAGE_BYTES,
    BrokerUser,
    TlsFiles,
    account_of,
    gateway_user,
    quoted,
)

_DELIVERY = "$MQTT.sub.>"


@dataclass(frozen=True, slots=True)
class NatsOptions:
    """Where the server listens and stores, and how much it holds.

    listen: MQTT address; client_listen: address of NATS's own protocol, which no user here may speak (port -1 takes a
    free one).
    sync: `always` syncs each message to the disk before its PUBACK; a duration such as `2m` syncs that often.
    accounts: over how many the stations are spread. What was not taken yet stays in the account where it is, so the
    gateway has to go on with all of them; there may be more later, not fewer.
    max_ack_pending: messages of one account that the gateway holds uncommitted; ack_wait: they are sent again after
    this time.
    """

    store_dir: Path
    gateway_bcrypt: str
    listen: str = "127.0.0.1:1883"
    client_listen: str = "127.0.0.1:4222"
    monitor_listen: str | None = None
    server_name: str = "quantrac"
    gateway_user: str = GATEWAY_USER
    sync: str = "always"
    accounts: int = 1
    max_ack_pending: int = 2000
    ack_wait: str = "10s"
    max_payload: int = MESSAGE_BYTES
    max_connections: int = 65536
    tls: TlsFiles | None = None
    pid_file: Path | None = None
    log_file: Path | None = None
    extra: Sequence[str] = field(default=())


def hash_password(password: str) -> str:
    """The gateway's password in the form that the server reads; a station's comes ready from its key."""
    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(rounds=8)).decode()


def render(users: Sequence[BrokerUser], options: NatsOptions) -> str:
    """The whole configuration file. Who is not in `users` cannot connect; users come out in the order of their ids."""
    parts = [
        "# Written by `quantrac broker-config nats` from the catalogue; edits are overwritten.",
        *_server(options),
        *_mqtt(options),
        *_authorization(users, options),
        *options.extra,
    ]
    return "\n".join(parts) + "\n"


def _server(options: NatsOptions) -> list[str]:
    lines = [
        f"server_name: {quoted(options.server_name)}",
        f"listen: {quoted(options.client_listen)}",
        f"max_payload: {options.max_payload}",
        f"max_connections: {options.max_connections}",
        "logtime_utc: true",
    ]
    if options.monitor_listen:
        lines.append(f"http: {quoted(options.monitor_listen)}")
    if options.pid_file:
        lines.append(f"pid_file: {quoted(options.pid_file)}")
    if options.log_file:
        lines += [f"log_file: {quoted(options.log_file)}", "logfile_size_limit: 64MB", "logfile_max_num: 4"]
    return [
        *lines,
        "jetstream {",
        f"  store_dir: {quoted(options.store_dir)}",
        f"  sync_interval: {options.sync}",
        "}",
    ]


def _mqtt(options: NatsOptions) -> list[str]:
    lines = [
        "mqtt {",
        f"  listen: {quoted(options.listen)}",
        f"  max_ack_pending: {options.max_ack_pending}",
        f"  ack_wait: {quoted(options.ack_wait)}",
    ]
    if options.tls:
        lines.append("  tls {")
        lines += [f"    cert_file: {quoted(options.tls.certificate)}", f"    key_file: {quoted(options.tls.key)}"]
        if options.tls.authority:
            lines.append(f"    ca_file: {quoted(options.tls.authority)}")
            lines.append("    verify_and_map: true" if options.tls.named else "    verify: true")
        lines.append("  }")
    return [*lines, "}"]


def _authorization(users: Sequence[BrokerUser], options: NatsOptions) -> list[str]:
    lines = ["authorization { timeout: 5 }", "accounts {"]
    for account in range(options.accounts):
        mine = [user for user in users if account_of(user.station, options.accounts) == account]
        lines += [
            f"  QUANTRAC_{account}: {{",
            "    jetstream: enabled",
            '    default_permissions: { publish: { deny: ">" }, subscribe: { deny: ">" } }',
            "    users: [",
            _gateway(options, account),
            *(_station(user) for user in sorted(mine, key=lambda user: user.key_id)),
            "    ]",
            "  }",
        ]
    return [*lines, "}"]


def _gateway(options: NatsOptions, account: int) -> str:
    return _user(
        gateway_user(options.gateway_user, account),
        options.gateway_bcrypt,
        publish=["v1.*.receipts", _subject(topics.HEARTBEAT)],
        subscribe=["v1.*.observations", "v1.*.observations.*", "v1.*.status", _subject(topics.HEARTBEAT), _DELIVERY],
    )


def _station(user: BrokerUser) -> str:
    observations = _subject(topics.observations(user.station))
    return _user(
        user.key_id,
        user.nats_bcrypt,
        publish=[observations, f"{observations}.*", _subject(topics.status(user.station))],
        subscribe=[_subject(topics.receipts(user.station)), _DELIVERY],
    )


def _user(name: str, password_hash: str, *, publish: Sequence[str], subscribe: Sequence[str]) -> str:
    """One user of the MQTT listener alone; the other protocols of the server refuse it."""
    return (
        f"      {{ user: {quoted(name)}, password: {quoted(password_hash)}, "
        f'allowed_connection_types: ["MQTT"], permissions: {{ '
        f"publish: {{ allow: [{', '.join(map(quoted, publish))}] }}, "
        f"subscribe: {{ allow: [{', '.join(map(quoted, subscribe))}] }} }} }}"
    )


def _subject(topic: str) -> str:
    return topic.replace("/", ".")
