"""Concentrations at a reference oxygen content, and in other units at the reference state of flue gas.

A result that cannot be defined is NaN and told so; nothing here invents a number.
"""

import numpy as np
import numpy.typing as npt

from telemetry.catalog.conversions import scale
from telemetry.catalog.snapshot import fold, fold_unit
from telemetry.readings import Floats

Bools = npt.NDArray[np.bool_]

# Oxygen of dry air in % of its volume, as QCVN 19:2024/BTNMT writes it.
AIR_OXYGEN = 20.9
# Analysers of oxygen in stacks are exact to 0.5 % of the volume: nearer to air than that the denominator is noise and
# the correction without bound, so there is none.
OXYGEN_GUARD = 0.5

# Litres of one mole of an ideal gas at 25 °C and 760 mmHg, the state of a Nm3 in QCVN 19: R T / p.
MOLAR_VOLUME = 8.31446261815324 * 298.15 / 101.325
# Grams of one mole by symbol. NOx is counted as NO2.
MOLAR_MASS = {
    "SO2": 64.066,
    "NO": 30.006,
    "NO2": 46.0055,
    "NOx": 46.0055,
    "CO": 28.010,
    "CO2": 44.009,
    "O3": 47.997,
    "H2S": 34.081,
    "NH3": 17.031,
    "HCl": 36.458,
    "HF": 20.006,
    "CH4": 16.043,
    "Hg": 200.592,
    "VHg": 200.592,
}
# The catalogue's symbols of what is in ambient air, not in a stack.
_IN_AIR = "-air"
_MOLAR_MASS = {fold(symbol): mass for symbol, mass in MOLAR_MASS.items()}
# Parts by volume, as a share of one part per million.
_PARTS = {"ppm": 1.0, "ppb": 1e-3}
# Masses in a volume at that state are told by either sign; `mg/m3` of ambient air is at the same state in QCVN 05.
_PER_VOLUME = ("mg/nm3", "mg/m3")


def corrected(value: Floats, oxygen: Floats, reference: float, guard: float = OXYGEN_GUARD) -> tuple[Floats, Bools]:
    """Each concentration at the reference oxygen, C (20.9 - reference) / (20.9 - measured), and whether it is defined.

    Oxygen is in % of the volume and broadcast against the values. Undefined, with NaN: oxygen that is unknown, is
    negative, or is within `guard` of air or above (`guard` 0 leaves 20.9 itself out); a value that is not finite, or
    would not be.
    Raises ValueError for a reference that is no oxygen content below that of air, and for a negative guard.
    """
    if not 0 <= reference < AIR_OXYGEN:
        raise ValueError(f"a reference oxygen of {reference} % is not from 0 to below {AIR_OXYGEN}")
    if not guard >= 0:
        raise ValueError(f"a guard of {guard} is negative")
    value, oxygen = np.broadcast_arrays(np.asarray(value, np.float64), np.asarray(oxygen, np.float64))
    ceiling = AIR_OXYGEN - guard
    known = (oxygen >= 0) & ((oxygen <= ceiling) if guard else (oxygen < ceiling)) & np.isfinite(value)
    spare = np.where(known, AIR_OXYGEN - oxygen, np.nan)
    with np.errstate(over="ignore"):
        found = np.where(known, value, np.nan) * ((AIR_OXYGEN - reference) / spare)
    defined = np.isfinite(found)
    return np.where(defined, found, np.nan), defined


def factor(symbol: str, source: str, target: str) -> float | None:
    """Factor from one unit of the substance to another; None where it is not known.

    Parts by volume become a mass in a volume, and back, through the molar mass at 25 °C and 760 mmHg. Units without
    parts are those of the catalogue's conversions, in which `mg/Nm3` and `mg/m3` are different things.
    """
    plain = scale(source, target)
    if plain is not None:
        return plain
    source, target = fold_unit(source), fold_unit(target)
    if source in _PARTS and target in _PARTS:
        return _PARTS[source] / _PARTS[target]
    if source in _PARTS:
        mass = _mass_of_a_part(symbol, target)
        return None if mass is None else _PARTS[source] * mass
    if target in _PARTS:
        mass = _mass_of_a_part(symbol, source)
        return None if mass is None else 1 / (mass * _PARTS[target])
    return None


def converted(value: Floats, symbol: str, source: str, target: str) -> tuple[Floats, Bools]:
    """The values in the target unit and whether each is defined; all are NaN where no factor is known."""
    known = factor(symbol, source, target)
    if known is None:
        return np.full(np.shape(value), np.nan), np.zeros(np.shape(value), np.bool_)
    with np.errstate(over="ignore"):
        found = np.asarray(value, np.float64) * known
    defined = np.isfinite(found)
    return np.where(defined, found, np.nan), defined


def _mass_of_a_part(symbol: str, unit: str) -> float | None:
    """One ppm of the substance in the unit of mass in a volume."""
    molar_mass = _MOLAR_MASS.get(fold(symbol).removesuffix(_IN_AIR))
    scales = (scale(per_volume, unit) for per_volume in _PER_VOLUME)
    per_milligram = next((found for found in scales if found is not None), None)
    return None if molar_mass is None or per_milligram is None else molar_mass / MOLAR_VOLUME * per_milligram
