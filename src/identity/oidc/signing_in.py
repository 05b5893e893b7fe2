"""Signs people in with the provider: Authorization Code with PKCE, bound to the browser that began it.

Rules of this file: a sign-in is ended once, by the browser that began it, within minutes, with an answer of this
provider to this very question; where the browser goes afterwards is a path of this service.
"""

import base64
import hashlib
import re
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode, urlsplit, urlunsplit

import structlog
from prometheus_client import Counter

from core import peers
from core.acting import Acting, acts
from core.database import Database
from core.rates import Rate
from identity.oidc import admitting, claims, jose, store
from identity.oidc.admitting import ACTOR, Admission
from identity.oidc.claims import Expected
from identity.oidc.errors import Hindrance, NotAdmitted, ProviderFault, ProviderUnavailable, TokenRefused
from identity.oidc.outbound import Answer
from identity.oidc.provider import Metadata, Provider
from identity.oidc.store import Attempt
from identity.people.store import PersonRow

_log = structlog.get_logger(__name__)

# A path and a query of this service; nothing that a browser could read as another host.
_STEP = "[A-Za-z0-9_~.%-]+"
_PATH = re.compile(rf"/(?:{_STEP}(?:/{_STEP})*/?)?(?:\?[A-Za-z0-9_~.%=&+,-]*)?")
_MOST_PATH = 500
_HOME = "/"
# Of one address, or one network of IPv6: a whole office at the beginning of its day.
MOST_BEGUN_A_MINUTE = 60
# The types that providers sign ID and logout tokens with.
_ID_TYPES = frozenset({None, "jwt"})
_LOGOUT_TYPES = frozenset({None, "jwt", "logout+jwt"})
_DAY = 86_400

SIGN_INS = Counter("quantrac_provider_sign_ins_total", "Sign-ins with the identity provider.", ["outcome"])


@dataclass(frozen=True, slots=True)
class Client:
    """What this service is at the provider. acr: one of them, amr: all of them, where they are asked for."""

    id: str
    secret: str | None = field(repr=False)
    base_url: str
    scopes: str = "openid profile email"
    acr: tuple[str, ...] = ()
    amr: frozenset[str] = frozenset()

    @property
    def callback(self) -> str:
        return f"{self.base_url}/sign-in/oidc/callback"


@dataclass(frozen=True, slots=True)
class Begun:
    """Where to send the browser, and what it has to keep."""

    location: str
    browser: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Arrived:
    """Who came back. provider_session: what the provider calls the session there."""

    person: PersonRow
    return_path: str
    provider_session: str | None


def safe_path(path: str | None) -> str:
    """The path, where it is one of this service; else the first page."""
    if path is None or len(path) > _MOST_PATH or not _PATH.fullmatch(path) or ".." in path:
        return _HOME
    return path


