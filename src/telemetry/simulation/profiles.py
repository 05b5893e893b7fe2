"""What the properties of each station kind usually look like: level, course of the day, scatter and decimals.

Levels are those of plants that mostly keep QCVN 40:2011 column A, 19:2009 column B and 05:2023: invented, not measured.
"""

from dataclasses import dataclass
from enum import Enum

import numpy as np

from telemetry.catalog.snapshot import fold
from telemetry.readings import Floats


class Curve(Enum):
    """Courses of a day: per cent at the full hours of local time."""

    FLAT = "100 " * 24
    SHIFTS = "35 30 30 30 32 40 60 85 95 100 100 90 75 85 97 100 97 88 75 65 60 52 45 40"
    TRAFFIC = "30 22 20 20 28 50 85 100 90 70 58 55 52 50 52 60 78 95 100 90 75 60 48 38"
    SUN = "0 0 0 0 0 0 8 25 46 68 86 97 100 97 86 68 46 25 8 0 0 0 0 0"
    OZONE = "20 18 16 15 14 13 14 20 34 53 74 90 100 100 95 85 70 54 42 35 30 27 24 22"
    WARMTH = "28 20 14 8 3 0 5 18 36 55 72 86 95 100 98 92 82 70 60 53 47 42 37 32"

    def at(self, local_hour: Floats) -> Floats:
        """Relative level, 0 to 1, at hours of local time."""
        shares = np.array(self.value.split(), np.float64) / 100.0
        found: Floats = np.interp(local_hour, np.arange(25), np.append(shares, shares[0]))
        return found


@dataclass(frozen=True, slots=True)
class Profile:
    """How one property behaves.

    level: value when curve and load are at 1; swing: the share of it that the curve takes away at 0.
    load: the share that follows the plant's load (negative: falls when the load rises).
    scatter, drift: standard deviations, as shares of the level, of the noise of minutes and of that of a day.
    rests: how much of the level is left on a Sunday. hold: cycles for which a slow analyser repeats its last result.
    """

    level: float
    curve: Curve = Curve.FLAT
    swing: float = 0.0
    load: float = 0.0
    scatter: float = 0.05
    drift: float = 0.05
    rests: float = 1.0
    hold: int = 1
    decimals: int = 2
    least: float = 0.0
    most: float = float("inf")


