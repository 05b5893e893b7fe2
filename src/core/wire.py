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


Instant = Annotated[AwareDatetime, AfterValidator(_of_our_time)]

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
