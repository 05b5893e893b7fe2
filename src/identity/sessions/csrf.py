"""Refuses changes that another site makes a browser send with our cookie.

Three things have to hold, each of which would do alone where browsers keep their promises: the page knows a token that
only pages of the session can read, `Origin` names this host, and `Sec-Fetch-Site` says that it was our own page.
"""

import base64
import hashlib
import hmac
from urllib.parse import urlsplit

from core.access import CSRF_HEADER, Presented
from identity.sessions.errors import ForeignRequest

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_PORTS = {"http": 80, "https": 443}


def token_of(cookie: str) -> str:
    """The token of a session: it follows from the cookie, and nothing of the cookie follows from it."""
    made = hmac.digest(cookie.encode("utf-8", "replace"), b"quantrac csrf", hashlib.sha256)
    return base64.urlsafe_b64encode(made).decode().rstrip("=")


def check(presented: Presented) -> None:
    """Raise ForeignRequest where a change with a cookie may come from elsewhere."""
    if presented.method in _SAFE or presented.cookie is None:
        return
    refuse_foreign(presented)
    given = (presented.csrf or "").encode("utf-8", "replace")
    if not hmac.compare_digest(given, token_of(presented.cookie).encode()):
        raise ForeignRequest(f"Send the session's token as `{CSRF_HEADER.title()}`; `GET /session` tells it.")


def refuse_foreign(presented: Presented) -> None:
    """Raise ForeignRequest where the browser says that another site sends this."""
    if presented.fetch_site not in {None, "same-origin"}:
        raise ForeignRequest("Another site sent this request.")
    if presented.origin is not None and not _is_own(presented.origin, presented.host):
        raise ForeignRequest("Another site sent this request.")


def _is_own(origin: str, host: str | None) -> bool:
    """Whether an origin is this host, whichever of the two names the port that its scheme implies."""
    try:
        theirs, ours = urlsplit(origin), urlsplit(f"//{host or ''}")
        implied = _PORTS.get(theirs.scheme)
        same_port = (theirs.port or implied) == (ours.port or implied)
    except ValueError:
        return False
    return implied is not None and same_port and theirs.hostname is not None and theirs.hostname == ours.hostname
