"""Serves the pages; they hold no data and ask the API for everything, with the token that the reader enters."""

import re
from importlib.resources import files

from fastapi import APIRouter
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

router = APIRouter()

_FOLDER = files("gateway.pages")
# What several pages have in common stands in a file of its own, which a page names in a comment.
_SHARED = re.compile(r"^<!-- (\w+\.html) -->\n", re.MULTILINE)
_TYPES = {"html": "text/html", "js": "text/javascript", "css": "text/css"}
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}
_PARTS = (
    "page.css",
    "shared.js",
    "frame.js",
    "network.js",
    "keys.js",
    "alerts.js",
    "interface.js",
    "sign-in.js",
    "access.js",
    "account.js",
    "people.js",
)
_PAGES = {
    "/": "network.html",
    "/alerts": "alerts.html",
    "/sign-in": "sign-in.html",
    "/account": "account.html",
    "/people": "people.html",
    "/docs": "interface.html",
    **{f"/pages/{name}": name for name in _PARTS},
}


def _read(name: str) -> str:
    return _FOLDER.joinpath(name).read_text(encoding="utf-8")


class Page:
    """One file, read when the application is made, answered to GET and HEAD."""

    def __init__(self, name: str, path: str) -> None:
        kind = _TYPES[name.rpartition(".")[2]]
        text = _SHARED.sub(lambda found: _read(found[1]), _read(name))
        here = text.replace(f'<a href="{path}" data-word', f'<a href="{path}" aria-current="page" data-word')
        self._response = Response(here, media_type=kind, headers=_HEADERS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._response(scope, receive, send)


router.routes.extend(Route(path, Page(name, path), methods=["GET", "HEAD"]) for path, name in _PAGES.items())
