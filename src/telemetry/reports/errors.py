"""What can be wrong with a question for a report."""

from core import errors


class NoAirIndex(errors.Invalid):
    slug = "no-air-index"
    title = "Only stations of ambient air have an air quality index"


def no_air_index(station: str, kind: str) -> NoAirIndex:
    fault = errors.Fault("code", f"{station}, a station of the kind {kind}", "a station of the kind ambient")
    return NoAirIndex(f"{station} does not observe ambient air.", faults=[fault])
