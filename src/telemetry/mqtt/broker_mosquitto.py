"""Writes the configuration, password and rights files of a Mosquitto broker (2.0.21 or newer; 2.0.11 with care).

What Mosquitto does by default and this configuration does not: drop acknowledged messages past a queue of 1,000, keep
its store in memory for half an hour, drop what is too long after acknowledging it, and let a client take any client id.
"""

import base64
import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from telemetry.mqtt import topics
from telemetry.mqtt.brokers import GATEWAY_USER, MESSAGE_BYTES, BrokerUser, TlsFiles

_ITERATIONS = 1000
# 0 means no limit, but makes versions before 2.0.22 disconnect a client after a publish that its rights deny.
_QUEUED_MESSAGES = 1_000_000


@dataclass(frozen=True, slots=True)
class MosquittoOptions:
    """Where the broker listens and stores, and how much it holds.

    listen: address and port; folder: where the three files stand; store_dir: where the broker keeps its messages.
    durability: `change` writes the store after every change, `second` once a second, which is faster and can lose that
    second when the broker is killed (stations resend what no receipt came for).
    run_as: user of the broker's process, which must be able to read the files; None keeps Mosquitto's own choice.
    """

    folder: Path
    store_dir: Path
    gateway_pbkdf2: str
    listen: tuple[str, int] = ("127.0.0.1", 1883)
    gateway_user: str = GATEWAY_USER
    durability: Literal["change", "second"] = "change"
    max_in_flight: int = 2000
    max_packet: int = MESSAGE_BYTES
    tls: TlsFiles | None = None
    pid_file: Path | None = None
    log_file: Path | None = None
    run_as: str | None = None
    extra: Sequence[str] = field(default=())


def hash_password(password: str) -> str:
    """The gateway's password in the form that the broker reads; a station's comes ready from its key."""
    salt = secrets.token_bytes(12)
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, _ITERATIONS)
    return f"$7${_ITERATIONS}${base64.b64encode(salt).decode()}${base64.b64encode(digest).decode()}"


def render(users: Sequence[BrokerUser], options: MosquittoOptions) -> dict[str, str]:
    """The files by name: `mosquitto.conf`, `passwords`, `rights`. Who is not in `users` cannot connect."""
    ordered = sorted(users, key=lambda user: user.key_id)
    return {
        "mosquitto.conf": _lines(_configuration(options)),
        "passwords": _lines(
            [
                f"{options.gateway_user}:{options.gateway_pbkdf2}",
                *(f"{user.key_id}:{user.mosquitto_pbkdf2}" for user in ordered),
            ]
        ),
        "rights": _lines(_rights(ordered, options)),
    }


def _lines(lines: Sequence[str]) -> str:
    """The lines as one text; ValueError for a control character, which could begin a line of its own."""
    if any(ord(sign) < 32 for line in lines for sign in line):
        raise ValueError("a value for the broker's files has a control character")
    return "\n".join(lines) + "\n"


def _configuration(options: MosquittoOptions) -> list[str]:
    address, port = options.listen
    lines = [
        "# Written by `quantrac broker-config mosquitto` from the catalogue; edits are overwritten.",
        "per_listener_settings false",
        "allow_anonymous false",
        f"password_file {options.folder / 'passwords'}",
        f"acl_file {options.folder / 'rights'}",
        "persistence true",
        f"persistence_location {options.store_dir}/",
        f"autosave_on_changes {'true' if options.durability == 'change' else 'false'}",
        # Changes with the one, seconds with the other.
        "autosave_interval 1",
        f"max_inflight_messages {options.max_in_flight}",
        f"max_queued_messages {_QUEUED_MESSAGES}",
        "max_queued_bytes 0",
        f"max_packet_size {options.max_packet}",
        "persistent_client_expiration 14d",
        "log_type error",
        "log_type warning",
        "log_type notice",
    ]
    if options.run_as:
        lines.append(f"user {options.run_as}")
    if options.pid_file:
        lines.append(f"pid_file {options.pid_file}")
    lines.append(f"log_dest file {options.log_file}" if options.log_file else "log_dest stderr")
    lines += [f"listener {port} {address}", "use_username_as_clientid true"]
    if options.tls:
        lines += [f"certfile {options.tls.certificate}", f"keyfile {options.tls.key}", "tls_version tlsv1.2"]
        if options.tls.authority:
            lines += [f"cafile {options.tls.authority}", "require_certificate true"]
        if options.tls.named:
            lines.append("use_identity_as_username true")
    return [*lines, *options.extra]


def _rights(users: Sequence[BrokerUser], options: MosquittoOptions) -> list[str]:
    lines = [
        f"user {options.gateway_user}",
        *(f"topic read {name}" for name in topics.OBSERVATIONS),
        f"topic read {topics.ROOT}/+/status",
        f"topic write {topics.ROOT}/+/receipts",
        f"topic readwrite {topics.HEARTBEAT}",
    ]
    for user in users:
        lines += [
            f"user {user.key_id}",
            f"topic write {topics.observations(user.station)}",
            f"topic write {topics.observations(user.station)}/+",
            f"topic write {topics.status(user.station)}",
            f"topic read {topics.receipts(user.station)}",
        ]
    return lines
