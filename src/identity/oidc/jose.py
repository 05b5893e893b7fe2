"""Reads signed tokens (RFC 7515, 7519): what a token says counts only once its signature holds.

Rules of this file: the algorithms stand here and nowhere else; a key comes from the provider's key set and never from
the token; a token that can be read in two ways is refused.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from joserfc import jws
from joserfc.errors import JoseError, UnsupportedAlgorithmError
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey, import_key
from joserfc.util import urlsafe_b64decode

from identity.oidc.errors import TokenRefused

Key = RSAKey | ECKey | OKPKey

# The type of key of each algorithm that is taken. EdDSA is what Ed25519 was called before RFC 9864.
ALGORITHMS: Mapping[str, str] = {"RS256": "RSA", "PS256": "RSA", "ES256": "EC", "EdDSA": "OKP", "Ed25519": "OKP"}
_SAME = {"EdDSA": "Ed25519"}

# A token with the groups of a large directory has some thousand bytes.
MOST_BYTES = 16 * 2**10
_MOST_KEY_ID = 200
_LEAST_RSA_BITS = 2048
_BITS_OF_CHARACTER = 6
# They name keys, or change what is signed, or how: nothing of it is for a sender to say.
_REFUSED_MEMBERS = frozenset(
    {"jku", "jwk", "x5u", "x5c", "crit", "b64", "zip", "enc", "epk", "apu", "apv", "p2s", "p2c"}
)


class _Fixed(jws.JWSRegistry):
    """The algorithms of this file."""

    def get_alg(self, name: str) -> Any:
        if name not in ALGORITHMS:
            raise UnsupportedAlgorithmError(name)
        return self.algorithms[name]


_REGISTRY = _Fixed(strict_check_header=False)
_REGISTRY.max_header_length = 2048
_REGISTRY.max_payload_length = MOST_BYTES


@dataclass(frozen=True, slots=True)
class Unverified:
    """A token whose header could be read, and names the key that has to have signed it."""

    text: str
    algorithm: str
    key_id: str | None
    type: str | None

    def claims(self, key: Key) -> dict[str, Any]:
        """What the token says, if this key signed it."""
        try:
            found = jws.deserialize_compact(self.text, key, registry=_REGISTRY)
        except (JoseError, ValueError, TypeError, OverflowError):
            raise TokenRefused("signature") from None
        return _object(found.payload or b"", "payload")


def read(text: str) -> Unverified:
    """Raises TokenRefused where it is no signed token, or one of a kind that is not taken."""
    if len(text) > MOST_BYTES:
        raise TokenRefused("too long")
    if text.count(".") != 2 or not text.isascii():
        raise TokenRefused("form")
    try:
        raw = urlsafe_b64decode(text.partition(".")[0].encode())
    except ValueError:
        raise TokenRefused("form") from None
    header = _object(raw, "header")
    if not header.keys().isdisjoint(_REFUSED_MEMBERS):
        raise TokenRefused("header member")
    algorithm, key_id, kind = header.get("alg"), header.get("kid"), header.get("typ")
    if not isinstance(algorithm, str) or algorithm not in ALGORITHMS:
        raise TokenRefused("algorithm")
    if key_id is not None and not (isinstance(key_id, str) and 0 < len(key_id) <= _MOST_KEY_ID):
        raise TokenRefused("key id")
    if kind is not None and not isinstance(kind, str):
        raise TokenRefused("type")
    return Unverified(text, algorithm, key_id, kind)


def _object(raw: bytes, what: str) -> dict[str, Any]:
    try:
        found = json.loads(raw, object_pairs_hook=_once, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise TokenRefused(what) from None
    if not isinstance(found, dict):
        raise TokenRefused(what)
    return found


def _once(members: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(members)
    if len(found) != len(members):
        raise ValueError("a member stands there twice")
    return found


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")


@dataclass(frozen=True, slots=True)
class Published:
    """A key of the provider. algorithm: the only one that it is meant for; None where it does not say."""

    key: Key
    algorithm: str | None

    def fits(self, algorithm: str) -> bool:
        meant = {None, algorithm, _SAME.get(algorithm, algorithm)}
        return self.key.key_type == ALGORITHMS[algorithm] and self.algorithm in meant


class KeyRing:
    """The keys of a provider that signatures are checked with."""

    def __init__(self, keys: Sequence[Published]) -> None:
        self._keys = tuple(keys)

    def __len__(self) -> int:
        return len(self._keys)

    @classmethod
    def of(cls, document: Any) -> "KeyRing":
        """The usable keys of a JWK set; others are left out. Raises ValueError where it is none."""
        entries = document.get("keys") if isinstance(document, dict) else None
        if not isinstance(entries, list):
            raise ValueError("no JWK set")  # noqa: TRY004 - its text is wrong, not its type
        return cls([key for entry in entries if (key := _published(entry)) is not None])

    def find(self, key_id: str | None, algorithm: str) -> Key | None:
        """The key that a token names; one that names none may be signed with the only key of its kind."""
        fitting = [each.key for each in self._keys if each.fits(algorithm)]
        if key_id is not None:
            fitting = [key for key in fitting if key.kid == key_id]
        return fitting[0] if len(fitting) == 1 else None


# What makes a public key of each type; a private part is not looked at.
_PUBLIC = {"RSA": ("n", "e"), "EC": ("crv", "x", "y"), "OKP": ("crv", "x")}


def _published(entry: Any) -> Published | None:
    """A key for signatures that is strong enough."""
    if not isinstance(entry, dict) or entry.get("use", "sig") != "sig":
        return None
    try:
        kept = {name: entry[name] for name in ("kty", "kid", *_PUBLIC[entry["kty"]]) if name in entry}
        # joserfc makes such a key, and warns of it.
        if entry["kty"] == "RSA" and len(entry["n"]) * _BITS_OF_CHARACTER < _LEAST_RSA_BITS:
            return None
        key, algorithm = import_key(kept), entry.get("alg")
        if isinstance(key, OctKey) or not _is_strong(key) or not (algorithm is None or algorithm in ALGORITHMS):
            return None
        return Published(key, algorithm)
    except (JoseError, ValueError, TypeError, KeyError, OverflowError):
        return None


def _is_strong(key: Key) -> bool:
    if isinstance(key, RSAKey):
        return key.public_key.key_size >= _LEAST_RSA_BITS
    return key.get("crv") in {"P-256", "Ed25519"}
