"""Checks of the clock: whether this machine's follows a reference, and whether the database's agrees with it."""

import ctypes

from gateway.doctoring.findings import Finding, Line

# Receipts carry this machine's time and deadlines the database's: a second does not matter, a reading's cycle does.
_NOTICE_SECONDS = 1.0
_FAULT_SECONDS = 10.0
_TIME_ERROR = 5
# Larger than `struct timex` on any machine.
_TIMEX_BYTES = 1024


def agreement(difference_seconds: float, round_trip_seconds: float) -> Finding:
    """difference_seconds: the database's clock less ours, at the middle of the round trip, which blurs it by half."""
    line = Line("clock", "this machine's clock against the database's")
    apart = max(0.0, abs(difference_seconds) - round_trip_seconds / 2)
    found = f"{difference_seconds:+.3f} s ± {round_trip_seconds / 2:.3f} s"
    advice = "Let both machines follow the same time servers (chrony or systemd-timesyncd)."
    if apart > _FAULT_SECONDS:
        return line.fault(found, advice)
    if apart > _NOTICE_SECONDS:
        return line.notice(found, advice)
    return line.ok(found)


def synchronised() -> bool | None:
    """Whether the kernel says that something keeps its clock right; None where it does not say."""
    try:
        adjust = ctypes.CDLL(None).adjtimex
    except (OSError, AttributeError):
        return None
    # Nothing is asked to change: the first member, `modes`, is zero.
    state: int = adjust(ctypes.create_string_buffer(_TIMEX_BYTES))
    return None if state < 0 else state != _TIME_ERROR


def synchronisation(state: bool | None) -> Finding:
    line = Line("clock", "synchronisation of this machine's clock")
    if state is None:
        return line.skipped("the system does not say")
    if not state:
        return line.notice(
            "the kernel knows of nothing that keeps it right",
            "Run chrony or systemd-timesyncd, here or on the machine below: received times are evidence.",
        )
    return line.ok("kept right")
