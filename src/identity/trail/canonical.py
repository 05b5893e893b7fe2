"""The bytes that an entry's hash is taken of: the same here, in the database, wherever somebody verifies. Pure.

This file guards that form, which stands in the database as audit_append() of the migrations:

    hash = sha256(previous + fields)

`previous` is the hash of the entry before, 32 bytes; of the first entry 32 zero bytes. `fields` are number, time,
actor, address, reason, login, transaction, action, relation, subject, before and after, each as text in UTF-8, written
as its length in bytes, a colon, itself and a comma: `4:true,`. NULL is `-,`. Time is whole microseconds since
1970-01-01T00:00:00Z. before and after are JSON in the one form in which PostgreSQL writes jsonb: members in the order
of the length of their names in bytes, then of the bytes; `: ` behind a name and `, ` between members; numbers with all
their digits and without an exponent; of characters only quote, backslash and those below U+0020 escaped.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

GENESIS = bytes(32)


@dataclass(frozen=True, slots=True)
class Entry:
    """One link of the chain. before, after: JSON in its canonical form."""

    number: int
    time_us: int
    actor: str
    address: str
    reason: str
    login: str
    transaction: int
    action: str
    relation: str
    subject: str
    before: str | None
    after: str | None
    previous: bytes
    hash: bytes


def fields(parts: Iterable[object]) -> bytes:
    """Each part behind its length, so that no two lists of parts look the same."""
    return b"".join(_field(part) for part in parts)


def _field(part: object) -> bytes:
    if part is None:
        return b"-,"
    content = str(part).encode()
    return b"%d:%b," % (len(content), content)


def hash_of(entry: Entry) -> bytes:
    """What the entry's hash must be, if it follows on its `previous`."""
    content = fields((
        entry.number, entry.time_us, entry.actor, entry.address, entry.reason, entry.login, entry.transaction,
        entry.action, entry.relation, entry.subject, entry.before, entry.after,
    ))  # fmt: skip
    return hashlib.sha256(entry.previous + content).digest()


def json_text(value: Any) -> str:
    """JSON in its canonical form; numbers with a fraction as Decimal, because a float forgets the digits."""
    if isinstance(value, dict):
        members = sorted(value.items(), key=lambda item: (len(item[0].encode()), item[0].encode()))
        return "{" + ", ".join(f"{json_text(name)}: {json_text(item)}" for name, item in members) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(json_text, value)) + "]"
    if isinstance(value, Decimal):
        return format(value, "f")
    if value is None or isinstance(value, bool | int | str):
        return json.dumps(value, ensure_ascii=False)
    raise TypeError(f"{type(value).__name__} has no canonical form")
