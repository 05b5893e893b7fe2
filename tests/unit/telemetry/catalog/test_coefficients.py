"""Base values times coefficients."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry.catalog.coefficients import effective

_COEFFICIENTS = st.dictionaries(st.sampled_from(["Kq", "Kf", "Kp", "Kv"]), st.floats(0.01, 2))


@pytest.mark.parametrize(("base", "limit"), [(100, 99), (150, 148.5), (75.0, 74.25)])
def test_the_product_is_the_one_that_people_work_out(base: float, limit: float) -> None:
    assert 100 * 0.9 * 1.1 > 99
    assert effective(base, {"Kq": 0.9, "Kf": 1.1}) == limit


def test_an_open_side_stays_open() -> None:
    assert effective(None, {"Kq": 0.9}) is None


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_no_coefficient_leaves_the_base_value(base: float) -> None:
    assert effective(base, {}) == base


@given(st.floats(-1e6, 1e6), _COEFFICIENTS)
def test_decimals_change_a_product_by_no_more_than_a_hair(base: float, coefficients: dict[str, float]) -> None:
    found = effective(base, coefficients)
    assert found is not None
    assert math.isclose(found, base * math.prod(coefficients.values()), rel_tol=1e-12, abs_tol=1e-300)
