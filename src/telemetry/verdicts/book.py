"""What judging needs of the catalogue: who observes what how often, which limits hold, by which policies. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from telemetry.verdicts import windows
from telemetry.verdicts.holding import Course, Limit

OXYGEN = "O2"


@dataclass(frozen=True, slots=True)
class Stream:
    """A datastream that has a limit for an average; oxygen_stream is its station's, 0 where there is none."""

    id: int
    station_id: int
    kind: str
    symbol: str
    unit: str
    cadence_us: int
    active: bool
    oxygen_stream: int


@dataclass(frozen=True, slots=True)
class Policy:
    id: int
    rule_set_id: int | None
    station_kind: str | None
    averaging: str
    minimum_share: float
    revision: int


@dataclass(frozen=True, slots=True)
class Book:
    """One picture of the catalogue. courses: by datastream and window."""

    revision: int
    streams: Mapping[int, Stream]
    limits: Sequence[Limit]
    courses: Mapping[tuple[int, int], Course]
    policies: Mapping[tuple[int | None, str | None, int], Policy]

    def policy_of(self, limit: Limit, window: int) -> Policy:
        """The rule set's, else the one of the station's kind, else the one for all."""
        kind = self.streams[limit.datastream_id].kind
        chain = [(None, kind), (None, None)]
        for of in chain if limit.rule_set_id is None else [(limit.rule_set_id, None), *chain]:
            found = self.policies.get((*of, window))
            if found is not None:
                return found
        raise LookupError(f"no averaging policy for {windows.WINDOWS[window]} is left")

    def windows_of(self, stream: int) -> list[int]:
        return [window for window in range(len(windows.WINDOWS)) if (stream, window) in self.courses]


def by_place(policies: Sequence[Policy]) -> dict[tuple[int | None, str | None, int], Policy]:
    return {
        (policy.rule_set_id, policy.station_kind, windows.WINDOWS.index(policy.averaging)): policy
        for policy in policies
    }
