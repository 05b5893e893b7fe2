"""What JSON bodies have in common: camelCase members, no unknown members, instants with an offset."""

import re
from datetime import datetime
from typing import Annotated, Any

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict
from pydantic.alias_generators import to_camel


def _of_our_time(instant: datetime) -> datetime:
    """At the ends of what a datetime can hold, a change of zone or the database fails."""
    if not 1900 <= instant.year <= 2200:
        raise ValueError("not between the years 1900 and 2200")
    return instant


# Date, time and offset; a number is no instant, nor is its text.
_RFC3339 = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}")


def _written_out(value: Any) -> Any:
    if isinstance(value, datetime) or (isinstance(value, str) and _RFC3339.match(value)):
        return value
    raise ValueError("an RFC 3339 time with an offset is expected, such as 2026-11-23T08:00:00+07:00")


Instant = Annotated[AwareDatetime, AfterValidator(_of_our_time), BeforeValidator(_written_out)]


def _digits(value: Any) -> Any:
    """Text of addresses, queries and tables is read; `1.0`, `1_000` and booleans are no whole numbers."""
    if isinstance(value, bool) or (isinstance(value, str) and not re.fullmatch(r"[+-]?[0-9]+", value.strip())):
        raise ValueError("a whole number in digits is expected")
    return value


def _no_boolean(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("a number is expected")  # noqa: TRY004 - pydantic passes a TypeError on
    return value


def _no_number(value: Any) -> Any:
    if isinstance(value, int | float) and not isinstance(value, bool):
        raise ValueError("true or false is expected")  # noqa: TRY004 - pydantic passes a TypeError on
    return value


# What is sent to us: Python takes true for 1 and 1 for true, and we do not.
WholeNumber = Annotated[int, BeforeValidator(_digits)]
Number = Annotated[float, BeforeValidator(_no_boolean)]
YesOrNo = Annotated[bool, BeforeValidator(_no_number)]

# In a query a plus sign means a space; who forgets to write %2B means a plus all the same.
_OFFSET_WITH_SPACE = re.compile(r" (?=\d\d:?\d\d$)")


def _with_plus(value: Any) -> Any:
    return _OFFSET_WITH_SPACE.sub("+", value) if isinstance(value, str) else value


QueryInstant = Annotated[Instant, BeforeValidator(_with_plus)]


class Body(BaseModel):
    """A JSON object at the edge: snake_case in Python, camelCase on the wire."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
        serialize_by_alias=True,
        extra="forbid",
        frozen=True,
        allow_inf_nan=False,
    )
