"""What can be wrong with a request about the catalogue.

Error
├── Invalid ── NotSuitable, ConversionUnknown, ImportRefused
├── NotFound ── OrganizationNotFound, StationNotFound, ObservedPropertyNotFound, DatastreamNotFound, RuleSetNotFound,
│               LimitNotFound, KeyNotFound
└── Conflict ── Taken, SpellingTaken, StationRetired, PropertyInUse, LimitExists, LimitComputed, TooManyKeys,
                KeyRevoked
"""

from collections.abc import Iterable, Sequence

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from core import errors
from telemetry.catalog.schemas.fields import MembersDisagree


class NotSuitable(errors.Invalid):
    slug = "invalid-catalog-entry"
    title = "The catalogue cannot take this"

    @classmethod
    def because(cls, failure: ValidationError) -> "NotSuitable":
        faults = faults_of(failure)
        return cls(f"Not valid: {', '.join(fault.field for fault in faults)}.", faults=faults)


class ConversionUnknown(errors.Invalid):
    slug = "conversion-unknown"
    title = "The conversion to the kept unit is not known"


class ImportRefused(errors.Invalid):
    slug = "import-refused"
    title = "The file was not imported"


class OrganizationNotFound(errors.NotFound):
    slug = "organization-not-found"
    title = "No such organization"


class StationNotFound(errors.NotFound):
    slug = "station-not-found"
    title = "No such station"


class ObservedPropertyNotFound(errors.NotFound):
    slug = "observed-property-not-found"
    title = "No such observed property"


class DatastreamNotFound(errors.NotFound):
    slug = "datastream-not-found"
    title = "No such datastream"


class RuleSetNotFound(errors.NotFound):
    slug = "rule-set-not-found"
    title = "No such rule set"


class LimitNotFound(errors.NotFound):
    slug = "limit-not-found"
    title = "No such limit"


class KeyNotFound(errors.NotFound):
    slug = "station-key-not-found"
    title = "The station has no such key"


class Taken(errors.Conflict):
    slug = "already-taken"
    title = "Another entry of the catalogue has this already"

    @classmethod
    def by_another(cls, field: str, found: str) -> "Taken":
        fault = errors.Fault(field, errors.shown(found), "a value that no other entry has")
        return cls(f"{field} {errors.shown(found)} is taken.", faults=[fault])


class SpellingTaken(errors.Conflict):
    slug = "spelling-taken"
    title = "The station has another datastream of this name"

    @classmethod
    def by(cls, clashes: Sequence[tuple[str, str]]) -> "SpellingTaken":
        """`clashes` are (spelling, symbol of the datastream that has it)."""
        faults = [
            errors.Fault("aliases", errors.shown(spelling), f"a spelling that is not already one of {symbol}")
            for spelling, symbol in clashes
        ]
        return cls("A spelling must lead to one datastream.", faults=faults)


class StationRetired(errors.Conflict):
    slug = "station-retired"
    title = "The station is retired"


class PropertyInUse(errors.Conflict):
    slug = "observed-property-in-use"
    title = "The observed property is in use"


class LimitExists(errors.Conflict):
    slug = "limit-exists"
    title = "A limit begins at the same moment"


class LimitComputed(errors.Conflict):
    slug = "limit-computed"
    title = "The bounds of this limit come from a rule set"


class TooManyKeys(errors.Conflict):
    slug = "too-many-keys"
    title = "The station has two live keys"


class KeyRevoked(errors.Conflict):
    slug = "station-key-revoked"
    title = "The key was revoked"


def not_found(
    kind: type[errors.NotFound], field: str, found: object, *, expected: str = "one of the catalogue"
) -> errors.NotFound:
    fault = errors.Fault(field, errors.shown(found), expected)
    return kind(f"There is no {field} {errors.shown(found)}.", faults=[fault])


def faults_of(failure: ValidationError) -> list[errors.Fault]:
    """Pydantic's findings in the words of this service; one about several members names them all."""
    return [_fault(finding) for finding in failure.errors(include_url=False)]


def _fault(finding: ErrorDetails) -> errors.Fault:
    where = [str(part) for part in finding["loc"]]
    expected = finding["msg"].removeprefix("Value error, ")
    cause = finding.get("ctx", {}).get("error")
    if isinstance(cause, MembersDisagree):
        names = ", ".join(".".join([*where, name]) for name in cause.members)
        found = ", ".join(f"{name} {'null' if value is None else value}" for name, value in cause.members.items())
        return errors.Fault(names, errors.shown(found), expected)
    return errors.Fault(".".join(where), errors.shown(finding.get("input")), expected)


def refused(faults: Iterable[errors.Fault], *, shown_at_most: int = 1000) -> ImportRefused:
    """One error for everything that is wrong with a file."""
    found = list(faults)
    cut = f" The first {shown_at_most} are shown." if len(found) > shown_at_most else ""
    return ImportRefused(
        f"{len(found)} {'fault' if len(found) == 1 else 'faults'} found; nothing was changed.{cut}",
        faults=found[:shown_at_most],
        extra={"faultCount": len(found)},
    )
