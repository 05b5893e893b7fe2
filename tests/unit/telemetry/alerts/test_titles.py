"""The one line that says what an alert is about."""

from typing import Any

import pytest

from telemetry.alerts.kinds import Kind
from telemetry.alerts.lifecycle import titles

_LIMIT = {"peak": 182.4, "limit": 150.0, "unit": "mg/l"}


@pytest.mark.parametrize(
    ("kind", "symbol", "detail", "vi", "en"),
    [
        (
            "over-limit",
            "COD",
            _LIMIT | {"bound": "upper"},
            "S1: COD vượt giới hạn: 182,4 mg/l (giới hạn 150 mg/l)",
            "S1: COD over its limit: 182.4 mg/l (limit 150 mg/l)",
        ),
        (
            "over-limit",
            "pH",
            {"peak": 5.1, "limit": 5.5, "unit": "", "bound": "lower"},
            "S1: pH thấp hơn giới hạn dưới: 5,1 (giới hạn 5,5)",
            "S1: pH below its lower limit: 5.1 (limit 5.5)",
        ),
        (
            "average-exceeded",
            "COD",
            {"mean": 160, "limit": 150, "unit": "mg/l", "window": "24h"},
            "S1: Trung bình 24h của COD vượt giới hạn: 160 mg/l (giới hạn 150 mg/l)",
            "S1: 24h mean of COD over its limit: 160 mg/l (limit 150 mg/l)",
        ),
        ("lost-connection", None, {}, "S1: Mất kết nối", "S1: Connection lost"),
        ("lost-connection", None, {"seconds": 5400}, "S1: Mất kết nối: 90 phút", "S1: Connection lost: 90 min"),
        (
            "frozen-value",
            "TSS",
            {"value": 22.1, "unit": "mg/l", "count": 12},
            "S1: TSS không thay đổi: 22,1 mg/l (12 lần)",
            "S1: TSS does not change: 22.1 mg/l (12 times)",
        ),
        (
            "unknown-symbol",
            None,
            {"symbolSent": "CODx", "count": 3},
            "S1: Gửi thông số chưa khai báo CODx: 3 giá trị",
            "S1: Sends an undeclared symbol CODx: 3 readings",
        ),
    ],
)
def test_a_title_has_its_figures_with_their_units(
    kind: str, symbol: str | None, detail: dict[str, Any], vi: str, en: str
) -> None:
    assert titles.of(kind, "S1", symbol, detail) == (vi, en)


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("station", ["TH-NT-001", None])
@pytest.mark.parametrize("symbol", ["COD", None])
@pytest.mark.parametrize(
    "detail",
    [
        {},
        {"peak": None, "limit": "x", "unit": None, "count": True, "seconds": "1", "value": [], "window": None},
        {"peak": 1e300, "limit": -0.0, "unit": "mg/l", "count": 3, "seconds": 1e9, "value": 2, "mean": 3, "job": "x"},
    ],
)
def test_every_kind_has_a_title_whatever_is_known(
    kind: Kind, station: str | None, symbol: str | None, detail: dict[str, Any]
) -> None:
    vi, en = titles.of(kind, station, symbol, detail)
    assert vi.startswith(station or "Toàn mạng")
    assert en.startswith(station or "Network")
    for text in (vi, en):
        assert "None" not in text
        assert "  " not in text
        assert text == text.strip()
        assert "\n" not in text


def test_a_kind_that_is_not_known_is_named_as_it_is() -> None:
    assert titles.of("flood", "S1", None, {}) == ("S1: flood", "S1: flood")


@pytest.mark.parametrize(
    ("seconds", "vi", "en"),
    [
        (5, "5 giây", "5 s"),
        (300, "5 phút", "5 min"),
        (3 * 3600, "3,0 giờ", "3.0 h"),
        (86_400 * 2.5, "2,5 ngày", "2.5 days"),
    ],
)
def test_a_span_of_time_is_in_the_unit_that_reads_best(seconds: float, vi: str, en: str) -> None:
    assert titles.duration(seconds) == (vi, en)


@pytest.mark.parametrize("value", [None, "4", True, [1]])
def test_what_is_no_figure_is_not_written(value: object) -> None:
    assert titles.number(value) is None
    assert titles.duration(value) is None
