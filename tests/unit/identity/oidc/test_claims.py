"""What tokens have to say, kind by kind."""

from typing import Any

import pytest

from identity.oidc import claims
from identity.oidc.claims import LEEWAY_SECONDS, Expected
from identity.oidc.errors import TokenRefused

NOW = 1_795_000_000
ISSUER, CLIENT = "https://id.example.vn", "quantrac"
EXPECTED = Expected(ISSUER, CLIENT, frozenset({"jwt", None}), 3600, lambda: NOW)
LOGOUT: dict[str, dict[str, Any]] = {"http://schemas.openid.net/event/backchannel-logout": {}}


def said(**changed: Any) -> dict[str, Any]:
    found = {"iss": ISSUER, "aud": CLIENT, "sub": "5f0c", "iat": NOW, "exp": NOW + 300, "nonce": "n"} | changed
    return {name: value for name, value in found.items() if value is not None}


def refused(what: Any, *args: Any, **how: Any) -> str:
    with pytest.raises(TokenRefused) as caught:
        what(*args, **how)
    return caught.value.reason


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"aud": [CLIENT, "another"]},
        {"exp": NOW - LEEWAY_SECONDS + 1},
        {"iat": NOW + LEEWAY_SECONDS},
        {"nbf": NOW + LEEWAY_SECONDS},
        {"iat": NOW - 0.5, "exp": NOW + 0.5},
        {"exp": NOW + 3600},
        {"sub": "Nguyễn Thị Lan"},
        {"sub": "x" * 255},
    ],
    ids=str,
)
def test_a_token_that_says_what_it_has_to_is_taken(changed: dict[str, Any]) -> None:
    claims.check("JWT", said(**changed), EXPECTED)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"exp": NOW - LEEWAY_SECONDS}, "claim exp"),
        ({"iat": NOW + LEEWAY_SECONDS + 1, "exp": NOW + 300}, "claim iat"),
        ({"nbf": NOW + LEEWAY_SECONDS + 1}, "claim nbf"),
        ({"exp": NOW + 3601}, "lasts too long"),
        ({"sub": "x" * 256}, "claim sub"),
        ({"sub": "lan\n"}, "claim sub"),
        ({"sub": 5}, "claim sub"),
        ({"aud": ["another"]}, "claim aud"),
        ({"iss": ISSUER + "/"}, "claim iss"),
    ],
    ids=str,
)
def test_a_token_that_does_not_is_refused(changed: dict[str, Any], reason: str) -> None:
    assert refused(claims.check, "JWT", said(**changed), EXPECTED) == reason


@pytest.mark.parametrize("kind", ["JWT", "jwt", "application/jwt", "application/JWT", None])
def test_a_type_is_a_media_type(kind: str | None) -> None:
    claims.check(kind, said(), EXPECTED)


@pytest.mark.parametrize("kind", ["at+jwt", "", "JWS", "application/application/jwt", "jwt "])
def test_another_type_is_another_kind_of_token(kind: str) -> None:
    assert refused(claims.check, kind, said(), EXPECTED) == "type"


@pytest.mark.parametrize(
    "changed", [{}, {"azp": CLIENT}, {"aud": [CLIENT]}, {"aud": [CLIENT, "x"], "azp": CLIENT}], ids=str
)
def test_an_id_token_answers_the_question(changed: dict[str, Any]) -> None:
    claims.check_id_token(said(**changed), "n", CLIENT)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"nonce": "another"}, "claim nonce"),
        ({"nonce": None}, "claim nonce"),
        ({"azp": "another"}, "claim azp"),
        ({"aud": [CLIENT, "x"]}, "claim azp"),
        ({"aud": [CLIENT, "x"], "azp": "x"}, "claim azp"),
    ],
    ids=str,
)
def test_an_id_token_for_another_is_refused(changed: dict[str, Any], reason: str) -> None:
    assert refused(claims.check_id_token, said(**changed), "n", CLIENT) == reason


@pytest.mark.parametrize(
    ("given", "client"),
    [
        ({}, None),
        ({"client_id": "a"}, "a"),
        ({"azp": "a"}, "a"),
        ({"azp": "a", "client_id": "a"}, "a"),
        ({"typ": "Bearer"}, None),
    ],
    ids=str,
)
def test_an_access_token_tells_its_client(given: dict[str, Any], client: str | None) -> None:
    assert claims.check_access_token(said(nonce=None, **given), None) == client


@pytest.mark.parametrize(
    "given",
    [
        {"nonce": "n"},
        {"at_hash": "h"},
        {"c_hash": "h"},
        {"events": {}},
        {"cnf": {}},
        {"typ": "ID"},
        {"typ": "Refresh"},
        {"typ": None},
    ],
    ids=str,
)
def test_what_is_no_access_token_is_refused_also_where_types_do_not_tell(given: dict[str, Any]) -> None:
    whole = {"sub": "5f0c", "aud": "api"} | given
    assert refused(claims.check_access_token, whole, None) == "another kind of token"


def test_only_listed_clients_count_where_there_is_a_list() -> None:
    assert claims.check_access_token({"azp": "a"}, frozenset({"a"})) == "a"
    for given in ({"azp": "b"}, {}, {"azp": ["a"]}, {"azp": ""}, {"azp": None}):
        assert refused(claims.check_access_token, given, frozenset({"a"})) == "claim azp"


@pytest.mark.parametrize("given", [{"sub": "x"}, {"sid": "y"}, {"sub": "x", "sid": "y"}], ids=str)
def test_a_logout_token_names_a_person_or_a_session(given: dict[str, Any]) -> None:
    claims.check_logout_token({"events": LOGOUT, "jti": "1"} | given)


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"sub": ""},
        {"sub": "x", "nonce": "n"},
        {"sub": "x", "events": {"another": {}}},
        {"sub": "x", "events": [*LOGOUT]},
        {"sub": "x", "events": dict.fromkeys(LOGOUT)},
        {"sub": "x", "jti": None},
    ],
    ids=str,
)
def test_another_token_is_no_logout_token(given: dict[str, Any]) -> None:
    refused(claims.check_logout_token, {"events": LOGOUT, "jti": "1"} | given)


def test_a_token_may_have_to_name_nobody() -> None:
    claims.check("JWT", said(sub=None), EXPECTED, subject=False)


@pytest.mark.parametrize(
    ("document", "path", "found"),
    [
        ({"groups": ["a", "b", 3, "", "c\n"]}, "groups", {"a", "b"}),
        ({"groups": "a"}, "groups", {"a"}),
        ({"realm_access": {"roles": ["a"]}}, "realm_access.roles", {"a"}),
        ({"https://example.vn/groups": ["a"]}, "https://example.vn/groups", {"a"}),
        ({"groups": {"a": 1}}, "groups", set()),
        ({"groups": None}, "groups", set()),
        ({}, "groups", set()),
        ({"realm_access": ["roles"]}, "realm_access.roles", set()),
    ],
)
def test_groups_are_found_where_the_settings_say(document: dict[str, Any], path: str, found: set[str]) -> None:
    assert claims.names(document, path) == found


@pytest.mark.parametrize(
    ("document", "found"),
    [
        ({"scope": "openid network.read"}, {"openid", "network.read"}),
        ({"scp": "a b"}, {"a", "b"}),
        ({"scp": ["a", 1]}, {"a"}),
        ({"scope": "a", "scp": ["b"]}, {"a", "b"}),
        ({"scope": {"a": 1}}, set()),
        ({}, set()),
    ],
)
def test_scopes_are_read_in_each_form(document: dict[str, Any], found: set[str]) -> None:
    assert claims.scopes(document) == found
