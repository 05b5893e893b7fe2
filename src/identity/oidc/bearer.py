"""Access tokens of the provider as credentials of the interface: of people who are known here, and of programs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import structlog
from prometheus_client import Counter

from core.access import Claim, Presented
from core.database import Database
from core.rights import DECISIONS, Right
from identity.oidc import claims, jose
from identity.oidc.claims import Expected
from identity.oidc.errors import TokenRefused
from identity.oidc.mapping import Program
from identity.oidc.provider import Provider
from identity.people import store
from identity.people.claims import of_person

_log = structlog.get_logger(__name__)

# How the header of every signed token begins.
_BEGINS = "eyJ"
_MOST_MEANS = 80
_RIGHTS = {str(right): right for right in Right}

REFUSED = Counter("quantrac_bearer_tokens_refused_total", "Access tokens of the provider that did not hold.")


@dataclass(frozen=True, slots=True)
class Taken:
    """Which access tokens are taken.

    clients: whose tokens are; None for each client's that the audience is named to. programs: clients that act for
    themselves, by their id.
    """

    expected: Expected
    clients: frozenset[str] | None = None
    programs: Mapping[str, Program] = field(default_factory=dict)


class BearerSource:
    """Implements `core.access.Source`; without `taken` every signed token is refused."""

    def __init__(self, database: Database, provider: Provider, taken: Taken) -> None:
        self._database = database
        self._provider = provider
        self._taken = taken

    def credential(self, presented: Presented) -> str | None:
        bearer = presented.bearer
        return bearer if bearer is not None and bearer.startswith(_BEGINS) else None

    async def find(self, credential: str) -> Claim | None:
        """Raises ProviderUnavailable, DatabaseUnavailable."""
        try:
            said = await self._verified(credential)
            client = claims.check_access_token(said, self._taken.clients)
        except TokenRefused as refused:
            _note(refused.reason)
            return None
        rights = frozenset(_RIGHTS[name] for name in claims.scopes(said) if name in _RIGHTS) or None
        person = await store.find_by_subject(self._database, self._provider.issuer, said["sub"])
        if person is not None:
            found = await of_person(self._database, person.id, _means(said), rights=rights)
        else:
            found = self._of_program(said, client, rights)
        if found is None:
            _note("nobody")
        return found

    def check(self, presented: Presented, claim: Claim) -> None:
        """No browser adds this credential by itself: what another site makes it send has none."""

    async def _verified(self, token: str) -> dict[str, Any]:
        unverified = jose.read(token)
        key = await self._provider.key(unverified.key_id, unverified.algorithm)
        if key is None:
            raise TokenRefused("key id")
        said = unverified.claims(key)
        claims.check(unverified.type, said, self._taken.expected)
        return said

    def _of_program(self, said: dict[str, Any], client: str | None, rights: frozenset[Right] | None) -> Claim | None:
        program = self._taken.programs.get(client or "")
        # Somebody who signed in through that client is another subject.
        if program is None or program.subject != said["sub"]:
            return None
        may = (frozenset(Right) if rights is None else rights) - DECISIONS
        return Claim(f"client:{program.client}", "program", program.grants, may, None, _means(said))


def _note(reason: str) -> None:
    REFUSED.inc()
    _log.info("bearer.refused", reason=reason)


def _means(said: dict[str, Any]) -> str:
    number = said.get("jti")
    return f"bearer:{number[:_MOST_MEANS]}" if isinstance(number, str) and claims.is_name(number) else "bearer"
