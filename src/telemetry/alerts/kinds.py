"""The kinds of alert: what each is about, and the parameters that its rules may carry.

Pure. A parameter's name is the one on the wire and in `alert_rule.parameters`; times are seconds of phenomenon time.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from core.errors import Fault, shown


class Kind(StrEnum):
    OVER_LIMIT = "over-limit"
    TENDENCY = "tendency"
    AVERAGE_EXCEEDED = "average-exceeded"
    LOST_CONNECTION = "lost-connection"
    INSTRUMENT_FAULT = "instrument-fault"
    STUCK_CALIBRATION = "stuck-calibration"
    FROZEN_VALUE = "frozen-value"
    SPIKE = "spike"
    SATURATED = "saturated"
    CLOCK_SKEW = "clock-skew"
    CONFLICT = "conflict"
    UNKNOWN_SYMBOL = "unknown-symbol"
    QUARANTINE_GROWING = "quarantine-growing"
    JOB_STUCK = "job-stuck"


class Severity(StrEnum):
    NOTICE = "notice"
    WARNING = "warning"
    CRITICAL = "critical"


class About(StrEnum):
    """The narrowest thing that an alert of a kind is about."""

    DATASTREAM = "datastream"
    STATION = "station"
    NETWORK = "network"


@dataclass(frozen=True, slots=True)
class Parameter:
    """A number that a kind's rule may carry; `whole` ones have no fraction."""

    name: str
    default: float
    lowest: float
    highest: float
    meaning: str
    whole: bool = False

    @property
    def expected(self) -> str:
        return f"{'a whole number' if self.whole else 'a number'} from {self.lowest:g} to {self.highest:g}"

    def takes(self, value: object) -> bool:
        if isinstance(value, bool) or not isinstance(value, int | float):
            return False
        whole = isinstance(value, int) or (math.isfinite(value) and value.is_integer())
        return self.lowest <= value <= self.highest and (whole or not self.whole)


@dataclass(frozen=True, slots=True)
class Description:
    about: About
    label_vi: str
    label_en: str
    parameters: tuple[Parameter, ...] = ()


_DAY = 86_400
_WEEK = 7 * _DAY
_SHARE = Parameter("share", 0.8, 0.1, 1, "Share of the limit from which on it is told.")
_SHARE_HIGH = Parameter("shareHigh", 0.9, 0.1, 1, "Share of the limit from which on it is a warning.")
_LONGEST = Parameter(
    "longestSeconds", 14_400, 60, _WEEK, "How long a calibration may last, even in an accepted window.", whole=True
)
_SAME = Parameter("count", 12, 2, 2_000, "Equal results one after another that make a value frozen.", whole=True)
_ZERO = Parameter("ignoreZero", 0, 0, 1, "1: a value that stays 0 is not frozen, as of a pump that rests.", whole=True)
_GAP = Parameter("gapSeconds", 3_600, 1, _WEEK, "Results further apart than this are not compared.", whole=True)
_CHANGE = Parameter("change", 0, 0, 1e12, "Change from one result to the next, in the property's unit; 0: none.")
_RANGE_SHARE = Parameter("rangeShare", 0.5, 0, 1, "The same as a share of the instrument's range; 0: none.")
_SKEW = Parameter("skewSeconds", 120, 1, _DAY, "How far a station's clock may be off, ahead or behind.", whole=True)
_LIVE = Parameter("submissions", 5, 1, 100, "The median of so many live submissions counts.", whole=True)
_BEHIND = Parameter(
    "behindSeconds",
    3_600,
    60,
    _WEEK,
    "What is older when it arrives is late data, not a clock that is behind.",
    whole=True,
)
_GROWN = Parameter("count", 50, 1, 10_000_000, "Open entries of a station within the span that raise it.", whole=True)
_GROWN_ALL = Parameter("countNetwork", 500, 1, 10_000_000, "The same of all stations together.", whole=True)
_SPAN = Parameter("spanSeconds", 3_600, 60, _WEEK, "The span in which they are counted.", whole=True)
_SCHEDULES = Parameter("schedules", 2, 1, 100, "A job may be without success for so many of its intervals.")
_STUCK = Parameter("silentSeconds", 120, 30, _WEEK, "How long a reader of a feed may stand still.", whole=True)

KINDS: Mapping[Kind, Description] = {
    Kind.OVER_LIMIT: Description(About.DATASTREAM, "Vượt giới hạn", "Over the limit"),
    Kind.TENDENCY: Description(About.DATASTREAM, "Xu hướng vượt", "Near the limit", (_SHARE, _SHARE_HIGH)),
    Kind.AVERAGE_EXCEEDED: Description(About.DATASTREAM, "Trung bình vượt giới hạn", "Average over the limit"),
    Kind.LOST_CONNECTION: Description(About.STATION, "Mất kết nối", "Connection lost"),
    Kind.INSTRUMENT_FAULT: Description(About.DATASTREAM, "Lỗi thiết bị", "Instrument fault"),
    Kind.STUCK_CALIBRATION: Description(About.DATASTREAM, "Hiệu chuẩn kéo dài", "Stuck in calibration", (_LONGEST,)),
    Kind.FROZEN_VALUE: Description(About.DATASTREAM, "Giá trị không đổi", "Frozen value", (_SAME, _ZERO, _GAP)),
    Kind.SPIKE: Description(About.DATASTREAM, "Thay đổi đột ngột", "Spike", (_CHANGE, _RANGE_SHARE, _GAP)),
    Kind.SATURATED: Description(About.DATASTREAM, "Chạm giới hạn dải đo", "Saturated"),
    Kind.CLOCK_SKEW: Description(About.STATION, "Lệch đồng hồ", "Clock skew", (_SKEW, _LIVE, _BEHIND)),
    Kind.CONFLICT: Description(About.DATASTREAM, "Giá trị mâu thuẫn", "Conflicting values"),
    Kind.UNKNOWN_SYMBOL: Description(About.STATION, "Thông số chưa khai báo", "Unknown symbol"),
    Kind.QUARANTINE_GROWING: Description(
        About.NETWORK, "Cách ly tăng nhanh", "Quarantine growing", (_GROWN, _GROWN_ALL, _SPAN)
    ),
    Kind.JOB_STUCK: Description(About.NETWORK, "Tác vụ bị treo", "Job stuck", (_SCHEDULES, _STUCK)),
}


def complete(kind: Kind, given: Mapping[str, object]) -> dict[str, float]:
    """Every parameter of the kind, as given or by default; what the kind does not know is left out."""
    return {known.name: _number(given.get(known.name), known) for known in KINDS[kind].parameters}


def _number(value: object, known: Parameter) -> float:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else known.default


def faults(kind: Kind, given: Mapping[str, object]) -> list[Fault]:
    """What is wrong with a rule's parameters: field, found, expected."""
    known = {parameter.name: parameter for parameter in KINDS[kind].parameters}
    expected = f"one of {', '.join(known)}" if known else f"nothing: {kind.value} has no parameters"
    found = [Fault(f"parameters.{shown(name)}", "a parameter", expected) for name in given if name not in known]
    return found + [
        Fault(f"parameters.{name}", shown(given[name]), parameter.expected)
        for name, parameter in known.items()
        if name in given and not parameter.takes(given[name])
    ]
