"""The cookie of a session: for this host alone, over TLS alone, and out of reach of scripts.

Browsers take it over plain HTTP from their own machine, too, so that trying out needs no certificate.
"""

from fastapi import Request, Response

from core import peers
from core.access import SESSION_COOKIE, Presented
from identity.sessions.keeping import NewSession
from identity.sessions.signing_in import Browser


def give(response: Response, made: NewSession) -> None:
    """It goes when the browser is closed; the server ends the session in any case."""
    response.set_cookie(SESSION_COOKIE, made.cookie, path="/", secure=True, httponly=True, samesite="lax")
    response.headers["Cache-Control"] = "no-store"


def take(response: Response) -> None:
    response.delete_cookie(SESSION_COOKIE, path="/", secure=True, httponly=True, samesite="lax")


def browser_of(request: Request) -> Browser:
    cookie = request.cookies.get(SESSION_COOKIE) or None
    return Browser(peers.client_of(request.scope), request.headers.get("user-agent"), cookie)


def shown_by(request: Request) -> Presented:
    """What a request shows that needs no credential: enough to see where it was sent from."""
    headers = request.headers
    return Presented(
        method=request.method,
        path=request.url.path,
        host=headers.get("host"),
        origin=headers.get("origin"),
        fetch_site=headers.get("sec-fetch-site"),
    )