class SigningIn:
    """Begins and ends sign-ins, and sign-outs that concern the provider."""

    def __init__(self, database: Database, provider: Provider, client: Client, admission: Admission) -> None:
        self._database = database
        self._provider = provider
        self._client = client
        self._admission = admission
        self._begun = Rate(MOST_BEGUN_A_MINUTE, time.monotonic)
        self._ended = Rate(MOST_BEGUN_A_MINUTE, time.monotonic)

    @property
    def issuer(self) -> str:
        return self._provider.issuer

    async def begin(self, return_path: str | None, address: str) -> Begun:
        """Raises NotAdmitted where the provider cannot be asked, or too many sign-ins are under way."""
        if self._begun.take(peers.group(address)):
            raise NotAdmitted(Hindrance.UNAVAILABLE, "too many sign-ins begin at one address")
        metadata = await self._metadata()
        state, browser = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
        attempt = Attempt(secrets.token_urlsafe(32), secrets.token_urlsafe(48), safe_path(return_path))
        if not await store.begin(self._database, state, browser, attempt):
            raise NotAdmitted(Hindrance.UNAVAILABLE, "too many sign-ins are under way")
        challenge = base64.urlsafe_b64encode(hashlib.sha256(attempt.verifier.encode()).digest()).rstrip(b"=").decode()
        asked = {
            "response_type": "code",
            "client_id": self._client.id,
            "redirect_uri": self._client.callback,
            "scope": self._client.scopes,
            "state": state,
            "nonce": attempt.nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        if self._client.acr:
            asked["acr_values"] = " ".join(self._client.acr)
        return Begun(_with(metadata.authorization_endpoint, asked), browser)

    async def finish(self, answer: Mapping[str, str], browser: str | None, address: str) -> Arrived:
        """answer: the query that the provider sent the browser back with. Raises NotAdmitted."""
        # Each look for what began costs a query. What is over the rate is not worth a line in the log either.
        if self._ended.take(peers.group(address)):
            raise NotAdmitted(Hindrance.UNAVAILABLE, "too many sign-ins end at one address")
        try:
            arrived = await self._finish(answer, browser, address)
        except NotAdmitted as refused:
            SIGN_INS.labels(refused.hindrance.value).inc()
            _log.warning("sign_in.refused", method="oidc", hindrance=refused.hindrance.value, why=refused.why)
            raise
        SIGN_INS.labels("signed-in").inc()
        _log.info("sign_in.accepted", method="oidc", user=arrived.person.user_name)
        return arrived

    async def sign_out_address(self) -> str:
        """Where the browser ends the session at the provider, too (RP-Initiated Logout); else the page of sign-in."""
        after = f"{self._client.base_url}/sign-in"
        try:
            endpoint = (await self._provider.metadata()).end_session_endpoint
        except ProviderUnavailable:
            return after
        if endpoint is None:
            return after
        return _with(endpoint, {"client_id": self._client.id, "post_logout_redirect_uri": after})

    async def signed_out(self, token: str) -> tuple[str | None, str | None]:
        """Subject and session of a logout token of the provider (Back-Channel Logout).

        Raises TokenRefused, ProviderUnavailable.
        """
        said = await self._verified(token, _LOGOUT_TYPES, subject=False)
        claims.check_logout_token(said)
        return said.get("sub"), said.get("sid")

    async def _finish(self, answer: Mapping[str, str], browser: str | None, address: str) -> Arrived:
        state = answer.get("state")
        attempt = None if not state or not browser else await store.end(self._database, state, browser)
        if attempt is None:
            raise NotAdmitted(Hindrance.EXPIRED, "no sign-in of this browser is under way with this state")
        metadata = await self._metadata()
        self._check_issuer(answer, metadata)
        code = answer.get("code")
        if not code:
            raise NotAdmitted(Hindrance.PROVIDER, f"no code: {answer.get('error', '')[:100]!r}")
        said = await self._exchanged(metadata, code, attempt)
        self._check_strength(said)
        with acts(Acting(ACTOR, address, "groups of the identity provider at sign-in")):
            person = await admitting.admit(self._database, self._provider.issuer, said, self._admission)
        session = said.get("sid")
        return Arrived(person, attempt.return_path, session if claims.is_name(session) else None)

    def _check_issuer(self, answer: Mapping[str, str], metadata: Metadata) -> None:
        """The answer must be of the provider that was asked (RFC 9207), or the code would go to the wrong one."""
        issuer = answer.get("iss")
        if issuer != self._provider.issuer and (issuer is not None or metadata.names_itself):
            raise NotAdmitted(Hindrance.PROVIDER, f"answered by {(issuer or 'nobody')[:200]!r}")

    async def _exchanged(self, metadata: Metadata, code: str, attempt: Attempt) -> dict[str, Any]:
        """What the provider says of the person, for the code."""
        answer = await self._redeemed(metadata, code, attempt)
        token = answer.document.get("id_token")
        if answer.status != 200 or not isinstance(token, str):
            raise NotAdmitted(Hindrance.PROVIDER, f"{answer.status} for the code: {_error(answer)!r}")
        try:
            said = await self._verified(token, _ID_TYPES)
            claims.check_id_token(said, attempt.nonce, self._client.id)
        except TokenRefused as refused:
            raise NotAdmitted(Hindrance.PROVIDER, f"its ID token does not hold: {refused.reason}") from None
        except ProviderUnavailable as unavailable:
            raise NotAdmitted(Hindrance.UNAVAILABLE, unavailable.detail) from None
        return said

    async def _redeemed(self, metadata: Metadata, code: str, attempt: Attempt) -> Answer:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._client.callback,
            "code_verifier": attempt.verifier,
        }
        secret, authorization = self._client.secret, None
        if secret is None or metadata.secret_in_body:
            form |= {"client_id": self._client.id} | ({} if secret is None else {"client_secret": secret})
        else:
            # Both parts are form-encoded before they are joined (RFC 6749 2.3.1).
            pair = f"{quote(self._client.id, safe='')}:{quote(secret, safe='')}"
            authorization = f"Basic {base64.b64encode(pair.encode()).decode()}"
        try:
            return await self._provider.outbound.post(metadata.token_endpoint, form, authorization)
        except ProviderFault as fault:
            raise NotAdmitted(Hindrance.UNAVAILABLE, f"the token endpoint {fault}") from None

    async def _verified(self, token: str, types: frozenset[str | None], *, subject: bool = True) -> dict[str, Any]:
        unverified = jose.read(token)
        key = await self._provider.key(unverified.key_id, unverified.algorithm)
        if key is None:
            raise TokenRefused("key id")
        said = unverified.claims(key)
        expected = Expected(self._provider.issuer, self._client.id, types, longest_seconds=_DAY)
        claims.check(unverified.type, said, expected, subject=subject)
        return said

    def _check_strength(self, said: Mapping[str, Any]) -> None:
        """Whether the provider asked for as much as the settings want; how, is its business."""
        acr, amr = said.get("acr"), claims.names(said, "amr")
        if self._client.acr and acr not in self._client.acr:
            raise NotAdmitted(Hindrance.WEAK, f"acr is {str(acr)[:100]!r}")
        if not self._client.amr <= amr:
            raise NotAdmitted(Hindrance.WEAK, f"amr is {sorted(amr)}"[:300])

    async def _metadata(self) -> Metadata:
        try:
            return await self._provider.metadata()
        except ProviderUnavailable as unavailable:
            raise NotAdmitted(Hindrance.UNAVAILABLE, unavailable.detail) from None


def _error(answer: Answer) -> str:
    error = answer.document.get("error")
    return error[:100] if isinstance(error, str) else ""


def _with(address: str, more: Mapping[str, str]) -> str:
    """The address with more in its query, beside what stands there."""
    parts = urlsplit(address)
    query = "&".join(filter(None, (parts.query, urlencode(more))))
    return urlunsplit(parts._replace(query=query))