_WASTEWATER = {
    "Flow": Profile(39, Curve.SHIFTS, 0.75, scatter=0.06, rests=0.45),
    "Flowin": Profile(42, Curve.SHIFTS, 0.8, scatter=0.09, rests=0.4),
    "FlowOut": Profile(39, Curve.SHIFTS, 0.75, scatter=0.06, rests=0.45),
    "pH": Profile(7.2, scatter=0.01, drift=0.012),
    "Temp": Profile(30, Curve.WARMTH, 0.1, scatter=0.006, drift=0.03),
    "TSS": Profile(24, Curve.SHIFTS, 0.3, scatter=0.1, drift=0.15),
    "COD": Profile(38, Curve.SHIFTS, 0.25, scatter=0.08, drift=0.14, hold=3),
    "NH4": Profile(2.6, Curve.SHIFTS, 0.3, scatter=0.09, drift=0.18, hold=6),
    "TN": Profile(13, Curve.SHIFTS, 0.2, scatter=0.06, drift=0.12, hold=6),
    "TP": Profile(1.7, Curve.SHIFTS, 0.2, scatter=0.06, drift=0.12, hold=6, decimals=3),
    "TOC": Profile(14, Curve.SHIFTS, 0.2, scatter=0.06, drift=0.12, hold=3),
    "Color": Profile(28, scatter=0.06, drift=0.12),
    "Cl": Profile(0.45, scatter=0.15, drift=0.15, decimals=3),
    "BOD5": Profile(16, Curve.SHIFTS, 0.25, scatter=0.08, drift=0.14, hold=6),
    "COND": Profile(1_150, Curve.SHIFTS, 0.1, scatter=0.015, drift=0.05, decimals=0),
    "TURB": Profile(12, Curve.SHIFTS, 0.3, scatter=0.12, drift=0.15),
    "NO3-N": Profile(6, scatter=0.06, drift=0.12),
    "DO": Profile(4.8, Curve.WARMTH, -0.1, scatter=0.04, drift=0.08),
}
_FLUE_GAS = {
    "Flow": Profile(61_000, load=0.75, scatter=0.015, drift=0.02, decimals=1),
    "Temp": Profile(146, load=0.25, scatter=0.008, drift=0.02, decimals=1),
    "P": Profile(100.8, scatter=0.0008, drift=0.002),
    "O2": Profile(8.2, load=-0.3, scatter=0.02, drift=0.03),
    "PM": Profile(48, load=0.6, scatter=0.1, drift=0.12),
    "SO2": Profile(125, load=0.6, scatter=0.08, drift=0.12),
    "NOx": Profile(230, load=0.5, scatter=0.05, drift=0.08),
    "NO": Profile(205, load=0.5, scatter=0.05, drift=0.08),
    "NO2": Profile(22, load=0.5, scatter=0.08, drift=0.08),
    "CO": Profile(140, load=-0.35, scatter=0.12, drift=0.12),
    "HCl": Profile(9, load=0.5, scatter=0.12, drift=0.12),
    "HF": Profile(1.4, load=0.4, scatter=0.12, drift=0.12, decimals=3),
    "H2S": Profile(1.1, load=0.3, scatter=0.15, drift=0.15, decimals=3),
    "NH3": Profile(4, load=0.4, scatter=0.12, drift=0.12),
    "RH": Profile(9, load=0.2, scatter=0.03, drift=0.05),
}
_AMBIENT = {
    "SO2": Profile(22, Curve.TRAFFIC, 0.5, scatter=0.15, drift=0.25),
    "NO2": Profile(42, Curve.TRAFFIC, 0.7, scatter=0.12, drift=0.2, rests=0.75),
    "NO": Profile(14, Curve.TRAFFIC, 0.8, scatter=0.2, drift=0.25, rests=0.7),
    "NOx": Profile(60, Curve.TRAFFIC, 0.7, scatter=0.12, drift=0.2, rests=0.75),
    "CO": Profile(1_900, Curve.TRAFFIC, 0.6, scatter=0.08, drift=0.15, rests=0.8),
    "O3": Profile(92, Curve.OZONE, 0.85, scatter=0.05, drift=0.15),
    "PM10": Profile(66, Curve.TRAFFIC, 0.45, scatter=0.08, drift=0.2),
    "PM2.5": Profile(34, Curve.TRAFFIC, 0.4, scatter=0.08, drift=0.22),
    "TSP": Profile(110, Curve.TRAFFIC, 0.45, scatter=0.08, drift=0.2),
    "Temp": Profile(31, Curve.WARMTH, 0.24, scatter=0.006, drift=0.05),
    "RH": Profile(58, Curve.WARMTH, -0.5, scatter=0.01, drift=0.05, most=99.0),
    "P": Profile(1009, scatter=0.0004, drift=0.003),
    "WindSpeed": Profile(2.4, Curve.WARMTH, 0.5, scatter=0.3, drift=0.2),
    "WindDir": Profile(150, scatter=0.25, drift=0.3, most=359.9),
    "Radiation": Profile(780, Curve.SUN, 1.0, scatter=0.05, drift=0.03, least=-2.0),
    "TempIn": Profile(26, scatter=0.004, drift=0.01),
    "Benzene": Profile(2.1, Curve.TRAFFIC, 0.6, scatter=0.2, drift=0.2),
    "Toluene": Profile(6.5, Curve.TRAFFIC, 0.6, scatter=0.2, drift=0.2),
    "mpXylene": Profile(3.2, Curve.TRAFFIC, 0.6, scatter=0.2, drift=0.2),
    "VinylChloride": Profile(0.03, scatter=0.3, drift=0.3, decimals=3),
    "Hg": Profile(2.4, scatter=0.1, drift=0.15),
    "VHg": Profile(2.4, scatter=0.1, drift=0.15),
}
_GROUNDWATER = {
    "Temp": Profile(26.4, scatter=0.002, drift=0.004),
    "pH": Profile(6.9, scatter=0.006, drift=0.01),
    "COND": Profile(480, scatter=0.006, drift=0.02, decimals=0),
    "TDS": Profile(310, scatter=0.006, drift=0.02, decimals=0),
}
_BY_KIND = {"wastewater": _WASTEWATER, "flue_gas": _FLUE_GAS, "ambient": _AMBIENT, "groundwater": _GROUNDWATER}
# Other spellings of the same property in the catalogue.
_SAME = {
    "flow_out": "FlowOut",
    "flow_in": "Flowin",
    "amoni": "NH4",
    "nh4-n": "NH4",
    "nh4+": "NH4",
    "humidity": "RH",
    "pressure": "P",
    "pm2,5": "PM2.5",
    "dust": "PM",
    "ec": "COND",
    "colour": "Color",
}
_PROFILES = {
    kind: {fold(symbol): profile for symbol, profile in profiles.items()} for kind, profiles in _BY_KIND.items()
}


def canonical(symbol: str) -> str:
    """The folded name under which a property's profile stands."""
    # The catalogue tells concentrations in air from those in stacks by an ending.
    folded = fold(symbol).removesuffix("-air")
    return fold(_SAME.get(folded, folded))


def profile_of(kind: str, symbol: str) -> Profile | None:
    """How the property behaves at stations of the kind; None where nothing is known of it."""
    return _PROFILES.get(kind, {}).get(canonical(symbol))
