"""What of the verdicts that stand is new, changed or gone when periods were judged again. Pure."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from telemetry.readings import Floats, Int64s
from telemetry.verdicts import judging
from telemetry.verdicts.averaging import Means
from telemetry.verdicts.book import Book, Policy
from telemetry.verdicts.planning import Periods, key_of

Bools = npt.NDArray[np.bool_]
Objects = npt.NDArray[np.object_]


@dataclass(frozen=True, slots=True)
class Derived:
    """Judged periods, one entry each."""

    periods: Periods
    verdict: judging.Int8s
    reason: judging.Int8s
    means: Means
    expected_n: Int64s
    policies: list[Policy]

    def __len__(self) -> int:
        return len(self.periods)


@dataclass(frozen=True, slots=True)
class Standing:
    """Verdicts as they stand, in columns; unknown numbers are NaN and unknown times averaging.UNKNOWN."""

    id: Int64s
    datastream_id: Int64s
    window: Int64s
    start_us: Int64s
    verdict: Int64s
    reason: Int64s
    limit_id: Int64s
    unit: Objects
    oxygen_reference: Floats
    lower: Floats
    upper: Floats
    split: Bools
    mean: Floats
    low: Floats
    low_us: Int64s
    high: Floats
    high_us: Int64s
    valid_n: Int64s
    received_n: Int64s
    expected_n: Int64s

    def __len__(self) -> int:
        return len(self.id)


@dataclass(frozen=True, slots=True)
class Difference:
    """Places: of what is derived and new; of what is derived and what it replaces; of what stands and is gone."""

    new: Int64s
    changed: Int64s
    replaced: Int64s
    withdrawn: Int64s


def difference(book: Book, asked: Periods, derived: Derived, standing: Standing) -> Difference:
    """Compare what was derived for the periods that were asked about with what stands of them.

    A silent period of a datastream that is no longer in use is not new: nothing was expected of it any more.
    """
    found = derived.periods.key
    there = key_of(standing.datastream_id, standing.window, standing.start_us)
    order = np.argsort(there, kind="stable")
    place = np.minimum(np.searchsorted(there[order], found), max(len(there) - 1, 0))
    stands = there[order][place] == found if len(there) else np.zeros(len(found), np.bool_)
    both = np.flatnonzero(stands)
    old = order[place[both]] if len(there) else np.empty(0, np.int64)
    other = _differ(book, derived, both, standing, old)
    active = np.array([book.streams[stream].active for stream in derived.periods.datastream_id.tolist()], np.bool_)
    gone = np.isin(there, asked.key) & ~np.isin(there, found)
    return Difference(
        new=np.flatnonzero(~stands & (active | (derived.means.received_n > 0))),
        changed=both[other],
        replaced=old[other],
        withdrawn=np.flatnonzero(gone),
    )


def _differ(book: Book, derived: Derived, new: Int64s, standing: Standing, old: Int64s) -> Bools:
    """Where something that counts is different: not what is merely told about a limit, nor which policy it was."""
    limits = [book.limits[place] for place in derived.periods.limit[new].tolist()]
    means = derived.means
    counted: list[tuple[npt.NDArray[np.generic], npt.NDArray[np.generic]]] = [
        (derived.verdict, standing.verdict),
        (derived.reason, standing.reason),
        (derived.periods.split, standing.split),
        (means.mean, standing.mean),
        (means.low, standing.low),
        (means.low_us, standing.low_us),
        (means.high, standing.high),
        (means.high_us, standing.high_us),
        (means.valid_n, standing.valid_n),
        (means.received_n, standing.received_n),
        (derived.expected_n, standing.expected_n),
    ]
    differs = np.zeros(len(new), np.bool_)
    for now, before in counted:
        differs |= _unequal(now[new], before[old])
    differs |= np.array([limit.id for limit in limits], np.int64) != standing.limit_id[old]
    differs |= np.array([limit.unit for limit in limits], np.object_) != standing.unit[old]
    for name in ("lower", "upper", "oxygen_reference"):
        differs |= _unequal(floats([getattr(limit, name) for limit in limits]), getattr(standing, name)[old])
    return differs


def floats(values: list[float | None]) -> Floats:
    """NaN where there is none."""
    return np.array([np.nan if value is None else value for value in values], np.float64)


def _unequal(now: npt.NDArray[np.generic], before: npt.NDArray[np.generic]) -> Bools:
    found: Bools = now != before
    if now.dtype.kind == "f":
        found &= ~(np.isnan(now) & np.isnan(before))
    return found
