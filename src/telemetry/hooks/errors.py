"""What can be wrong with a request about webhooks and about mail alike."""

from typing import TypeVar

from core import errors

Missing = TypeVar("Missing", bound=errors.NotFound)


class FilterUnknown(errors.Invalid):
    slug = "webhook-filter-unknown"
    title = "The filter names what is not in the catalogue"

    @classmethod
    def of(cls, field: str, codes: list[str]) -> "FilterUnknown":
        faults = [errors.Fault(field, errors.shown(code), "a code of the catalogue") for code in codes]
        return cls(f"Not in the catalogue: {errors.shown(', '.join(codes))}.", faults=faults)


def no_such(kind: type[Missing], noun: str, number: int, *, field: str, expected: str) -> Missing:
    """Says which number was asked for."""
    return kind(f"There is no {noun} {number}.", faults=[errors.Fault(field, str(number), expected)])
