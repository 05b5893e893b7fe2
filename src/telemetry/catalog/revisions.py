"""How an edit is laid over what is there, and on which revision of it."""

from typing import Any, TypeVar

from pydantic import ValidationError

from core import revisions
from core.wire import Body
from telemetry.catalog import errors

Expected = revisions.Expected
check = revisions.check

Whole = TypeVar("Whole", bound=Body)


def merged(kind: type[Whole], current: Body, edit: Body, **worked_out: Any) -> Whole:
    """The whole after an edit, under the same rules as a new one; what the edit leaves out stays as it is."""
    kept = {name: getattr(current, name) for name in kind.model_fields if name in type(current).model_fields}
    given = {name: getattr(edit, name) for name in edit.model_fields_set}
    try:
        return kind.model_validate(kept | worked_out | given)
    except ValidationError as failure:
        raise errors.NotSuitable.because(failure) from failure
