"""Puts OpenID Connect together from the settings: the provider, sign-ins with it, and its tokens at the interface."""

import ssl
from contextlib import AsyncExitStack
from dataclasses import dataclass
from urllib.parse import urlsplit

from fastapi import Request
from starlette.responses import Response

from core.access import Source
from core.acting import Acting, acts
from core.database import Database
from gateway import resources
from gateway.sections import OidcSettings, items
from gateway.settings import Settings, UnusableSetting
from identity.oidc import mapping
from identity.oidc.admitting import ACTOR, Admission
from identity.oidc.bearer import BearerSource, Taken
from identity.oidc.claims import Expected
from identity.oidc.mapping import UnreadableMapping
from identity.oidc.outbound import Outbound, is_safe
from identity.oidc.provider import Provider
from identity.oidc.router import Entry
from identity.oidc.signing_in import Arrived, Client, SigningIn
from identity.sessions import cookies, keeping
from identity.sessions.keeping import Lasting

_TYPES = {"at+jwt": frozenset({"at+jwt"}), "JWT": frozenset({"at+jwt", "jwt"})}


@dataclass(frozen=True, slots=True)
class Plan:
    """What the settings say, as far as it can be checked without the provider.

    client: None where nobody signs in with the provider; taken: None where none of its tokens is taken.
    """

    issuer: str
    client: Client | None
    admission: Admission
    taken: Taken | None
    tls: ssl.SSLContext
    seconds: int


@dataclass(frozen=True, slots=True)
class Opened:
    """What the application uses; None for what the settings leave out."""

    bearers: BearerSource | None = None
    entry: Entry | None = None

    @property
    def sources(self) -> tuple[Source, ...]:
        return () if self.bearers is None else (self.bearers,)


def plan(settings: Settings) -> Plan | None:
    """None where the settings name no provider. Raises UnusableSetting, and OSError where a file cannot be read."""
    oidc = settings.oidc
    if oidc.issuer is None:
        return None
    if not is_safe(oidc.issuer) or "?" in oidc.issuer:
        raise UnusableSetting("QUANTRAC_OIDC__ISSUER is neither https nor on this machine, or has more than a path.")
    if oidc.token_type == "JWT" and oidc.audience == oidc.client_id:  # noqa: S105 - a kind of token
        raise UnusableSetting(
            "QUANTRAC_OIDC__AUDIENCE must not be the client id where QUANTRAC_OIDC__TOKEN_TYPE is JWT: "
            "ID tokens would be taken for access tokens."
        )
    return Plan(
        oidc.issuer,
        _client(settings),
        _admission(oidc),
        _taken(oidc),
        resources.outbound_tls(oidc.ca_file),
        oidc.seconds,
    )


class Sessions:
    """Implements `identity.oidc.router.Door`."""

    def __init__(self, database: Database, lasting: Lasting) -> None:
        self._database = database
        self._lasting = lasting

    async def open(self, request: Request, response: Response, arrived: Arrived) -> None:
        browser, name = cookies.browser_of(request), arrived.person.user_name
        with acts(Acting(name, browser.address or "", "sign-in: oidc")):
            made = await keeping.begin(
                self._database,
                arrived.person.id,
                method="oidc",
                address=browser.address,
                user_agent=browser.user_agent,
                provider_session=arrived.provider_session,
                replaces=browser.cookie,
                lasting=self._lasting,
            )
        cookies.give(response, made)

    async def close(self, issuer: str, subject: str | None, provider_session: str | None) -> int:
        with acts(Acting(ACTOR, "", "signed out at the identity provider")):
            return await keeping.end_of_provider(self._database, issuer, subject, provider_session)


async def opened(stack: AsyncExitStack, settings: Settings, database: Database, lasting: Lasting) -> Opened:
    """What the settings ask for; the provider need not answer for it. Raises UnusableSetting."""
    made = plan(settings)
    if made is None:
        return Opened()
    outbound = await stack.enter_async_context(Outbound(made.tls, made.seconds))
    provider = await stack.enter_async_context(Provider(made.issuer, outbound))
    return Opened(
        None if made.taken is None else BearerSource(database, provider, made.taken),
        None
        if made.client is None
        else Entry(SigningIn(database, provider, made.client, made.admission), Sessions(database, lasting)),
    )


def _client(settings: Settings) -> Client | None:
    oidc = settings.oidc
    if oidc.base_url is None:
        return None
    base_url = oidc.base_url.rstrip("/")
    if not is_safe(base_url) or urlsplit(base_url).path or "?" in base_url:
        raise UnusableSetting("QUANTRAC_OIDC__BASE_URL is neither https nor on this machine, or has more than a host.")
    return Client(
        oidc.client_id,
        settings.oidc_secret,
        base_url,
        oidc.scopes,
        tuple(items(oidc.acr)),
        frozenset(items(oidc.amr)),
    )


def _admission(oidc: OidcSettings) -> Admission:
    try:
        roles = mapping.read(oidc.roles)
    except UnreadableMapping as failure:
        raise UnusableSetting(f"QUANTRAC_OIDC__ROLES: {failure}.") from None
    return Admission(roles, oidc.roles_claim, oidc.create_people, oidc.name_claim)


def _taken(oidc: OidcSettings) -> Taken | None:
    try:
        programs = mapping.programs(oidc.programs)
    except UnreadableMapping as failure:
        raise UnusableSetting(f"QUANTRAC_OIDC__PROGRAMS: {failure}.") from None
    if oidc.audience is None:
        if programs:
            raise UnusableSetting("QUANTRAC_OIDC__PROGRAMS needs QUANTRAC_OIDC__AUDIENCE: no token is taken now.")
        return None
    expected = Expected(oidc.issuer or "", oidc.audience, _TYPES[oidc.token_type], oidc.token_hours * 3600)
    return Taken(expected, frozenset(items(oidc.token_clients)) or None, programs)
