"""Who acts in a request, from where and why, as the trail writes it beside what the request changes."""

from urllib.parse import unquote

from starlette.types import Scope

from core import errors, peers
from core.acting import LONGEST_REASON, Acting

REASON_HEADER = "quantrac-reason"
NOBODY = "nobody"


class ReasonNotValid(errors.Invalid):
    slug = "reason-not-valid"
    title = "The reason in the header cannot be written down"


def acting_of(scope: Scope, name: str) -> Acting:
    """Raises ReasonNotValid."""
    return Acting(name, peers.client_of(scope), _reason(dict(scope["headers"]).get(REASON_HEADER.encode())))


def _reason(given: bytes | None) -> str:
    """A header takes ASCII alone, so a reason comes percent-encoded, as UTF-8."""
    if given is None:
        return ""
    try:
        text = unquote(given.decode("ascii"), errors="strict").strip()
    except UnicodeDecodeError:
        text = "\0"
    if len(text) > LONGEST_REASON or not text.isprintable():
        expected = f"one line of at most {LONGEST_REASON} characters, percent-encoded as UTF-8"
        fault = errors.Fault("header.Quantrac-Reason", errors.shown(given.decode("latin-1")), expected)
        raise ReasonNotValid(f"The header Quantrac-Reason takes {expected}.", faults=[fault])
    return text
