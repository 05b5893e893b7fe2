"""Which stations and organizations a question may be about: what is out of reach counts as not there."""

from typing import Any, Protocol

from core import access
from core import errors as core_errors
from core.access import Principal, Staff
from core.rights import Right
from telemetry.catalog import errors, stations
from telemetry.catalog.snapshot import Snapshot


class Placed(Protocol):
    """A station, as far as it decides who reaches it."""

    @property
    def kind(self) -> str: ...

    @property
    def organization(self) -> str: ...

    @property
    def district(self) -> str | None: ...


async def stations_asked(database: Any, principal: Principal, asked: str | None) -> list[str] | None:
    """Codes for `($n::text[] IS NULL OR code = ANY ($n))`; None: all, and what belongs to no station.

    Takes a database or a connection. Raises StationNotFound, and Forbidden where a station asks for another.
    """
    code = access.station_code(principal, asked) if isinstance(principal, access.Station) else asked
    if code is None:
        return access.visible(principal)
    if not access.may_read(principal, code):
        raise no_station(code)
    await stations.get(database, code)
    return [code]


def check_station(principal: Principal, code: str) -> None:
    """Raise StationNotFound where the station is out of reach."""
    if not access.may_read(principal, code):
        raise no_station(code)


def check_organization(principal: Principal, code: str) -> None:
    """Raise OrganizationNotFound where the organization is out of reach."""
    within = principal.reach.organizations() if isinstance(principal, Staff) else None
    if within is not None and code not in within:
        raise errors.not_found(errors.OrganizationNotFound, "organization", code)


def require_organization(staff: Staff, right: Right, code: str, snapshot: Snapshot) -> None:
    """Raise OrganizationNotFound where it is out of sight, Forbidden unless the right reaches all its stations."""
    check_organization(staff, code)
    within, reached = staff.reach.organizations(right), access.reached(staff, right)
    its = {entry.code for entry in snapshot.stations_by_id.values() if entry.organization == code}
    if (within is not None and code not in within) or (reached is not None and not its <= reached):
        raise core_errors.Forbidden(f"Your right {right} does not reach all stations of {code}.")


def require_place(staff: Staff, right: Right, station: Placed) -> None:
    """Raise Forbidden where a station that is to be, or to become, such a one would be out of the right's reach."""
    if not staff.reach.covers(right, kind=station.kind, organization=station.organization, district=station.district):
        raise core_errors.Forbidden(f"Your right {right} does not reach a station of this kind, owner and district.")


def no_station(code: str) -> Exception:
    return errors.not_found(errors.StationNotFound, "station", code)


def require_kind(staff: Staff, right: Right, kind: str | None, snapshot: Snapshot) -> None:
    """Raise Forbidden unless the right reaches every station of a kind, or all stations where no kind is named."""
    within = access.reached(staff, right)
    if within is None:
        return
    of_kind = {entry.code for entry in snapshot.stations_by_id.values() if entry.kind == kind}
    # A kind without a station is within nobody's narrowing.
    if not of_kind or not of_kind <= within:
        access.require_everywhere(staff, right)
