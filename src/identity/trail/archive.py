"""The trail as a file: a head, then an entry a line, so that it can be verified without the database. Pure.

The first line says what the file is and which entries it has; every other line is one entry. All are JSON; how they are
written (order of members, spaces) does not matter, what they say does.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from core import errors, instants
from identity.trail import canonical
from identity.trail.canonical import Entry
from identity.trail.chain import BEGINNING, Chain, Head, Problem

FORMAT = "quantrac-trail/1"


class NotATrail(errors.Invalid):
    slug = "not-a-trail"
    title = "The file is not an exported trail"


@dataclass(frozen=True, slots=True)
class Cover:
    """What the first line says: the entries lie behind `after` and go up to `last`; `head` was the newest of all."""

    after: Head
    last: Head
    head: Head


def write_cover(cover: Cover) -> str:
    return json.dumps(
        {"format": FORMAT, "after": _noted(cover.after), "last": _noted(cover.last), "head": _noted(cover.head)}
    )


def _noted(head: Head) -> dict[str, Any]:
    return {"number": head.number, "hash": head.hash.hex()}


def write_entry(entry: Entry) -> str:
    """One line, without its end. before and after stand in it in their canonical form."""
    said = json.dumps(
        {
            "number": entry.number,
            "time": instants.text(instants.from_us(entry.time_us)),
            "actor": entry.actor,
            "address": entry.address,
            "reason": entry.reason,
            "login": entry.login,
            "transaction": entry.transaction,
            "action": entry.action,
            "table": entry.relation,
            "subject": entry.subject,
            "previous": entry.previous.hex(),
            "hash": entry.hash.hex(),
        },
        ensure_ascii=False,
    )
    return f'{said[:-1]}, "before": {entry.before or "null"}, "after": {entry.after or "null"}}}'


def read_cover(line: str) -> Cover:
    """Raises NotATrail."""
    found = _object(line, 1)
    refused = NotATrail(f"The first line is not the one of a file of the form {FORMAT}.")
    if found.pop("format", None) != FORMAT:
        raise refused
    try:
        return Cover(**{name: _read_noted(item) for name, item in found.items()})
    except (KeyError, TypeError, ValueError):
        raise refused from None


def _read_noted(item: Any) -> Head:
    return Head(_whole(item["number"]), bytes.fromhex(item["hash"]))


_MEMBERS = frozenset((
    "number", "time", "actor", "address", "reason", "login", "transaction", "action", "table", "subject", "before",
    "after", "previous", "hash",
))  # fmt: skip


def read_entry(line: str, at: int) -> Entry:
    """The entry of a line. Raises NotATrail, which says the line, for what no export wrote."""
    found = _object(line, at)
    if found.keys() != _MEMBERS:
        raise NotATrail(f"Line {at} does not have the members of an entry.")
    try:
        return Entry(
            number=_whole(found["number"]),
            time_us=instants.to_us(instants.parse(found["time"])),
            transaction=_whole(found["transaction"]),
            relation=_text(found["table"]),
            before=_image(found["before"]),
            after=_image(found["after"]),
            previous=bytes.fromhex(found["previous"]),
            hash=bytes.fromhex(found["hash"]),
            **{name: _text(found[name]) for name in ("actor", "address", "reason", "login", "action", "subject")},
        )
    except (TypeError, ValueError, UnicodeEncodeError):
        raise NotATrail(f"Line {at} is not an entry.") from None


def _object(line: str, at: int) -> dict[str, Any]:
    try:
        found = json.loads(line, parse_float=Decimal, object_pairs_hook=_once, parse_constant=_refuse)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise NotATrail(f"Line {at} is not a JSON object.")
    return found


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A member that stands there twice reads differently for different readers."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a member stands there twice")
    return found


def _refuse(name: str) -> Any:
    raise ValueError(name)


def _whole(value: Any) -> int:
    if type(value) is not int:
        raise TypeError
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _image(value: Any) -> str | None:
    return None if value is None else canonical.json_text(value)


def problems(lines: Iterator[str], chain: Chain) -> Iterator[Problem]:
    """Everything that is wrong with a file. Raises NotATrail where it does not even begin like one.

    Whoever made the whole file anew is found by the anchors of the chain alone.
    """
    cover = read_cover(next(lines, ""))
    chain.last = cover.after
    if cover.after.number == 0 and cover.after != BEGINNING:
        yield Problem(None, "link", "The file begins behind an entry 0 that was never there.")
    for at, line in enumerate(lines, start=2):
        try:
            entry = read_entry(line, at)
        except NotATrail as error:
            yield Problem(None, "unreadable", error.detail)
        else:
            yield from chain.check(entry)
    yield from chain.end(cover.last)
    if cover.head.number == cover.last.number and cover.head != cover.last:
        yield Problem(cover.head.number, "edited", "The head that the file names is not its last entry.")
