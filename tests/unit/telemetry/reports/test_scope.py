"""Spans of reports: months of UTC+7, whole hours, nothing of the future; and how totals and percents are told."""

from datetime import UTC, datetime

import pytest

from core import instants
from core.instants import VIETNAM
from telemetry.reports import scope
from telemetry.reports.days import months
from telemetry.reports.kinds import REPORTS, Kind
from telemetry.reports.parts import Part, Totals, percents
from telemetry.reports.schemas import AnyReport
from telemetry.series.errors import SpanNotValid

NOW = datetime(2026, 11, 23, 3, 17, tzinfo=UTC)


def _local(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=VIETNAM)  # type: ignore[misc,arg-type] # year, month, day, hour


def _span(month: str | None = None, begin: datetime | None = None, end: datetime | None = None) -> tuple[datetime, ...]:
    found = scope.span(month, begin, end, NOW)
    return found.begin, found.end


def test_a_month_is_that_of_vietnam() -> None:
    assert _span("2026-10") == (_local(2026, 10, 1), _local(2026, 11, 1))
    assert _span("2025-12") == (_local(2025, 12, 1), _local(2026, 1, 1))


def test_the_month_that_goes_on_ends_with_the_last_whole_hour() -> None:
    expected = (_local(2026, 11, 1), datetime(2026, 11, 23, 3, tzinfo=UTC))
    assert _span("2026-11") == expected
    assert _span() == expected


def test_a_month_of_the_future_is_empty() -> None:
    begin, end = _span("2026-12")
    assert begin == end


def test_a_span_consists_of_whole_hours() -> None:
    begin, end = datetime(2026, 11, 1, 0, 30, tzinfo=UTC), datetime(2026, 11, 2, 5, 59, tzinfo=UTC)
    assert _span(None, begin, end) == (datetime(2026, 11, 1, 1, tzinfo=UTC), datetime(2026, 11, 2, 5, tzinfo=UTC))


def test_an_end_alone_means_the_month_up_to_it() -> None:
    assert _span(None, None, _local(2026, 9, 15, 8)) == (_local(2026, 9, 1), _local(2026, 9, 15, 8))


@pytest.mark.parametrize(
    ("month", "begin", "end"),
    [
        ("2026-11", _local(2026, 11, 1), None),
        ("2026-11", None, _local(2026, 11, 2)),
        ("2026-13", None, None),
        (None, _local(2026, 11, 2), _local(2026, 11, 1)),
        (None, _local(2026, 11, 2), _local(2026, 11, 2)),
        (None, _local(2025, 1, 1), _local(2026, 11, 1)),
        (None, _local(2027, 1, 1), None),
    ],
)
def test_a_span_that_says_nothing_or_two_things_is_refused(
    month: str | None, begin: datetime | None, end: datetime | None
) -> None:
    with pytest.raises(SpanNotValid):
        _span(month, begin, end)


def test_a_span_is_cut_between_months_of_vietnam() -> None:
    begin, end = instants.to_us(_local(2026, 1, 31, 22)), instants.to_us(_local(2026, 3, 1, 2))
    cut = [(instants.from_us(a), instants.from_us(b)) for a, b in months(begin, end)]
    assert cut == [
        (_local(2026, 1, 31, 22), _local(2026, 2, 1)),
        (_local(2026, 2, 1), _local(2026, 3, 1)),
        (_local(2026, 3, 1), _local(2026, 3, 1, 2)),
    ]
    assert list(months(begin, begin)) == []


def test_a_percent_of_nothing_is_not_applicable_and_nearly_all_is_not_all() -> None:
    shares = {"a": ("part", "whole")}
    assert percents({"part": 0, "whole": 0}, shares) == {"a": None}
    assert percents({"part": 99_999, "whole": 100_000}, shares) == {"a": 99.99}
    assert percents({"part": 3, "whole": 3}, shares) == {"a": 100.0}


def test_totals_add_rows_and_counts_and_take_percents_of_the_sums() -> None:
    totals = Totals(REPORTS[Kind.EXCEEDANCE])
    totals.add(Part([{"exceeded": 0}], {"exceeded": 1, "judged": 3}))
    totals.add(Part([], {"exceeded": 1, "judged": 5, "insufficientData": 2}))
    assert totals.document() == {
        "rows": 1, "exceeded": 2, "judged": 8, "insufficientData": 2, "notJudged": 0, "exceededPercent": 25.0,
    }  # fmt: skip


@pytest.mark.parametrize("kind", Kind)
def test_what_is_described_is_what_is_written(kind: Kind) -> None:
    described = next(
        model for model in AnyReport.__args__ if model.model_fields["report"].annotation.__args__ == (kind.value,)
    )
    row = described.model_fields["items"].annotation.__args__[0]
    assert {field.alias for field in row.model_fields.values()} == set(REPORTS[kind].members)
    total = described.model_fields["total"].annotation
    document = Totals(REPORTS[kind]).document()
    assert {field.alias for field in total.model_fields.values()} == set(document)
    total.model_validate(document)
