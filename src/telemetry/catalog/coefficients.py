"""How a station's coefficients turn the base value of a rule set into its limit. Pure."""

from collections.abc import Mapping
from decimal import Decimal


def effective(base: float | None, coefficients: Mapping[str, float]) -> float | None:
    """Base value times all coefficients, in decimals: 100 × 0.9 × 1.1 is 99 and not 99.00000000000001."""
    if base is None:
        return None
    product = Decimal(repr(base))
    for coefficient in coefficients.values():
        product *= Decimal(repr(coefficient))
    return float(product)
