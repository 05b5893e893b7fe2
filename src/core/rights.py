"""What staff and programs may do: rights, the roles that carry them, and how a grant is narrowed. Pure data."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Right(StrEnum):
    """One thing that a route may ask for."""

    READ = "network.read"
    SUBMIT = "observations.submit"
    HANDLE_ALERTS = "alerts.handle"
    HANDLE_QUARANTINE = "quarantine.handle"
    EDIT_CATALOG = "catalog.edit"
    MANAGE_KEYS = "keys.manage"
    SEE_HOOKS = "hooks.see"
    MANAGE_HOOKS = "hooks.manage"
    EDIT_DOSSIERS = "dossiers.edit"
    HANDLE_CASES = "cases.handle"
    APPROVE = "decisions.approve"
    MANAGE_PEOPLE = "people.manage"
    READ_TRAIL = "trail.read"
    SCRAPE = "metrics.read"


class Role(StrEnum):
    VIEWER = "viewer"
    OPERATOR = "operator"
    REGISTRAR = "registrar"
    STEWARD = "steward"
    APPROVER = "approver"
    ADMINISTRATOR = "administrator"


# Whoever administers cannot approve: a decision has two people behind it, unless one was given both roles.
RIGHTS: Mapping[Role, frozenset[Right]] = {
    Role.VIEWER: frozenset({Right.READ}),
    Role.OPERATOR: frozenset({Right.READ, Right.HANDLE_ALERTS, Right.HANDLE_QUARANTINE, Right.SEE_HOOKS}),
    Role.REGISTRAR: frozenset({Right.READ, Right.EDIT_DOSSIERS, Right.HANDLE_CASES}),
    Role.STEWARD: frozenset(
        {Right.READ, Right.SUBMIT, Right.HANDLE_QUARANTINE, Right.EDIT_CATALOG, Right.MANAGE_KEYS},
    ),
    Role.APPROVER: frozenset({Right.READ, Right.APPROVE}),
    Role.ADMINISTRATOR: frozenset(Right) - {Right.APPROVE},
}


# People decide; no program does, whoever it acts for.
DECISIONS: frozenset[Right] = frozenset({Right.APPROVE})


@dataclass(frozen=True, slots=True)
class Narrowing:
    """Where a grant holds: all that is named must fit; None narrows nothing.

    station_kinds: as in the catalogue; organizations: their codes; districts: as written at the stations;
    domains: of records, such as `land` or `minerals`.
    """

    station_kinds: frozenset[str] | None = None
    organizations: frozenset[str] | None = None
    districts: frozenset[str] | None = None
    domains: frozenset[str] | None = None

    @property
    def narrows_stations(self) -> bool:
        return not (self.station_kinds is None and self.organizations is None and self.districts is None)

    def reaches(self, *, kind: str, organization: str, district: str | None) -> bool:
        """Whether a station lies within; one without a district lies in none."""
        return (
            (self.station_kinds is None or kind in self.station_kinds)
            and (self.organizations is None or organization in self.organizations)
            and (self.districts is None or district in self.districts)
        )


EVERYWHERE = Narrowing()


@dataclass(frozen=True, slots=True)
class Grant:
    """A role, and where it holds."""

    role: Role
    narrowing: Narrowing = EVERYWHERE

    @property
    def rights(self) -> frozenset[Right]:
        return RIGHTS[self.role]
