"""Factors from what an instrument reports to what is kept, where chemistry or the metric system settles them.

Units are compared as `snapshot.fold_unit` writes them. Only units that differ by a factor are here: no temperature
scales, and no ppb, which needs a temperature and a pressure. `mg/Nm3` and `mg/m3` are different things.
"""

from fractions import Fraction

from telemetry.catalog.snapshot import fold, fold_unit

_CONCENTRATION = {
    "g/l": Fraction(1000),
    "mg/l": Fraction(1),
    "ug/l": Fraction(1, 10**3),
    "ng/l": Fraction(1, 10**6),
    "g/m3": Fraction(1),
    "mg/m3": Fraction(1, 10**3),
    "ug/m3": Fraction(1, 10**6),
    "ng/m3": Fraction(1, 10**9),
}
_STANDARD_CONCENTRATION = {
    "g/nm3": Fraction(1000),
    "mg/nm3": Fraction(1),
    "ug/nm3": Fraction(1, 10**3),
    "ng/nm3": Fraction(1, 10**6),
}
_FLOW = {
    "m3/h": Fraction(1),
    "m3/s": Fraction(3600),
    "m3/min": Fraction(60),
    "m3/d": Fraction(1, 24),
    "m3/day": Fraction(1, 24),
    "l/s": Fraction(36, 10),
    "l/min": Fraction(6, 100),
    "l/h": Fraction(1, 1000),
}
_PRESSURE = {
    "pa": Fraction(1),
    "hpa": Fraction(100),
    "mbar": Fraction(100),
    "kpa": Fraction(1000),
    "bar": Fraction(100_000),
}
_CONDUCTIVITY = {"us/cm": Fraction(1), "ms/cm": Fraction(1000)}
_LENGTH = {"m": Fraction(1), "cm": Fraction(1, 100), "mm": Fraction(1, 1000)}
_DIMENSIONS = (_CONCENTRATION, _STANDARD_CONCENTRATION, _FLOW, _PRESSURE, _CONDUCTIVITY, _LENGTH)

# Molar mass of the element over that of the ion: concentration of the ion -> of the element in it.
_SPECIES = {
    "nh4+": 14.007 / 18.04,
    "no3-": 14.007 / 62.004,
    "no2-": 14.007 / 46.005,
    "po43-": 30.974 / 94.971,
}
_PLAIN_SIGNS = str.maketrans("⁺⁻₂₃₄³", "+-2343", " ^")


def scale(reported: str, kept: str) -> float | None:
    """Factor from one unit to the other; None where it is not known. No unit means the kept one."""
    source, target = fold_unit(reported), fold_unit(kept)
    if source in {"", target}:
        return 1.0
    for dimension in _DIMENSIONS:
        if source in dimension and target in dimension:
            return float(dimension[source] / dimension[target])
    return None


def factor(reported_unit: str, reported_as: str | None, kept_unit: str) -> float | None:
    """Factor from the reported to the kept result; None where it is not known."""
    species = 1.0 if reported_as is None else _SPECIES.get(fold(reported_as).translate(_PLAIN_SIGNS))
    unit = scale(reported_unit, kept_unit)
    return None if species is None or unit is None else species * unit
