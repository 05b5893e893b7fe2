"""The kinds of text, number and time that catalogue bodies are made of, so that every entrance has the same rules."""

import unicodedata
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, StringConstraints

from core.wire import Instant, Number, QueryInstant, WholeNumber

_EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST = datetime(2200, 1, 1, tzinfo=UTC)

# Neither control characters (PostgreSQL refuses NUL, logs and CSV suffer from the rest) nor white space at the ends.
_PLAIN = r"^[^\s\x00-\x1f\x7f]([^\x00-\x1f\x7f]*[^\s\x00-\x1f\x7f])?$"
_PLAIN_OR_EMPTY = r"^([^\s\x00-\x1f\x7f]([^\x00-\x1f\x7f]*[^\s\x00-\x1f\x7f])?)?$"
_NO_SLASH = r"^[^\s/\x00-\x1f\x7f]([^/\x00-\x1f\x7f]*[^\s/\x00-\x1f\x7f])?$"
# A code is an MQTT topic level and a broker subject token: no dot, slash, wildcard or space.
_CODE = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,39}$"
_RULE_SET = r"^[A-Za-z0-9][A-Za-z0-9_.:-]{0,59}$"
_FILE_CODE = r"^[A-Za-z0-9]{1,10}_[A-Za-z0-9]{1,12}_[A-Za-z0-9]{1,12}$"
_KEY_ID = r"^st_[a-z0-9]{8}$"

LARGEST_ID = 2**31 - 1


def tidy(value: Any) -> Any:
    """Text in NFC and without white space around it, as it is kept and compared."""
    return unicodedata.normalize("NFC", value).strip() if isinstance(value, str) else value


def _plausible(instant: datetime) -> datetime:
    if not _EARLIEST <= instant < _LATEST:
        raise ValueError("a time between 1970 and 2200 is expected")
    return instant


class MembersDisagree(ValueError):
    """Members that are right one by one and wrong together; `members` are they as the wire names and writes them."""

    def __init__(self, expected: str, **members: object) -> None:
        super().__init__(expected)
        self.members = members


def check_bounds(lower: float | None, upper: float | None) -> None:
    """MembersDisagree unless at least one side of a limit is there and they are in order."""
    if lower is None and upper is None:
        raise MembersDisagree("a lower or an upper bound is expected", lower=lower, upper=upper)
    if lower is not None and upper is not None and lower > upper:
        raise MembersDisagree("lower is expected to be at most upper", lower=lower, upper=upper)


def absent() -> Any:
    """The default of a member that an edit may leave out and may not set to null; never written."""
    return None


def example(*parts: Mapping[str, Any]) -> ConfigDict:
    """The configuration of a body that has the members of all parts together as its example."""
    members = {name: value for part in parts for name, value in part.items()}
    return ConfigDict(json_schema_extra={"examples": [members]})


Tidy = BeforeValidator(tidy)
Code = Annotated[str, StringConstraints(pattern=_CODE), Tidy]
RuleSetCode = Annotated[str, StringConstraints(pattern=_RULE_SET), Tidy]
FileCode = Annotated[str, StringConstraints(pattern=_FILE_CODE), Tidy, AfterValidator(str.upper)]
KeyId = Annotated[str, StringConstraints(pattern=_KEY_ID)]
Label = Annotated[str, StringConstraints(pattern=_PLAIN, max_length=200), Tidy]
Note = Annotated[str, StringConstraints(pattern=_PLAIN_OR_EMPTY, max_length=500), Tidy]
Source = Annotated[str, StringConstraints(pattern=_PLAIN, max_length=500), Tidy]
District = Annotated[str, StringConstraints(pattern=_PLAIN, max_length=80), Tidy]
Symbol = Annotated[str, StringConstraints(pattern=_NO_SLASH, max_length=60), Tidy]
Alias = Annotated[str, StringConstraints(pattern=_PLAIN, max_length=100), Tidy]
Unit = Annotated[str, StringConstraints(pattern=_PLAIN_OR_EMPTY, max_length=40), Tidy]
Search = Annotated[str, StringConstraints(pattern=_PLAIN, max_length=100), Tidy]
Latitude = Annotated[Number, Field(ge=-90, le=90)]
OxygenReference = Annotated[
    Number,
    Field(ge=0, lt=20.9, description="Oxygen content in % that averages are corrected to before they are judged."),
]
LimitUnit = Annotated[
    str,
    StringConstraints(pattern=_PLAIN, max_length=40),
    Tidy,
    Field(description="The unit that the bounds are written in, where it is not the kept one."),
]
Longitude = Annotated[Number, Field(ge=-180, le=180)]
Identifier = Annotated[WholeNumber, Field(ge=1, le=LARGEST_ID)]
Moment = Annotated[Instant, AfterValidator(_plausible)]
QueryMoment = Annotated[QueryInstant, AfterValidator(_plausible)]
Revision = Annotated[
    int, Field(description="Moves with every edit; the `ETag` of the resource is this number in quotes.")
]

OrganizationKind = Literal["enterprise", "state"]
StationKind = Literal["ambient", "wastewater", "flue_gas", "groundwater"]
StationStatus = Literal["active", "maintenance", "retired"]
DatastreamStatus = Literal["active", "retired"]
Averaging = Literal["instant", "1h", "8h", "24h", "year"]
Basis = Literal["rule_set", "permit"]
