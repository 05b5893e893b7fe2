"""Knows people and programs by their tokens."""

from core.access import Claim, Presented
from core.database import Database
from core.rights import DECISIONS, Right
from identity.people import claims
from identity.people import store as people_store
from identity.tokens import credentials, store
from identity.tokens.uses import Uses

_MEANS = "token:"
_KNOWN = frozenset(Right)


class TokenSource:
    """Implements `core.access.Source`. Who is disabled, and what was revoked, is nobody at the next look."""

    def __init__(self, database: Database, uses: Uses) -> None:
        self._database = database
        self._uses = uses

    def credential(self, presented: Presented) -> str | None:
        bearer = presented.bearer
        return bearer if bearer is not None and bearer.startswith("qt_") else None

    async def find(self, credential: str) -> Claim | None:
        token_id = credentials.id_of(credential)
        if token_id is None:
            return None
        kept = await store.secret(self._database, token_id)
        if not credentials.opens(credential, None if kept is None else kept.sha256) or kept is None:
            return None
        means = f"{_MEANS}{token_id}"
        if kept.person_id is not None:
            # A right that this version does not know is none.
            rights = _KNOWN if kept.rights is None else frozenset(r for r in _KNOWN if r in kept.rights)
            return await claims.of_person(
                self._database,
                kept.person_id,
                means,
                via=token_id,
                rights=rights - credentials.NEVER_FOR_A_PERSON,
            )
        rows = (await people_store.grants_of_tokens(self._database, [token_id])).get(token_id, [])
        return Claim(means, "program", tuple(row.grant for row in rows), _KNOWN - DECISIONS, None, means)

    def check(self, presented: Presented, claim: Claim) -> None:
        """Every request with a token is allowed, and noted."""
        self._uses.used(claim.means.removeprefix(_MEANS), presented.address)
