"""What is known of the identity provider: its endpoints and its keys, asked for seldom and kept while it is away.

Rules of this file: where keys come from is said by the discovery document of the issuer in the settings and by nothing
else; a token cannot make us ask more often than once a minute; what is older than a day is not used any more.
"""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Any, Self

import structlog
from prometheus_client import Counter, Gauge

from identity.oidc.errors import ProviderFault, ProviderUnavailable
from identity.oidc.jose import Key, KeyRing
from identity.oidc.outbound import Outbound, is_safe

_log = structlog.get_logger(__name__)

_PATH = "/.well-known/openid-configuration"
_FRESH_SECONDS, _KEPT_SECONDS = 3600.0, 86_400.0
# Between two attempts, where something is known, and where nothing is.
_PAUSE_SECONDS, _FIRST_PAUSE_SECONDS = 60.0, 5.0

ASKED = Counter("quantrac_provider_asked_total", "Times the identity provider was asked for its keys.", ["outcome"])
AGE = Gauge("quantrac_provider_keys_age_seconds", "Age of what is known of the identity provider's keys.")


@dataclass(frozen=True, slots=True)
class Metadata:
    """Of the discovery document, what is used here.

    names_itself: it says who it is where it sends people back (RFC 9207); secret_in_body: it takes the client's secret
    in no other place.
    """

    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    end_session_endpoint: str | None
    names_itself: bool
    secret_in_body: bool

    @classmethod
    def of(cls, document: dict[str, Any], issuer: str) -> "Metadata":
        """Raises ProviderFault where the document is another issuer's, or lacks what is needed."""
        if document.get("issuer") != issuer:
            raise ProviderFault("its discovery document names another issuer")
        addresses = {}
        for name in ("authorization_endpoint", "token_endpoint", "jwks_uri", "end_session_endpoint"):
            address = document.get(name)
            if address is None and name == "end_session_endpoint":
                continue
            if not isinstance(address, str) or not is_safe(address, like=issuer):
                raise ProviderFault(f"its {name} is missing, or neither https nor on this machine")
            addresses[name] = address
        if "S256" not in document.get("code_challenge_methods_supported", ["S256"]):
            raise ProviderFault("it does not know PKCE with S256")
        methods = document.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        return cls(
            authorization_endpoint=addresses["authorization_endpoint"],
            token_endpoint=addresses["token_endpoint"],
            jwks_uri=addresses["jwks_uri"],
            end_session_endpoint=addresses.get("end_session_endpoint"),
            names_itself=document.get("authorization_response_iss_parameter_supported") is True,
            secret_in_body="client_secret_basic" not in methods and "client_secret_post" in methods,
        )


@dataclass(frozen=True, slots=True)
class Known:
    metadata: Metadata
    keys: KeyRing
    at: float


@dataclass(frozen=True, slots=True)
class Told:
    """What the provider says of itself, and its clock where it tells the time."""

    metadata: Metadata
    keys: KeyRing
    date: datetime | None


async def ask(outbound: Outbound, issuer: str) -> Told:
    """The provider's endpoints and keys as it tells them now. Raises ProviderFault."""
    answer = await outbound.get(issuer.rstrip("/") + _PATH)
    metadata = Metadata.of(answer.document, issuer)
    try:
        keys = KeyRing.of((await outbound.get(metadata.jwks_uri)).document)
    except ValueError as error:
        raise ProviderFault(f"its keys are {error}") from None
    if not keys:
        raise ProviderFault("it has no key of a kind that is taken")
    return Told(metadata, keys, answer.date)


class Provider:
    """Use as an async context manager: keys are then asked for in the background, before somebody needs them."""

    def __init__(self, issuer: str, outbound: Outbound, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.issuer = issuer
        self.outbound = outbound
        self._clock = clock
        self._known: Known | None = None
        self._tried: float | None = None
        self._asking = asyncio.Lock()
        self._keeper: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._keeper = asyncio.create_task(self._keep(), name="identity-provider")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._keeper is not None:
            self._keeper.cancel()
            with suppress(asyncio.CancelledError):
                await self._keeper

    async def metadata(self) -> Metadata:
        """Raises ProviderUnavailable."""
        return (await self._usable()).metadata

    async def key(self, key_id: str | None, algorithm: str) -> Key | None:
        """The key that a token names, if the provider has it. Raises ProviderUnavailable."""
        known = await self._usable()
        found = known.keys.find(key_id, algorithm)
        if found is None and await self._refresh():
            found = (await self._usable()).keys.find(key_id, algorithm)
        return found

    async def _usable(self) -> Known:
        if self._age() > _KEPT_SECONDS:
            await self._refresh()
        if self._known is None or self._age() > _KEPT_SECONDS:
            raise ProviderUnavailable.now(int(_FIRST_PAUSE_SECONDS))
        return self._known

    def _age(self) -> float:
        return float("inf") if self._known is None else self._clock() - self._known.at

    async def _refresh(self) -> bool:
        """Ask the provider, unless somebody did a moment ago; whether something is known that was not before."""
        before = self._known
        async with self._asking:
            pause = _FIRST_PAUSE_SECONDS if self._age() > _KEPT_SECONDS else _PAUSE_SECONDS
            if self._tried is None or self._clock() - self._tried >= pause:
                self._tried = self._clock()
                await self._ask()
        return self._known is not before

    async def _ask(self) -> None:
        try:
            told = await ask(self.outbound, self.issuer)
        except ProviderFault as fault:
            ASKED.labels("failed").inc()
            _log.warning("provider.unavailable", issuer=self.issuer, reason=str(fault))
        else:
            ASKED.labels("answered").inc()
            self._known = Known(told.metadata, told.keys, self._clock())

    async def _keep(self) -> None:
        """Ask again before what is known is old; after a failure sooner."""
        while True:
            if self._age() >= _FRESH_SECONDS:
                await self._refresh()
            AGE.set(self._age())
            await asyncio.sleep(_PAUSE_SECONDS if self._known is not None else _FIRST_PAUSE_SECONDS)
