"""What can be wrong with a request about tokens.

Error
├── Invalid ── TokenNotSuitable
├── NotFound ── TokenNotFound
├── Forbidden ── NotSignedIn
└── Conflict ── TooManyTokens
"""

from core import errors


class TokenNotSuitable(errors.Invalid):
    slug = "invalid-token"
    title = "There can be no such token"


class NotSignedIn(errors.Forbidden):
    slug = "not-signed-in"
    title = "Tokens are made by somebody who signed in"


class TokenNotFound(errors.NotFound):
    slug = "token-not-found"
    title = "No such token"


class TooManyTokens(errors.Conflict):
    slug = "too-many-tokens"
    title = "Too many tokens are live"


def token_not_found(token_id: str) -> TokenNotFound:
    fault = errors.Fault("token", errors.shown(token_id), "the id of a token")
    return TokenNotFound(f"There is no token {errors.shown(token_id)}.", faults=[fault])
