"""Checks of stations' keys: that none runs out unseen, and that no station is locked out."""

from gateway.doctoring.findings import Finding, Line
from gateway.doctoring.store import Keys


def standing(found: Keys | None, days: int) -> list[Finding]:
    expiry, doors = Line("keys", "expiry of stations' keys"), Line("keys", "stations without a live key")
    if found is None:
        return [expiry.skipped("this database login may not see keys")]
    return [
        expiry.notice(
            f"{found.expiring} of {found.live} live keys expire within {days} days",
            f"See which: quantrac station key list --expires-within {days}. Enrol anew, or edit them.",
        )
        if found.expiring
        else expiry.ok(f"none of {found.live} live keys expires within {days} days"),
        doors.notice(
            f"{found.locked_out} stations in use had keys and have no live one: nothing of theirs is taken",
            "Begin an enrolment for each that should report: quantrac station enrolment begin CODE.",
        )
        if found.locked_out
        else doors.ok("none"),
    ]
