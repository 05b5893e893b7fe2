"""Correction to a reference oxygen, and units by molar mass, against hand-calculated values and a plain oracle."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry.quality import reference

_ANY = st.one_of(st.floats(allow_nan=True, allow_infinity=True), st.floats(-10, 30))


def _plain(value: float, oxygen: float, at: float, guard: float) -> float | None:
    """The rule as one reads it, one number at a time."""
    if not math.isfinite(value) or math.isnan(oxygen) or oxygen < 0 or oxygen >= 20.9 or oxygen > 20.9 - guard:
        return None
    found = value * ((20.9 - at) / (20.9 - oxygen))
    return found if math.isfinite(found) else None


def _one(value: float, oxygen: float, at: float, **options: float) -> tuple[float, bool]:
    found, defined = reference.corrected(np.array([value]), np.array([oxygen]), at, **options)
    return float(found[0]), bool(defined[0])


def test_a_boiler_at_the_reference_oxygen_keeps_its_concentration() -> None:
    assert _one(118.4, 7.0, 7.0) == (118.4, True)


def test_thinned_gas_is_counted_up_and_rich_gas_down() -> None:
    assert _one(100.0, 13.95, 7.0)[0] == pytest.approx(200.0)
    assert _one(100.0, 0.0, 15.0)[0] == pytest.approx(100 * 5.9 / 20.9)


@pytest.mark.parametrize("oxygen", [math.nan, math.inf, -math.inf, -0.01, 20.41, 20.9, 21.0, 25.0])
def test_oxygen_that_is_unknown_impossible_or_that_of_air_gives_no_number(oxygen: float) -> None:
    found, defined = _one(100.0, oxygen, 7.0)
    assert not defined
    assert math.isnan(found)


def test_the_guard_is_a_margin_below_air_and_may_be_taken_away() -> None:
    assert _one(1.0, 20.4, 7.0)[1]
    assert not _one(1.0, 20.8, 7.0)[1]
    assert _one(1.0, 20.8, 7.0, guard=0)[0] == pytest.approx(139.0)
    assert not _one(1.0, 20.9, 7.0, guard=0)[1]


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 1.7e308])
def test_a_value_that_is_not_finite_or_would_not_be_gives_no_number(value: float) -> None:
    found, defined = _one(value, 18.0, 7.0)
    assert not defined
    assert math.isnan(found)


@pytest.mark.parametrize("at", [-0.1, 20.9, 25.0, math.nan])
def test_a_reference_that_is_no_oxygen_content_below_air_is_refused(at: float) -> None:
    with pytest.raises(ValueError, match="reference oxygen"):
        reference.corrected(np.ones(1), np.ones(1), at)


def test_a_guard_cannot_be_negative() -> None:
    with pytest.raises(ValueError, match="negative"):
        reference.corrected(np.ones(1), np.ones(1), 7.0, guard=-1)


def test_one_oxygen_serves_many_values_and_the_arguments_stay_as_they_were() -> None:
    value, oxygen = np.array([1.0, np.nan, 3.0]), np.array([13.95])
    found, defined = reference.corrected(value, oxygen, 7.0)
    assert defined.tolist() == [True, False, True]
    assert found[[0, 2]] == pytest.approx([2.0, 6.0])
    assert oxygen.tolist() == [13.95]
    assert np.isnan(value[1])


def test_no_values_give_no_values() -> None:
    found, defined = reference.corrected(np.array([]), np.array([]), 7.0)
    assert (found.size, defined.size) == (0, 0)


@given(st.lists(st.tuples(_ANY, _ANY), max_size=20), st.floats(0, 20.8), st.sampled_from([0.0, 0.1, 0.5]))
def test_columns_give_what_a_plain_loop_gives(pairs: list[tuple[float, float]], at: float, guard: float) -> None:
    value, oxygen = np.array([p[0] for p in pairs]), np.array([p[1] for p in pairs])
    found, defined = reference.corrected(value, oxygen, at, guard)
    expected = [_plain(*pair, at, guard) for pair in pairs]
    assert defined.tolist() == [one is not None for one in expected]
    assert [None if math.isnan(one) else one for one in found] == expected


@pytest.mark.parametrize(
    ("symbol", "source", "target", "expected"),
    [
        ("SO2", "mg/m3", "µg/m3", 1000.0),
        ("SO2", "ug/Nm3", "mg/Nm3", 0.001),
        # 1 ppm = molar mass / 24.465 mg/Nm3.
        ("SO2", "ppm", "mg/Nm3", 2.6186),
        ("NO2", "ppm", "mg/Nm3", 1.8804),
        ("NO2-air", "ppb", "µg/m3", 1.8804),
        ("nox", "ppm", "mg/Nm3", 1.8804),
        ("CO", "ppm", "mg/Nm3", 1.1449),
        ("CO", "mg/Nm3", "ppm", 1 / 1.1449),
        ("O3", "ppb", "µg/m3", 1.9618),
        ("O3", "µg/m3", "ppb", 1 / 1.9618),
        ("O3", "ppm", "ppb", 1000.0),
        ("PM", "mg/Nm3", "mg/Nm3", 1.0),
    ],
)
def test_units_of_mass_and_of_volume_are_converted_at_25_degrees(
    symbol: str, source: str, target: str, expected: float
) -> None:
    assert reference.factor(symbol, source, target) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize(
    ("symbol", "source", "target"),
    [
        ("PM", "ppm", "mg/Nm3"),
        ("SO2", "mg/Nm3", "mg/m3"),
        ("SO2", "ppm", "%"),
        ("SO2", "m/s", "ppb"),
        ("Temp", "oC", "K"),
    ],
)
def test_units_without_a_known_factor_give_no_number(symbol: str, source: str, target: str) -> None:
    assert reference.factor(symbol, source, target) is None
    found, defined = reference.converted(np.array([1.0, 2.0]), symbol, source, target)
    assert np.isnan(found).all()
    assert not defined.any()


@given(st.sampled_from(sorted(reference.MOLAR_MASS)), st.sampled_from(["mg/Nm3", "µg/m3", "ng/Nm3", "ppb"]))
def test_there_and_back_is_the_same(symbol: str, unit: str) -> None:
    there, back = reference.factor(symbol, "ppm", unit), reference.factor(symbol, unit, "ppm")
    assert there is not None
    assert back is not None
    assert there * back == pytest.approx(1.0)


def test_values_that_are_not_finite_stay_undefined_in_any_unit() -> None:
    found, defined = reference.converted(np.array([1.0, np.nan, np.inf]), "CO", "mg/m3", "µg/m3")
    assert defined.tolist() == [True, False, False]
    assert found[0] == 1000.0
    assert np.isnan(found[1:]).all()
