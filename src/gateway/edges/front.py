"""What a request passes before anything else: whose it is, which host it asks for, and which site's page sent it."""

from collections.abc import Sequence

from prometheus_client import Counter
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from core import access, errors, exchanges, problems
from core.exchanges import Exchange
from core.peers import Networks, Peers
from gateway.sections import items
from gateway.settings import Settings

MALFORMED = Counter("quantrac_malformed_forwarded_total", "X-Forwarded-For of trusted proxies that could not be read.")
OTHER_HOSTS = Counter("quantrac_other_hosts_total", "Requests for a host that this service does not have.")

# Asked by supervisors and load balancers, under whatever name they know.
_PROBES = frozenset({"/livez", "/readyz"})
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
_SENT = ("Authorization", "Content-Type", "Content-Encoding", "If-Match", "If-None-Match", "Last-Event-ID")
_READ = ("ETag", "Location", "Retry-After", "Content-Disposition", "X-Request-ID")
_PREFLIGHT_SECONDS = 3600


class OtherHost(errors.Error):
    status = 421
    slug = "other-host"
    title = "This service is not the host that was asked for"


def in_front_of(app: ASGIApp, settings: Settings) -> ASGIApp:
    """The application behind what the settings ask for; itself where they ask for nothing, so that nothing is paid."""
    http = settings.http
    if origins := items(http.origins):
        # The cookie of a session is never sent from another site: whoever asks from there brings a token.
        app = CORSMiddleware(
            app,
            allow_origins=origins,
            allow_methods=_METHODS,
            allow_headers=(*_SENT, access.CSRF_HEADER),
            expose_headers=_READ,
            allow_credentials=False,
            max_age=_PREFLIGHT_SECONDS,
        )
    if hosts := items(http.hosts):
        app = Hosts(app, hosts)
    trusted = Networks(http.trusted_proxies)
    return Clients(app, Peers(trusted, MALFORMED.inc)) if trusted else app


class Clients:
    """Middleware that puts the client's address in the place of the proxy's."""

    def __init__(self, app: ASGIApp, peers: Peers) -> None:
        self._app = app
        self._take = exchanges.taker(app)
        self._peers = peers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            self._peers.settle(scope)
        await self._app(scope, receive, send)

    def take(self, exchange: Exchange) -> bool:
        """The short way; who is behind a proxy is settled once, whatever way is gone then."""
        if self._take is None:
            return False
        self._peers.settle(exchange.scope)
        return self._take(exchange)


class Hosts:
    """Middleware that answers 421 to a request for any other host: a page of another site cannot pass for one of ours.

    A name is compared without its port.
    """

    def __init__(self, app: ASGIApp, names: Sequence[str]) -> None:
        self._app = app
        self._take = exchanges.taker(app)
        self._names = frozenset(name.lower().encode() for name in names)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in _PROBES or self._is_ours(scope):
            await self._app(scope, receive, send)
            return
        OTHER_HOSTS.inc()
        error = OtherHost("Ask for a host that the setting QUANTRAC_HTTP__HOSTS names.")
        await problems.response(error, scope["path"])(scope, receive, send)

    def take(self, exchange: Exchange) -> bool:
        """The short way, for a host of ours."""
        return self._take is not None and self._is_ours(exchange.scope) and self._take(exchange)

    def _is_ours(self, scope: Scope) -> bool:
        given = [value for name, value in scope["headers"] if name == b"host"]
        return len(given) == 1 and _without_port(given[0].lower()) in self._names


def _without_port(host: bytes) -> bytes:
    if host.startswith(b"["):
        return host.partition(b"]")[0] + b"]"
    return host.partition(b":")[0]
