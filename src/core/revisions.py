"""How edits are made on a known revision, so that nobody overwrites what they have not seen: ETags and If-Match."""

import re
from typing import Annotated

from fastapi import Depends, Header, Response

from core import errors

# The revisions that an edit may be made on; None is any: `If-Match: *`, and the command line, which reads and writes in
# one step.
Expected = frozenset[int] | None

_ENTITY_TAG = r'(?:W/)?"?(\d{1,9})"?'
_ENTITY_TAGS = re.compile(rf"\s*{_ENTITY_TAG}(?:\s*,\s*{_ENTITY_TAG})*\s*")


class RevisionMissing(errors.Invalid):
    status = 428
    slug = "revision-missing"
    title = "An edit must say which revision it is made on"


class RevisionUnreadable(errors.Invalid):
    slug = "revision-unreadable"
    title = "If-Match is not an ETag of this service"


class RevisionMoved(errors.PreconditionFailed):
    slug = "revision-moved"
    title = "Somebody else edited this in the meantime"


# What an edit may be refused with beside what is wrong with itself.
EDITS: tuple[type[errors.Error], ...] = (RevisionMissing, RevisionMoved)


def _expected(
    if_match: Annotated[
        str | None,
        Header(
            max_length=500,
            description='The `ETag` that the edit is made on, such as `"3"`; `*` for any. Edits need it.',
            examples=['"1"'],
        ),
    ] = None,
) -> Expected:
    if if_match is None:
        raise RevisionMissing(
            "Send `If-Match` with the ETag that you read, or `*` to overwrite whatever is there.",
            faults=[errors.Fault("If-Match", "nothing", 'an ETag such as "3", or *')],
        )
    if if_match.strip() == "*":
        return None
    if not _ENTITY_TAGS.fullmatch(if_match):
        fault = errors.Fault("If-Match", errors.shown(if_match), 'an ETag such as "3", several of them, or *')
        raise RevisionUnreadable("If-Match cannot be read.", faults=[fault])
    return frozenset(int(number) for number in re.findall(r"\d+", if_match))


IfMatch = Annotated[Expected, Depends(_expected)]


def tag(response: Response, revision: int) -> None:
    response.headers["ETag"] = f'"{revision}"'


def check(current: int, expected: Expected) -> None:
    """Raise RevisionMoved unless the current revision is one of the expected."""
    if expected is not None and current not in expected:
        raise RevisionMoved(
            f"The revision is {current}; read the resource again and repeat the edit on it.",
            extra={"revision": current},
        )
