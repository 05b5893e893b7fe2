"""Turns averages into verdicts: enough data or not, within the limit or beyond it, or not to be judged at all. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from telemetry.readings import Floats, Int64s
from telemetry.verdicts.averaging import UNKNOWN, Means

Int8s = npt.NDArray[np.int8]

# In columns a verdict and a reason are their places here.
VERDICTS: Sequence[str] = ("compliant", "exceeded", "insufficient-data", "cannot-be-judged")
COMPLIANT, EXCEEDED, INSUFFICIENT, UNJUDGED = range(4)
REASONS: Sequence[str | None] = (None, "oxygen-undefined", "no-oxygen-datastream", "conversion-unknown")
NO_REASON, OXYGEN_UNDEFINED, NO_OXYGEN, CONVERSION_UNKNOWN = range(4)

# What each means to a reader: label in Vietnamese, label in English.
LEGEND: dict[str, tuple[str, str]] = {
    "compliant": ("Đạt", "The mean is within the limit."),
    "exceeded": ("Vượt", "The mean is beyond the limit."),
    "insufficient-data": ("Không đủ dữ liệu", "Fewer observations are valid than the policy asks for."),
    "cannot-be-judged": ("Không đánh giá được", "What the limit asks for is not defined for this period."),
    "oxygen-undefined": (
        "Không hiệu chỉnh được theo O2",
        "Too few observations have a valid oxygen content below that of air beside them.",
    ),
    "no-oxygen-datastream": ("Trạm không đo O2", "The limit refers to oxygen, which the station does not observe."),
    "conversion-unknown": ("Không quy đổi được đơn vị", "The factor to the limit's unit is not known."),
}

# Shares are compared in floats: 0.7 of 10 is 7.
_TOLERANCE = 1e-9


@dataclass(frozen=True, slots=True)
class Judged:
    """One entry for each period; `means` hold no number where it cannot be judged."""

    verdict: Int8s
    reason: Int8s
    means: Means


def expected(start_us: Int64s, end_us: Int64s, cadence_us: Int64s) -> Int64s:
    """How many observations a period is expected to have: one for each step of the cadence, and at least one."""
    found: Int64s = np.maximum((end_us - start_us) // cadence_us, 1)
    return found


def judged(
    means: Means, measured_n: Int64s, expected_n: Int64s, share: Floats, bounds: tuple[Floats, Floats], hindrance: Int8s
) -> Judged:
    """The verdict of each period.

    measured_n: valid rows before any correction, of which no hour counts more than it is expected to have. bounds:
    lower and upper, NaN where that side is open. hindrance: why no period under the limit can be judged, or 0.
    """
    lower, upper = bounds
    verdict = np.where((means.mean < lower) | (means.mean > upper), EXCEEDED, COMPLIANT).astype(np.int8)
    reason = np.zeros(len(verdict), np.int8)
    undefined = _fewer(means.covered_n, expected_n, share)
    verdict[undefined], reason[undefined] = UNJUDGED, OXYGEN_UNDEFINED
    insufficient = _fewer(measured_n, expected_n, share)
    verdict[insufficient], reason[insufficient] = INSUFFICIENT, NO_REASON
    hindered = hindrance != NO_REASON
    verdict[hindered], reason[hindered] = UNJUDGED, hindrance[hindered]
    return Judged(verdict, reason, _without_numbers(means, verdict == UNJUDGED))


def _fewer(count: Int64s, expected_n: Int64s, share: Floats) -> npt.NDArray[np.bool_]:
    found: npt.NDArray[np.bool_] = (count / expected_n < share - _TOLERANCE) | (count == 0)
    return found


def _without_numbers(means: Means, which: npt.NDArray[np.bool_]) -> Means:
    numbers = {name: np.where(which, np.nan, getattr(means, name)) for name in ("mean", "low", "high")}
    times = {name: np.where(which, UNKNOWN, getattr(means, name)) for name in ("low_us", "high_us")}
    return replace(means, **numbers, **times)
