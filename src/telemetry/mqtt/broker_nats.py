"""Writes the configuration of a NATS server as an MQTT 3.1.1 broker that loses nothing that it acknowledged.

A topic `a/b` is the subject `a.b` here, and a dot inside a level becomes `//`, so that `*` covers a whole file name.
Every QoS 1 subscriber is served through `$MQTT.sub.<random>`, which the server does not let an MQTT client subscribe
to by itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import bcrypt

from telemetry.mqtt import topics
from telemetry.mqtt.brokers import GATEWAY_USER, MESSAGE_BYTES, BrokerUser, TlsFiles, quoted

_DELIVERY = "$MQTT.sub.>"


@dataclass(frozen=True, slots=True)
class NatsOptions:
    """Where the server listens and stores, and how much it holds.

    listen: MQTT address; client_listen: address of NATS's own protocol, which no user here may speak (port -1 takes a
    free one).
    sync: `always` syncs each message to the disk before its PUBACK; a duration such as `2m` syncs that often.
    max_ack_pending: messages that the gateway holds uncommitted; ack_wait: they are sent again after this time.
    """

    store_dir: Path
    gateway_bcrypt: str
    listen: str = "127.0.0.1:1883"
    client_listen: str = "127.0.0.1:4222"
    monitor_listen: str | None = None
    server_name: str = "quantrac"
    gateway_user: str = GATEWAY_USER
    sync: str = "always"
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
    gateway = _user(
        options.gateway_user,
        options.gateway_bcrypt,
        publish=["v1.*.receipts", _subject(topics.HEARTBEAT)],
        subscribe=["v1.*.observations", "v1.*.observations.*", "v1.*.status", _subject(topics.HEARTBEAT), _DELIVERY],
    )
    stations = [
        _user(
            user.key_id,
            user.nats_bcrypt,
            publish=[
                _subject(topics.observations(user.station)),
                _subject(topics.observations(user.station)) + ".*",
                _subject(topics.status(user.station)),
            ],
            subscribe=[_subject(topics.receipts(user.station)), _DELIVERY],
        )
        for user in sorted(users, key=lambda user: user.key_id)
    ]
    return [
        "authorization {",
        "  timeout: 5",
        '  default_permissions: { publish: { deny: ">" }, subscribe: { deny: ">" } }',
        "  users: [",
        gateway,
        *stations,
        "  ]",
        "}",
    ]


def _user(name: str, password_hash: str, *, publish: Sequence[str], subscribe: Sequence[str]) -> str:
    """One user of the MQTT listener alone; the other protocols of the server refuse it."""
    return (
        f"    {{ user: {quoted(name)}, password: {quoted(password_hash)}, "
        f'allowed_connection_types: ["MQTT"], permissions: {{ '
        f"publish: {{ allow: [{', '.join(map(quoted, publish))}] }}, "
        f"subscribe: {{ allow: [{', '.join(map(quoted, subscribe))}] }} }} }}"
    )


def _subject(topic: str) -> str:
    return topic.replace("/", ".")
