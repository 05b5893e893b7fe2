"""Which rule holds for whom."""

from typing import Any

import pytest
from pydantic import ValidationError

from telemetry.alerts.kinds import KINDS, Kind
from telemetry.alerts.rules import book as rules
from telemetry.alerts.rules.book import Rule


def rule(severity: str = "notice", **members: Any) -> Rule:
    return Rule.model_validate({"kind": "frozen-value", "severity": severity} | members)


def test_there_is_a_rule_for_all_of_every_kind_with_all_parameters() -> None:
    book = rules.book(rules.defaults(), [])
    for kind in Kind:
        found = book.effective(kind, "wastewater", "COD", "TH-NT-001")
        assert set(found.parameters) == {parameter.name for parameter in KINDS[kind].parameters}
        assert found.source


def test_the_rule_that_names_the_most_holds_station_before_property_before_kind_of_station() -> None:
    book = rules.book(
        [rule(), rule("warning", station_kind="wastewater", symbol="COD"), rule("critical", station="S1")], []
    )
    assert book.effective(Kind.FROZEN_VALUE, "wastewater", "pH", "S2").severity == "notice"
    assert book.effective(Kind.FROZEN_VALUE, "wastewater", "COD", "S2").severity == "warning"
    assert book.effective(Kind.FROZEN_VALUE, "ambient", "COD", "S2").severity == "notice"
    assert book.effective(Kind.FROZEN_VALUE, "wastewater", "COD", "S1").severity == "critical"


def test_parameters_that_a_rule_does_not_name_come_from_wider_ones() -> None:
    book = rules.book(
        [rule(parameters={"count": 7, "gapSeconds": 60}), rule(symbol="Flow", parameters={"ignoreZero": 1})],
        [rule(station="S1", parameters={"count": 9})],
    )
    found = book.effective(Kind.FROZEN_VALUE, "wastewater", "Flow", "S1")
    assert found.parameters == {"count": 9, "ignoreZero": 1, "gapSeconds": 60}


def test_a_row_of_the_table_takes_the_place_of_the_default_for_the_same() -> None:
    book = rules.book([rule(parameters={"count": 7})], [rule("critical")])
    found = book.effective(Kind.FROZEN_VALUE)
    assert found.severity == "critical"
    assert found.parameter("count") == 12


@pytest.mark.parametrize(
    "members",
    [{"parameters": {"counts": 3}}, {"parameters": {"count": 1}}, {"hysteresis": 1}, {"raise_after_seconds": -1}],
)
def test_a_rule_with_parameters_that_its_kind_does_not_have_is_refused(members: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        rule(**members)
