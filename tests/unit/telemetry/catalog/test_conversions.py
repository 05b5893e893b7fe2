"""Factors from what is reported to what is kept."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry.catalog import conversions

UNITS = sorted(unit for dimension in conversions._DIMENSIONS for unit in dimension)


def test_ammonium_is_kept_as_nitrogen() -> None:
    assert conversions.factor("mg/l", "NH4+", "mg/l") == 14.007 / 18.04


@pytest.mark.parametrize("spelling", ["NH4+", "nh4+", "NH₄⁺", " NH4+ "])
def test_an_ion_is_known_however_its_signs_are_written(spelling: str) -> None:
    assert conversions.factor("mg/l", spelling, "mg/L") == pytest.approx(0.776441, rel=1e-6)


@pytest.mark.parametrize(
    ("reported", "kept", "expected"),
    [
        ("mg/l", "mg/L", 1.0),
        ("µg/m³", "ug/m3", 1.0),
        ("", "mg/l", 1.0),
        ("", "", 1.0),
        ("ug/l", "mg/l", 0.001),
        ("mg/l", "g/m3", 1.0),
        ("mg/m3", "ug/m3", 1000.0),
        ("m3/s", "m3/h", 3600.0),
        ("l/s", "m3/h", 3.6),
        ("m3/d", "m3/h", 1 / 24),
        ("hPa", "kPa", 0.1),
        ("mS/cm", "uS/cm", 1000.0),
        ("cm", "m", 0.01),
    ],
)
def test_units_of_one_dimension_differ_by_a_factor(reported: str, kept: str, expected: float) -> None:
    assert conversions.scale(reported, kept) == expected


@pytest.mark.parametrize(
    ("reported", "kept"),
    [("mg/Nm3", "mg/m3"), ("ppb", "ug/m3"), ("oF", "oC"), ("mg/l", ""), ("m3/h", "mg/l")],
)
def test_what_is_more_than_a_factor_is_not_guessed(reported: str, kept: str) -> None:
    assert conversions.scale(reported, kept) is None
    assert conversions.factor(reported, None, kept) is None


def test_an_unknown_species_has_no_factor() -> None:
    assert conversions.factor("mg/l", "CaCO3", "mg/l") is None


def test_unit_and_species_are_converted_together() -> None:
    assert conversions.factor("ug/l", "NO3-", "mg/l") == pytest.approx(14.007 / 62.004 / 1000)


@given(st.sampled_from(UNITS), st.sampled_from(UNITS))
def test_there_and_back_is_where_it_began(one: str, other: str) -> None:
    there, back = conversions.scale(one, other), conversions.scale(other, one)
    assert (there is None) == (back is None)
    if there is not None and back is not None:
        assert there * back == pytest.approx(1.0)
