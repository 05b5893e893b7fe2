"""What can be wrong with a question about series."""

from datetime import datetime

from core import errors, instants


class SelectionUnclear(errors.Invalid):
    slug = "selection-unclear"
    title = "It is not clear which datastreams are meant"


class SpanNotValid(errors.Invalid):
    slug = "span-not-valid"
    title = "The span of time is empty or too long"


def empty_span(begin: datetime, end: datetime) -> SpanNotValid:
    fault = errors.Fault("to", instants.text(end), f"a time after `from`, which is {instants.text(begin)}")
    return SpanNotValid("The span holds no time.", faults=[fault])


def long_span(field: str, found: str, expected: str) -> SpanNotValid:
    return SpanNotValid(
        "The span is too long for this many datastreams.", faults=[errors.Fault(field, found, expected)]
    )
