"""One line that says what an alert is about, in Vietnamese and in English, with its figures and their units.

Members of an alert's detail that titles read, where they are there: `peak`, `limit`, `mean`, `share`, `threshold`,
`unit`, `bound` (`upper` or `lower`), `window`, `value`, `count`, `seconds`, `symbolSent`, `job`.
"""

from collections.abc import Callable, Mapping
from typing import Any

Detail = Mapping[str, Any]
_Words = tuple[str, str]

_NETWORK: _Words = ("Toàn mạng", "Network")
_SECONDS_OF_A_MINUTE = 60
_MINUTES_OF_TWO_HOURS = 120
_HOURS_OF_TWO_DAYS = 48


def of(kind: str, station: str | None, symbol: str | None, detail: Detail) -> _Words:
    """The line in Vietnamese and in English; a kind that is not known here is named as it is."""
    words = _KINDS.get(kind)
    vi, en = words(symbol or "?", detail) if words else (kind, kind)
    if station is None:
        return f"{_NETWORK[0]}: {vi}", f"{_NETWORK[1]}: {en}"
    return f"{station}: {vi}", f"{station}: {en}"


def number(value: object) -> str | None:
    """A figure with six digits at most; None where it is none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return format(value, ".6g")


def duration(seconds: object) -> _Words | None:
    """A span of time in the unit that reads best."""
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        return None
    if seconds < _SECONDS_OF_A_MINUTE:
        return f"{seconds:.0f} giây", f"{seconds:.0f} s"
    minutes = seconds / _SECONDS_OF_A_MINUTE
    if minutes < _MINUTES_OF_TWO_HOURS:
        return f"{minutes:.0f} phút", f"{minutes:.0f} min"
    hours = minutes / 60
    if hours < _HOURS_OF_TWO_DAYS:
        return f"{_comma(f'{hours:.1f}')} giờ", f"{hours:.1f} h"
    return f"{_comma(f'{hours / 24:.1f}')} ngày", f"{hours / 24:.1f} days"


def _comma(figure: str) -> str:
    """Vietnamese writes a comma before decimals."""
    return figure.replace(".", ",")


def _figure(detail: Detail, member: str) -> _Words | None:
    """A figure with its unit."""
    found = number(detail.get(member))
    if found is None:
        return None
    unit = str(detail.get("unit") or "")
    return f"{_comma(found)} {unit}".rstrip(), f"{found} {unit}".rstrip()


def _told(
    vi: str, en: str, first: _Words | None = None, second: _Words | None = None, between: _Words = ("", "")
) -> _Words:
    """`<words>: <first> (<between> <second>)`, without what is not known."""
    if first is not None:
        vi, en = f"{vi}: {first[0]}", f"{en}: {first[1]}"
    if second is not None:
        vi, en = (
            f"{words} ({f'{word} {part}'.strip()})" for words, word, part in zip((vi, en), between, second, strict=True)
        )
    return vi, en


_LIMIT: _Words = ("giới hạn", "limit")


def _over_limit(symbol: str, detail: Detail) -> _Words:
    low = detail.get("bound") == "lower"
    vi, en = ("thấp hơn giới hạn dưới", "below its lower limit") if low else ("vượt giới hạn", "over its limit")
    return _told(f"{symbol} {vi}", f"{symbol} {en}", _figure(detail, "peak"), _figure(detail, "limit"), _LIMIT)


def _tendency(symbol: str, detail: Detail) -> _Words:
    words = (f"{symbol} có xu hướng vượt giới hạn", f"{symbol} comes near its limit")
    return _told(*words, _figure(detail, "peak"), _figure(detail, "limit"), _LIMIT)


def _average(symbol: str, detail: Detail) -> _Words:
    window = str(detail.get("window") or "").strip()
    vi = f"Trung bình {window} của {symbol} vượt giới hạn" if window else f"Trung bình của {symbol} vượt giới hạn"
    en = f"{window} mean of {symbol} over its limit" if window else f"Mean of {symbol} over its limit"
    return _told(vi, en, _figure(detail, "mean") or _figure(detail, "peak"), _figure(detail, "limit"), _LIMIT)


def _lost(_: str, detail: Detail) -> _Words:
    return _told("Mất kết nối", "Connection lost", duration(detail.get("seconds")))


def _fault(symbol: str, _: Detail) -> _Words:
    if symbol == "?":
        return "Thiết bị báo lỗi", "Instrument reports a fault"
    return f"Thiết bị đo {symbol} báo lỗi", f"Instrument of {symbol} reports a fault"


def _calibration(symbol: str, detail: Detail) -> _Words:
    what = ("", "") if symbol == "?" else (f"{symbol} ", f"{symbol} ")
    return _told(
        f"{what[0]}hiệu chuẩn không có kế hoạch được duyệt",
        f"{what[1]}calibrating without an accepted window",
        duration(detail.get("seconds")),
    )


def _frozen(symbol: str, detail: Detail) -> _Words:
    count = number(detail.get("count"))
    words = (f"{symbol} không thay đổi", f"{symbol} does not change")
    return _told(*words, _figure(detail, "value"), (f"{count} lần", f"{count} times") if count else None)


def _spike(symbol: str, detail: Detail) -> _Words:
    words = (f"{symbol} thay đổi đột ngột", f"{symbol} changes abruptly")
    return _told(*words, _figure(detail, "peak"), _figure(detail, "threshold"), ("ngưỡng", "threshold"))


def _saturated(symbol: str, detail: Detail) -> _Words:
    words = (f"{symbol} ở giới hạn dải đo", f"{symbol} at the end of its range")
    return _told(*words, _figure(detail, "peak") or _figure(detail, "value"))


def _skew(_: str, detail: Detail) -> _Words:
    return _told("Đồng hồ trạm sai lệch", "Clock of the station is off", duration(detail.get("seconds")))


def _counted(vi: str, en: str) -> Callable[[str, Detail], _Words]:
    def words(symbol: str, detail: Detail) -> _Words:
        about = detail.get("symbolSent") or (None if symbol == "?" else symbol)
        found = number(detail.get("count"))
        return _told(
            f"{vi} {about}" if about else vi,
            f"{en} {about}" if about else en,
            (f"{_comma(found)} giá trị", f"{found} readings") if found else None,
        )

    return words


def _stuck(_: str, detail: Detail) -> _Words:
    job = str(detail.get("job") or "").strip()
    words = (f"Tác vụ {job} bị treo", f"Job {job} is stuck") if job else ("Tác vụ bị treo", "A job is stuck")
    return _told(*words, duration(detail.get("seconds")))


_KINDS: Mapping[str, Callable[[str, Detail], _Words]] = {
    "over-limit": _over_limit,
    "tendency": _tendency,
    "average-exceeded": _average,
    "lost-connection": _lost,
    "instrument-fault": _fault,
    "stuck-calibration": _calibration,
    "frozen-value": _frozen,
    "spike": _spike,
    "saturated": _saturated,
    "clock-skew": _skew,
    "conflict": _counted("Cùng thời điểm, giá trị khác nhau của", "Other values for the same time of"),
    "unknown-symbol": _counted("Gửi thông số chưa khai báo", "Sends an undeclared symbol"),
    "quarantine-growing": _counted("Dữ liệu bị cách ly tăng", "Quarantine is growing"),
    "job-stuck": _stuck,
}
