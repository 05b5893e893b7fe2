"""Tokens that anybody made up, and keys that a provider may publish."""

import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc import jws
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey
from joserfc.util import urlsafe_b64encode

from identity.oidc import jose
from identity.oidc.errors import TokenRefused
from identity.oidc.jose import KeyRing

RSA = RSAKey.generate_key(2048, auto_kid=True)
EC, ED = ECKey.generate_key("P-256", auto_kid=True), OKPKey.generate_key("Ed25519", auto_kid=True)
# joserfc warns of such a key where it makes one.
_NUMBERS = rsa.generate_private_key(65537, 1024).public_key().public_numbers()  # noqa: S505 - to be refused
SMALL = {"kty": "RSA", "e": "AQAB", "n": urlsafe_b64encode(_NUMBERS.n.to_bytes(128)).decode()}
CLAIMS = {"sub": "lan"}


def published(*keys: Any, **more: Any) -> dict[str, Any]:
    return {"keys": [key.as_dict(private=False) | more for key in keys]}


def signed(key: Any, algorithm: str, **header: Any) -> str:
    head = {"alg": algorithm, "kid": key.kid} | header
    registry = jws.JWSRegistry(algorithms=[algorithm])
    return jws.serialize_compact(head, json.dumps(CLAIMS), key, registry=registry)


@pytest.mark.parametrize(("key", "algorithm"), [(RSA, "RS256"), (RSA, "PS256"), (EC, "ES256"), (ED, "Ed25519")])
def test_each_algorithm_that_is_taken_is_taken(key: Any, algorithm: str) -> None:
    token = jose.read(signed(key, algorithm))
    found = KeyRing.of(published(RSA, EC, ED)).find(token.key_id, token.algorithm)
    assert found is not None
    assert token.claims(found) == CLAIMS


def test_the_former_name_of_ed25519_is_taken_without_a_warning() -> None:
    with pytest.warns(Warning, match="RFC 9864"):
        token = jose.read(signed(ED, "EdDSA"))
    found = KeyRing.of(published(ED, alg="Ed25519")).find(token.key_id, token.algorithm)
    assert found is not None
    assert token.claims(found) == CLAIMS


def test_a_key_is_used_as_it_says() -> None:
    ring = KeyRing.of(published(RSA, alg="PS256"))
    assert ring.find(RSA.kid, "PS256") is not None
    assert ring.find(RSA.kid, "RS256") is None
    assert ring.find(EC.kid, "ES256") is None


def test_without_a_key_id_there_has_to_be_one_key_of_the_kind() -> None:
    another = RSAKey.generate_key(2048, auto_kid=True)
    assert KeyRing.of(published(RSA, EC)).find(None, "RS256") is not None
    assert KeyRing.of(published(RSA, another)).find(None, "RS256") is None


def test_a_key_id_that_two_keys_have_names_none() -> None:
    assert KeyRing.of(published(RSA, RSAKey.generate_key(2048), kid="same")).find("same", "RS256") is None


@pytest.mark.parametrize(
    "document",
    [
        {"keys": [SMALL]},
        published(ECKey.generate_key("P-384")),
        published(OKPKey.generate_key("X25519")),
        published(OKPKey.generate_key("Ed448")),
        published(RSA, use="enc"),
        {"keys": [OctKey.generate_key(256).as_dict(private=True)]},
        {
            "keys": [
                {"kty": "RSA"},
                {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"},
                {"kty": "RSA", "n": 1, "e": "AQAB"},
            ]
        },
        {"keys": [None, 1, "x", [], {}, {"kty": ["RSA"]}, {"kty": "ML-DSA-65", "pub": "x"}]},
    ],
)
def test_keys_that_are_weak_or_of_other_kinds_are_left_out(document: dict[str, Any]) -> None:
    assert len(KeyRing.of(document)) == 0
    assert len(KeyRing.of({"keys": [*document["keys"], *published(EC)["keys"]]})) == 1


def test_a_private_key_that_was_published_is_kept_as_a_public_one() -> None:
    found = KeyRing.of({"keys": [RSA.as_dict(private=True)]}).find(RSA.kid, "RS256")
    assert found is not None
    assert not found.is_private


@pytest.mark.parametrize("document", [None, [], {}, {"keys": {}}, {"keys": None}, "keys"], ids=str)
def test_what_is_no_key_set_is_refused(document: Any) -> None:
    with pytest.raises(ValueError, match="no JWK set"):
        KeyRing.of(document)


MEMBERS = ("n", "e", "crv", "x", "y", "kid", "alg", "use", "k", "d")
KINDS = {"kty": st.sampled_from(["RSA", "EC", "OKP", "oct"])}
JSON = st.none() | st.booleans() | st.integers() | st.text() | st.lists(st.text()) | st.just(2**70) | st.just("AQAB")


@settings(max_examples=40)
@given(st.fixed_dictionaries(KINDS, optional=dict.fromkeys(MEMBERS, JSON)))
def test_any_key_set_is_read(entry: dict[str, Any]) -> None:
    KeyRing.of({"keys": [entry]})


@given(st.text() | st.text("eyJhbGciOi.-_=", max_size=60))
def test_any_text_is_refused_as_a_token(text: str) -> None:
    with pytest.raises(TokenRefused):
        jose.read(text)


@given(st.binary(max_size=60), st.binary(max_size=60))
def test_any_signature_and_claims_are_refused(payload: bytes, signature: bytes) -> None:
    head = signed(RSA, "RS256").partition(".")[0]
    token = f"{head}.{urlsafe_b64encode(payload).decode()}.{urlsafe_b64encode(signature).decode()}"
    with pytest.raises(TokenRefused):
        jose.read(token).claims(RSA)
