"""What grants reach, by the catalogue as it is now."""

from dataclasses import dataclass, field

from core.rights import Grant, Right
from telemetry.catalog.loading import LiveCatalog
from telemetry.catalog.snapshot import StationEntry


@dataclass(frozen=True, slots=True)
class GrantedReach:
    """Implements `core.access.Reach` for grants; of their rights only `rights`, where these are named."""

    grants: tuple[Grant, ...]
    rights: frozenset[Right] | None
    catalog: LiveCatalog = field(compare=False, repr=False)

    def may(self, right: Right) -> bool:
        return bool(self._with(right))

    def stations(self, right: Right = Right.READ) -> frozenset[str] | None:
        found = self._with(right)
        if any(not grant.narrowing.narrows_stations for grant in found):
            return None
        return frozenset(station.code for station in self._reached(found))

    def organizations(self, right: Right = Right.READ) -> frozenset[str] | None:
        found = self._with(right)
        if any(not grant.narrowing.narrows_stations for grant in found):
            return None
        # An organization may see itself before it has a station.
        own = {
            code
            for grant in found
            if grant.narrowing.station_kinds is None and grant.narrowing.districts is None
            for code in grant.narrowing.organizations or ()
        }
        return frozenset(own | {station.organization for station in self._reached(found)})

    def domains(self, right: Right) -> frozenset[str] | None:
        named = [grant.narrowing.domains for grant in self._with(right)]
        if None in named:
            return None
        return frozenset(domain for domains in named for domain in domains or ())

    def covers(self, right: Right, *, kind: str, organization: str, district: str | None) -> bool:
        return any(
            grant.narrowing.reaches(kind=kind, organization=organization, district=district)
            for grant in self._with(right)
        )

    def _with(self, right: Right) -> list[Grant]:
        if self.rights is not None and right not in self.rights:
            return []
        return [grant for grant in self.grants if right in grant.rights]

    def _reached(self, grants: list[Grant]) -> list[StationEntry]:
        return [
            station
            for station in self.catalog.snapshot.stations_by_id.values()
            if any(
                grant.narrowing.reaches(kind=station.kind, organization=station.organization, district=station.district)
                for grant in grants
            )
        ]
