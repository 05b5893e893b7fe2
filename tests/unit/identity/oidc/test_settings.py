"""Settings of the identity provider are looked at when the service starts, before anybody signs in."""

from pathlib import Path

import pytest

from gateway import oidc
from gateway.oidc import Plan
from gateway.settings import Settings, UnusableSetting

ISSUER = "https://id.example.vn/realms/so"


def plan(patch: pytest.MonkeyPatch, **given: str) -> Plan | None:
    for name, value in given.items():
        patch.setenv(f"QUANTRAC_OIDC__{name.upper()}", value)
    return oidc.plan(Settings())


def test_without_an_issuer_there_is_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert plan(monkeypatch, client_id="x") is None


def test_an_issuer_alone_lets_nobody_in(monkeypatch: pytest.MonkeyPatch) -> None:
    made = plan(monkeypatch, issuer=ISSUER)
    assert made is not None
    assert (made.client, made.taken, made.admission.create) == (None, None, False)


def test_everything_that_is_set_is_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("a secret of the client\n", encoding="utf-8")
    made = plan(
        monkeypatch,
        issuer=ISSUER,
        client_secret_file=str(secret),
        base_url="https://quantrac.example.vn/",
        roles="admins=administrator",
        roles_claim="realm_access.roles",
        create_people="true",
        acr="phr, phrh",
        amr="mfa",
        audience="quantrac-api",
        token_clients="a, b",  # noqa: S106 - their names
        token_hours="2",  # noqa: S106 - a number
        programs="importer=steward",
    )
    assert made is not None
    assert made.client is not None
    assert made.taken is not None
    assert made.client.callback == "https://quantrac.example.vn/sign-in/oidc/callback"
    assert made.client.secret == "a secret of the client"  # noqa: S105 - of this test
    assert (made.client.acr, made.client.amr) == (("phr", "phrh"), frozenset({"mfa"}))
    assert (made.taken.clients, [*made.taken.programs]) == (frozenset({"a", "b"}), ["importer"])
    assert made.taken.expected.types == frozenset({"at+jwt"})
    assert made.taken.expected.longest_seconds == 7200
    assert (made.admission.roles_claim, made.admission.create, set(made.admission.roles)) == (
        "realm_access.roles",
        True,
        {"admins"},
    )
    assert "a secret of the client" not in repr(made)


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"issuer": "http://id.example.vn"}, "ISSUER"),
        ({"issuer": "https://id.example.vn/?x=1"}, "ISSUER"),
        ({"base_url": "http://quantrac.example.vn"}, "BASE_URL"),
        ({"base_url": "https://example.vn/quantrac"}, "BASE_URL"),
        ({"roles": "admins"}, "ROLES"),
        ({"audience": "x", "programs": "a=chief"}, "PROGRAMS"),
        ({"programs": "a=viewer"}, "AUDIENCE"),
        ({"token_type": "JWT", "client_id": "same", "audience": "same"}, "AUDIENCE"),
    ],
    ids=str,
)
def test_what_cannot_work_is_refused(monkeypatch: pytest.MonkeyPatch, given: dict[str, str], named: str) -> None:
    with pytest.raises(UnusableSetting, match=f"QUANTRAC_OIDC__{named}"):
        plan(monkeypatch, **{"issuer": ISSUER} | given)


def test_providers_that_do_not_tell_kinds_apart_may_be_used(monkeypatch: pytest.MonkeyPatch) -> None:
    made = plan(monkeypatch, issuer=ISSUER, token_type="JWT", audience="quantrac-api")  # noqa: S106 - a kind of token
    assert made is not None
    assert made.taken is not None
    assert made.taken.expected.types == frozenset({"at+jwt", "jwt"})


@pytest.mark.parametrize("scopes", ["profile", "openid  profile", "profile openid", 'openid "x"'])
def test_openid_is_asked_for_first(monkeypatch: pytest.MonkeyPatch, scopes: str) -> None:
    with pytest.raises(ValueError, match="scopes"):
        plan(monkeypatch, issuer=ISSUER, scopes=scopes)


def test_a_certificate_authority_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(FileNotFoundError):
        plan(monkeypatch, issuer=ISSUER, ca_file="/nowhere/ca.pem")
