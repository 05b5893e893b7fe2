"""Asks who is there before anything of a request is read: a stranger's body costs no memory and tells him nothing.

Whatever the request changes is written down under the name that was found here.
"""

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from core import access, acting, errors, peers, problems, throttling
from core.peers import Networks
from core.rights import Right
from gateway import actors

_GUARDED = "/v1/"
_METRICS = "/metrics"
# What the interface looks like is nobody's business who may not ask it, unless the settings say otherwise.
_INTERFACE = frozenset({"/docs", "/openapi.json"})
_FORBIDDEN = 403

_log = structlog.get_logger(__name__)


_SCRAPER = access.Staff("a network that may read metrics", access.Everywhere(frozenset({Right.SCRAPE})), "program")


class Doorkeeper:
    """Middleware that lets only known callers through to the interface; what they may do there, its routes decide.

    scrapers: networks that may read metrics without a credential.
    """

    def __init__(self, app: ASGIApp, *, public_interface: bool = False, scrapers: Networks | None = None) -> None:
        self._app = app
        self._guarded = frozenset({_METRICS}) | (frozenset() if public_interface else _INTERFACE)
        self._scrapers = scrapers or Networks()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        guarded = self._is_guarded(scope)
        try:
            principal = await self._let_in(scope) if guarded else None
            who = actors.acting_of(scope, actors.NOBODY if principal is None else principal.name)
        except errors.Error as error:
            answer = problems.response(error, scope["path"])
            await answer(scope, receive, send)
            return
        if principal is None:
            with acting.acts(who):
                await self._app(scope, receive, send)
            return
        access.remember(scope, principal)

        async def send_noted(message: Message) -> None:
            if message.get("status") == _FORBIDDEN:
                client, method = peers.client_of(scope), scope["method"]
                _log.warning(
                    "access.denied", principal=principal.name, address=client, method=method, path=scope["path"]
                )
            await send(message)

        with acting.acts(who):
            await self._app(scope, receive, send_noted)

    def _is_guarded(self, scope: Scope) -> bool:
        path = scope["path"]
        if path.startswith(_GUARDED):
            return (scope["method"], path) not in access.OPEN_ROUTES
        return path in self._guarded

    async def _let_in(self, scope: Scope) -> access.Principal:
        if scope["path"] == _METRICS and peers.is_direct(scope) and peers.client_of(scope) in self._scrapers:
            return _SCRAPER
        state = scope["app"].state
        throttle: throttling.Throttle = state.throttle
        principal = await throttle.identified(state.identify, access.presented(scope))
        # Readings do not come this way; what a station sends has a quota of its own.
        throttle.spend(principal.name)
        return principal
