"""The reports by name."""

from enum import StrEnum

from telemetry.reports.days import AVAILABILITY, DAY, HOURLY_MAXIMUM, MONTH
from telemetry.reports.disconnections import DISCONNECTION
from telemetry.reports.exceedances import EXCEEDANCE
from telemetry.reports.parts import Report


class Kind(StrEnum):
    HOURLY_MAXIMUM = "hourly-maximum"
    DAY = "day"
    MONTH = "month"
    AVAILABILITY = "availability"
    EXCEEDANCE = "exceedance"
    DISCONNECTION = "disconnection"


REPORTS: dict[Kind, Report] = {
    Kind(report.name): report for report in (HOURLY_MAXIMUM, DAY, MONTH, AVAILABILITY, EXCEEDANCE, DISCONNECTION)
}
