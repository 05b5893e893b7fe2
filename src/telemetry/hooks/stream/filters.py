"""Which events of the live stream a client is sent."""

from collections.abc import Iterable
from dataclasses import dataclass

from core import errors
from telemetry.hooks.filters import EVENT_TYPES, SEVERITIES
from telemetry.hooks.stream.cursors import Stage
from telemetry.hooks.stream.frames import OBSERVATIONS, Frame

# What the log of events has, one by one or as a group, and what the receipts bring.
TYPES: tuple[str, ...] = (*EVENT_TYPES, OBSERVATIONS)


class TypeUnknown(errors.Invalid):
    slug = "event-type-unknown"
    title = "The stream has no events of this type"

    @classmethod
    def of(cls, names: Iterable[str]) -> "TypeUnknown":
        listed = list(names)
        faults = [errors.Fault("query.types", errors.shown(name), f"one of {', '.join(TYPES)}") for name in listed]
        return cls(f"Not known: {', '.join(errors.shown(name) for name in listed)}.", faults=faults)


@dataclass(frozen=True, slots=True)
class Filter:
    """None is everything. A filter takes only events that have what it names, as those of webhooks do."""

    types: frozenset[str] | None = None
    stations: frozenset[int] | None = None
    # Organization with its stations: readings know their station only.
    organization: tuple[int, frozenset[int]] | None = None
    kinds: frozenset[str] | None = None
    least_severity: str | None = None
    history: bool = True

    @property
    def stages(self) -> frozenset[Stage]:
        """The feeds in which there may be something for it."""
        wanted = set(Stage)
        if self.types is not None and OBSERVATIONS not in self.types:
            wanted.discard(Stage.OBSERVATIONS)
        if self.types is not None and self.types <= {OBSERVATIONS}:
            wanted.discard(Stage.EVENTS)
        if self.kinds is not None or self.least_severity is not None:
            # Readings have neither.
            wanted.discard(Stage.OBSERVATIONS)
        return frozenset(wanted)

    def takes(self, frame: Frame) -> bool:
        return (
            self._takes_type(frame.type)
            and (self.stations is None or frame.station_id in self.stations)
            and (self.organization is None or self._owned(frame, *self.organization))
            and (self.kinds is None or frame.alert_kind in self.kinds)
            and (self.least_severity is None or _at_least(frame.severity, self.least_severity))
            and (self.history or not frame.historical)
        )

    def _takes_type(self, name: str) -> bool:
        if self.types is None:
            return True
        return name in self.types or f"{name.partition('.')[0]}.*" in self.types

    @staticmethod
    def _owned(frame: Frame, organization_id: int, stations: frozenset[int]) -> bool:
        return frame.organization_id == organization_id or (
            frame.organization_id is None and frame.station_id in stations
        )


def types(names: Iterable[str]) -> frozenset[str]:
    """Names of types and of groups of them, each alone or several with commas between. Raises TypeUnknown."""
    asked = [name.strip() for text in names for name in text.split(",")]
    found = frozenset(name if name in TYPES else f"{name}.*" for name in asked)
    if unknown := [name for name in asked if name not in TYPES and f"{name}.*" not in TYPES]:
        raise TypeUnknown.of(dict.fromkeys(unknown))
    return found


def _at_least(severity: str | None, least: str) -> bool:
    return severity in SEVERITIES and SEVERITIES.index(severity) >= SEVERITIES.index(least)
