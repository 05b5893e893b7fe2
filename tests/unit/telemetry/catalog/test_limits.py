"""Limits from rule sets and permits, before they are kept."""

import pytest
from pydantic import ValidationError

from telemetry.catalog import limits
from telemetry.catalog.schemas.limits import Coefficients, NewLimit, RuleSetApplication
from telemetry.catalog.schemas.rule_sets import BaseLimit, KeptBaseLimit


def base(*, scaled: bool = True, lower: float | None = None, upper: float | None = 75.0) -> KeptBaseLimit:
    return KeptBaseLimit(symbol="COD", unit="mg/l", averaging="24h", lower=lower, upper=upper, scaled=scaled)


def test_coefficients_are_kept_with_the_limit_that_they_made() -> None:
    row = limits.computed(7, base(), {"Kq": 0.9, "Kf": 1.1})
    assert (row.base_upper, row.coefficients, row.upper) == (75.0, {"Kq": 0.9, "Kf": 1.1}, 74.25)


def test_a_limit_that_is_not_scaled_has_no_coefficients() -> None:
    row = limits.computed(7, base(scaled=False, lower=5.5, upper=9.0), {"Kq": 0.9, "Kf": 1.1})
    assert (row.coefficients, row.lower, row.upper) == ({}, 5.5, 9.0)


def test_both_bounds_are_scaled() -> None:
    row = limits.computed(7, base(lower=10.0, upper=20.0), {"Kp": 0.8, "Kv": 1.2})
    assert (row.lower, row.upper) == (9.6, 19.2)


def test_coefficients_are_written_as_the_regulations_write_them() -> None:
    assert Coefficients.model_validate({"Kq": 0.9, "Kf": 1.1}).given() == {"Kq": 0.9, "Kf": 1.1}


@pytest.mark.parametrize(
    "coefficients",
    [{"Kq": 0.9, "Kv": 1.0}, {"Kq": 0}, {"Kf": -1}, {"Kp": 2.5}, {"Kx": 1}, {"kQ": 1}, {"Kq": "nan"}],
)
def test_coefficients_that_no_regulation_has_are_refused(coefficients: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Coefficients.model_validate(coefficients)


def test_a_base_limit_needs_a_bound_and_bounds_in_order() -> None:
    with pytest.raises(ValidationError, match="a lower or an upper bound"):
        BaseLimit(symbol="COD", averaging="24h")
    with pytest.raises(ValidationError, match="lower is expected"):
        BaseLimit(symbol="COD", averaging="24h", lower=2, upper=1)


@pytest.mark.parametrize(
    "valid_from", ["2026-01-01T00:00:00", "0001-01-01T00:00:00+07:00", "9999-12-31T23:59:59Z", "yesterday"]
)
def test_a_limit_begins_at_a_moment_that_exists(valid_from: str) -> None:
    with pytest.raises(ValidationError):
        RuleSetApplication.model_validate({"ruleSet": "X", "validFrom": valid_from})


def test_a_limit_ends_after_it_begins() -> None:
    moment = "2026-01-01T00:00:00+07:00"
    with pytest.raises(ValidationError, match="before validTo"):
        NewLimit.model_validate(
            {
                "station": "NT-001",
                "symbol": "COD",
                "averaging": "24h",
                "upper": 1,
                "legalSource": "permit",
                "confidence": "read",
                "validFrom": moment,
                "validTo": moment,
            }
        )
