"""How quality, device status and times are written out; what many rows share is written once."""

from collections.abc import Callable
from datetime import datetime
from functools import lru_cache

from core import instants
from core.instants import Zone
from telemetry.quality.flags import LEGEND, Quality, Reason
from telemetry.readings import DeviceStatus

QUALITY_MEANINGS = {
    Quality.PASS: "All tests were passed; exceeding a limit is no fault of the data.",
    Quality.NOT_EVALUATED: "The range of the instrument is not on record, so it was not tested; valid.",
    Quality.SUSPECT: "At the end of the instrument's range; valid, and to be looked at.",
    Quality.FAIL: "The device was calibrating or faulty; received, and never in a mean.",
}


@lru_cache(maxsize=4096)
def reasons(bits: int) -> list[str]:
    """The slugs of the reasons in `bits`; not to be changed by the caller."""
    return [slug for reason, (slug, _, _) in LEGEND.items() if bits & reason]


def quality_name(quality: Quality) -> str:
    return quality.name.lower().replace("_", "-")


def status_name(status: DeviceStatus) -> str:
    return status.name.lower()


def limit_state(bits: int) -> str:
    if bits & Reason.ABOVE_LIMIT:
        return "above"
    return "below" if bits & Reason.BELOW_LIMIT else "within"


def clock(zone: Zone) -> Callable[[datetime], str]:
    """Writes times in the zone. Rows of one time stand together, so the last one is remembered."""
    last: tuple[datetime | None, str] = (None, "")

    def text(instant: datetime) -> str:
        nonlocal last
        if instant != last[0]:
            last = instant, instants.text(instant, zone)
        return last[1]

    return text
