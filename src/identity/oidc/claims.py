"""What the claims of a token have to be, for each kind of token that the provider signs."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from joserfc.errors import JoseError
from joserfc.jwt import ClaimsOption, JWTClaimsRegistry

from identity.oidc.errors import TokenRefused

# Clocks of two machines that are kept right do not differ by more.
LEEWAY_SECONDS = 60
_MOST_SUBJECT = 255
# Of ID and logout tokens; and of tokens that count only with a proof of who holds them, which is not asked for here.
_NOT_OF_BEARERS = frozenset({"nonce", "at_hash", "c_hash", "s_hash", "events", "cnf"})
_LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout"

Clock = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Expected:
    """What is the same for all tokens of a kind.

    types: what the header may say under `typ`, in lower case; longest_seconds: between `iat` and `exp`.
    """

    issuer: str
    audience: str
    types: frozenset[str | None]
    longest_seconds: int
    clock: Clock = time.time


def check(kind: str | None, claims: Mapping[str, Any], expected: Expected, *, subject: bool = True) -> None:
    """What every token has to say. kind: `typ` of its header; subject: whether it has to name one.

    Raises TokenRefused.
    """
    if _media_type(kind) not in expected.types:
        raise TokenRefused("type")
    rules: dict[str, ClaimsOption] = {
        "iss": {"essential": True, "value": expected.issuer},
        "aud": {"essential": True, "value": expected.audience},
        "exp": {"essential": True},
        "iat": {"essential": True},
        "sub": {"essential": subject},
    }
    try:
        JWTClaimsRegistry(now=int(expected.clock()), leeway=LEEWAY_SECONDS, **rules).validate(dict(claims))
    except JoseError as refused:
        raise TokenRefused(f"claim {getattr(refused, 'claim', '')}".strip()) from None
    if claims["exp"] - claims["iat"] > expected.longest_seconds:
        raise TokenRefused("lasts too long")
    if subject and not is_name(claims["sub"]):
        raise TokenRefused("claim sub")


def check_id_token(claims: Mapping[str, Any], nonce: str, client: str) -> None:
    """What an ID token has to say besides (OpenID Connect Core 3.1.3.7). Raises TokenRefused."""
    if claims.get("nonce") != nonce:
        raise TokenRefused("claim nonce")
    several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
    if claims.get("azp", None if several else client) != client:
        raise TokenRefused("claim azp")


def check_access_token(claims: Mapping[str, Any], clients: frozenset[str] | None) -> str | None:
    """Which client an access token was given to (RFC 9068); clients: those whose tokens are taken, None for all.

    Some providers sign access and ID tokens with the same `typ`: what only an ID or a logout token has, none may have.
    Raises TokenRefused.
    """
    if not claims.keys().isdisjoint(_NOT_OF_BEARERS):
        raise TokenRefused("another kind of token")
    if claims.get("typ", "Bearer") != "Bearer":
        raise TokenRefused("another kind of token")
    named = [claims[name] for name in ("client_id", "azp") if name in claims]
    if not all(is_name(name) and name == named[0] for name in named):
        raise TokenRefused("claim azp")
    client = named[0] if named else None
    if clients is not None and client not in clients:
        raise TokenRefused("claim azp")
    return client


def check_logout_token(claims: Mapping[str, Any]) -> None:
    """What a logout token has to say besides (OpenID Connect Back-Channel Logout 2.6). Raises TokenRefused."""
    events = claims.get("events")
    if not isinstance(events, dict) or not isinstance(events.get(_LOGOUT_EVENT), dict) or "nonce" in claims:
        raise TokenRefused("another kind of token")
    if not is_name(claims.get("jti")) or not (is_name(claims.get("sub")) or is_name(claims.get("sid"))):
        raise TokenRefused("claim sub or sid")


def is_name(value: object) -> bool:
    """Whether it can be a name: text of one line that a database keeps."""
    return isinstance(value, str) and 0 < len(value) <= _MOST_SUBJECT and value.isprintable()


def names(claims: Mapping[str, Any], path: str) -> frozenset[str]:
    """The names under a claim: a list of them, or one; `realm_access.roles` is `roles` inside of `realm_access`."""
    found: Any = claims.get(path)
    if found is None:
        found = claims
        for step in path.split("."):
            found = found.get(step) if isinstance(found, Mapping) else None
    if isinstance(found, str):
        found = [found]
    return frozenset(name for name in found if is_name(name)) if isinstance(found, list) else frozenset()


def scopes(claims: Mapping[str, Any]) -> frozenset[str]:
    """The scopes of an access token, in each of the forms that providers write them."""
    found: set[str] = set()
    for name in ("scope", "scp"):
        value = claims.get(name)
        items = value.split() if isinstance(value, str) else value
        if isinstance(items, list):
            found.update(item for item in items if isinstance(item, str))
    return frozenset(found)


def _media_type(kind: str | None) -> str | None:
    return None if kind is None else kind.lower().removeprefix("application/")
