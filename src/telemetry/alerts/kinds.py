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
_SAME = Parameter("count", 12, 2, 10_000, "Equal results one after another that make a value frozen.", whole=True)
_SHARE = Parameter("share", 0.9, 0.1, 1, "Share of the limit from which on the tendency counts.")
_GRACE = Parameter("graceSeconds", 900, 0, _WEEK, "Silence beyond the station's cadence that is no loss.", whole=True)
_TOLERATED = Parameter(
    "toleratedSeconds", 3_600, 0, _WEEK, "How long status 01 may last without an accepted window.", whole=True
)
_CHANGE = Parameter("changeShare", 5, 0.01, 1_000, "Change from one result to the next as a multiple of the usual one.")
_USUAL = Parameter("usualCount", 12, 3, 1_000, "Results before, from which the usual change is taken.", whole=True)
_AHEAD = Parameter("skewSeconds", 120, 1, _DAY, "How far a station's clock may run ahead.", whole=True)
_COUNT = Parameter("count", 1, 1, 1_000_000, "How many within the window raise it.", whole=True)
_GROWN = Parameter("count", 100, 1, 10_000_000, "New open entries within the window that raise it.", whole=True)
_WINDOW = Parameter("windowSeconds", 3_600, 60, _WEEK, "The window in which they are counted.", whole=True)
_STUCK = Parameter("silentSeconds", 900, 60, _WEEK, "How long a round may go without success.", whole=True)

KINDS: Mapping[Kind, Description] = {
    Kind.OVER_LIMIT: Description(About.DATASTREAM, "Vượt giới hạn", "Over the limit"),
    Kind.TENDENCY: Description(About.DATASTREAM, "Xu hướng vượt", "Near the limit", (_SHARE,)),
    Kind.AVERAGE_EXCEEDED: Description(About.DATASTREAM, "Trung bình vượt giới hạn", "Average over the limit"),
    Kind.LOST_CONNECTION: Description(About.STATION, "Mất kết nối", "Connection lost", (_GRACE,)),
    Kind.INSTRUMENT_FAULT: Description(About.DATASTREAM, "Lỗi thiết bị", "Instrument fault"),
    Kind.STUCK_CALIBRATION: Description(About.DATASTREAM, "Hiệu chuẩn kéo dài", "Stuck in calibration", (_TOLERATED,)),
    Kind.FROZEN_VALUE: Description(About.DATASTREAM, "Giá trị không đổi", "Frozen value", (_SAME,)),
    Kind.SPIKE: Description(About.DATASTREAM, "Thay đổi đột ngột", "Spike", (_CHANGE, _USUAL)),
    Kind.SATURATED: Description(About.DATASTREAM, "Chạm giới hạn dải đo", "Saturated"),
    Kind.CLOCK_SKEW: Description(About.STATION, "Lệch đồng hồ", "Clock skew", (_AHEAD,)),
    Kind.CONFLICT: Description(About.DATASTREAM, "Giá trị mâu thuẫn", "Conflicting values", (_COUNT, _WINDOW)),
    Kind.UNKNOWN_SYMBOL: Description(About.STATION, "Thông số chưa khai báo", "Unknown symbol", (_COUNT, _WINDOW)),
    Kind.QUARANTINE_GROWING: Description(About.NETWORK, "Cách ly tăng nhanh", "Quarantine growing", (_GROWN, _WINDOW)),
    Kind.JOB_STUCK: Description(About.NETWORK, "Tác vụ bị treo", "Job stuck", (_STUCK,)),
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
