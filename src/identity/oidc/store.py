"""Rows of sign-ins that are under way: what is kept while the browser is at the provider."""

from dataclasses import dataclass

from core import queries
from core.credentials import digest
from core.database import Database

_sql = queries.load(__file__, "oidc")

# Beyond any real rush; each waits a few minutes at most.
MOST_ATTEMPTS = 10_000
ATTEMPT_SECONDS = 600


@dataclass(frozen=True, slots=True)
class Attempt:
    """What is kept of a sign-in while the browser is at the provider."""

    nonce: str
    verifier: str
    return_path: str


async def begin(database: Database, state: str, browser: str, attempt: Attempt) -> bool:
    """Keep a sign-in; False where too many are under way."""
    found = await database.fetchval(
        _sql["oidc_attempt_begin"],
        digest(state),
        digest(browser),
        attempt.nonce,
        attempt.verifier,
        attempt.return_path,
        MOST_ATTEMPTS,
        float(ATTEMPT_SECONDS),
    )
    return found is not None


async def end(database: Database, state: str, browser: str) -> Attempt | None:
    """Take a sign-in out, so that nobody ends it twice; None where this browser began none with this state in time."""
    row = await database.fetchrow(_sql["oidc_attempt_end"], digest(state), digest(browser), float(ATTEMPT_SECONDS))
    if row is None or not row["in_time"]:
        return None
    return Attempt(row["nonce"], row["verifier"], row["return_path"])
