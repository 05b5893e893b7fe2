"""Quality of an observation: a QARTOD flag and the reasons for it.

Flag values follow the QARTOD primary level (IOOS, Manual for the Use of Real-Time Oceanographic Data Quality Control
Flags, 2020).
"""

from enum import IntEnum, IntFlag


class Quality(IntEnum):
    """QARTOD flag of an observation. Valid observations, the ones that enter means, are those below FAIL."""

    PASS = 1
    NOT_EVALUATED = 2
    SUSPECT = 3
    FAIL = 4


class Reason(IntFlag):
    """Why an observation has its flag, and what else is worth knowing of it."""

    NONE = 0
    CALIBRATING = 1
    DEVICE_FAULT = 2
    SATURATED = 4
    BELOW_LIMIT = 8
    ABOVE_LIMIT = 16
    LIMIT_UNVERIFIED = 32
    LATE = 64
    CLOCK_AHEAD = 128
    NO_RANGE = 256


# What a reader is told of each reason: slug, label in Vietnamese, label in English.
LEGEND: dict[Reason, tuple[str, str, str]] = {
    Reason.CALIBRATING: ("calibrating", "Thiết bị đang hiệu chuẩn", "The device was being calibrated"),
    Reason.DEVICE_FAULT: ("device-fault", "Thiết bị báo lỗi", "The device reported a fault"),
    Reason.SATURATED: ("saturated", "Giá trị ở giới hạn dải đo", "The result is at the end of the instrument's range"),
    Reason.BELOW_LIMIT: ("below-limit", "Thấp hơn giới hạn dưới", "Below the lower limit in force at that time"),
    Reason.ABOVE_LIMIT: ("above-limit", "Vượt giới hạn trên", "Above the upper limit in force at that time"),
    Reason.LIMIT_UNVERIFIED: (
        "limit-unverified",
        "Giới hạn chưa được xác minh",
        "The limit compared with is unverified",
    ),
    Reason.LATE: ("late", "Đến muộn hơn 1 giờ", "Received more than one hour after the phenomenon time"),
    Reason.CLOCK_AHEAD: ("clock-ahead", "Đồng hồ trạm chạy nhanh", "Phenomenon time lies ahead of the server's clock"),
    Reason.NO_RANGE: ("no-range", "Chưa khai báo dải đo", "No instrument range is on record, so none was checked"),
}
