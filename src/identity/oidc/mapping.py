"""Reads from the settings which groups or clients of the provider get which roles here, and where.

One entry is `name=role`, narrowed by `:part=value,value`; entries are separated by semicolons:
`quantrac-admins=administrator;water=operator:stationKind=wastewater,groundwater:district=Nhu Quynh`. The same name may
stand in several entries. What would be read as one of these signs is written percent-encoded.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import unquote

from core.rights import Grant, Narrowing, Role

STATION_KINDS = frozenset({"ambient", "wastewater", "flue_gas", "groundwater"})
_PARTS = {
    "stationKind": "station_kinds",
    "organization": "organizations",
    "district": "districts",
    "domain": "domains",
}

Grants = Mapping[str, tuple[Grant, ...]]


class UnreadableMapping(ValueError):
    """A mapping that cannot be read; its text says where and why."""


def read(text: str) -> Grants:
    """Raises UnreadableMapping."""
    found: dict[str, tuple[Grant, ...]] = {}
    for entry in filter(None, (entry.strip() for entry in text.split(";"))):
        name, grant = _entry(entry)
        found[name] = (*found.get(name, ()), grant)
    return found


def granted(mapping: Grants, names: Iterable[str]) -> tuple[Grant, ...]:
    """What these names give together, each grant once."""
    return tuple(dict.fromkeys(grant for name in sorted(names) for grant in mapping.get(name, ())))


def _entry(entry: str) -> tuple[str, Grant]:
    head, *parts = entry.split(":")
    name, equals, role = head.partition("=")
    if not equals or not name.strip():
        raise UnreadableMapping(f"{entry!r} is not like name=role")
    try:
        known = Role(role.strip())
    except ValueError:
        raise UnreadableMapping(f"{role.strip()!r} in {entry!r} is none of {', '.join(Role)}") from None
    return unquote(name.strip()), Grant(known, _narrowing(parts, entry))


def _narrowing(parts: list[str], entry: str) -> Narrowing:
    kept: dict[str, frozenset[str]] = {}
    for part in parts:
        name, _, values = part.partition("=")
        field = _PARTS.get(name.strip())
        named = frozenset(unquote(value.strip()) for value in values.split(",") if value.strip())
        if field is None or field in kept or not named:
            raise UnreadableMapping(f"{part!r} in {entry!r} is not one of {', '.join(_PARTS)} with values after =")
        kept[field] = named
    unknown = kept.get("station_kinds", frozenset()) - STATION_KINDS
    if unknown:
        raise UnreadableMapping(f"{min(unknown)!r} in {entry!r} is none of {', '.join(sorted(STATION_KINDS))}")
    return Narrowing(**kept)


@dataclass(frozen=True, slots=True)
class Program:
    """A client that acts for itself, and who it is in its tokens."""

    client: str
    subject: str
    grants: tuple[Grant, ...]


def programs(text: str) -> Mapping[str, Program]:
    """Programs by their client id: `client=role`, or `client/subject=role` where its tokens name another subject.

    Raises UnreadableMapping.
    """
    found: dict[str, Program] = {}
    for name, grants in read(text).items():
        client, _, subject = name.partition("/")
        if not client or client in found:
            raise UnreadableMapping(f"{client!r} is named with two subjects")
        found[client] = Program(client, subject or client, grants)
    return found
