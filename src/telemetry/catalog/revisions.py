"""How edits of the catalogue are made on a known revision: nobody overwrites what they have not seen."""

from typing import Any, TypeVar

from pydantic import ValidationError

from core.wire import Body
from telemetry.catalog import errors

# The revisions that an edit may be made on; None is any: `If-Match: *`, and the command line, which reads and writes in
# one step.
Expected = frozenset[int] | None

Whole = TypeVar("Whole", bound=Body)


def check(current: int, expected: Expected) -> None:
    """Raise RevisionMoved unless the current revision is one of the expected."""
    if expected is not None and current not in expected:
        raise errors.RevisionMoved(
            f"The revision is {current}; read the resource again and repeat the edit on it.",
            extra={"revision": current},
        )


def merged(kind: type[Whole], current: Body, edit: Body, **worked_out: Any) -> Whole:
    """The whole after an edit, under the same rules as a new one; what the edit leaves out stays as it is."""
    kept = {name: getattr(current, name) for name in kind.model_fields if name in type(current).model_fields}
    given = {name: getattr(edit, name) for name in edit.model_fields_set}
    try:
        return kind.model_validate(kept | worked_out | given)
    except ValidationError as failure:
        raise errors.NotSuitable.because(failure) from failure
