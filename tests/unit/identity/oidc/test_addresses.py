"""Which addresses the provider is asked at, and where a browser may be sent."""

from typing import Any
from urllib.parse import urljoin, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from identity.oidc.errors import ProviderFault
from identity.oidc.outbound import is_safe
from identity.oidc.provider import Metadata
from identity.oidc.signing_in import safe_path

ISSUER = "https://id.example.vn/realms/so"
DOCUMENT: dict[str, Any] = {
    "issuer": ISSUER,
    "authorization_endpoint": f"{ISSUER}/auth?tenant=1",
    "token_endpoint": f"{ISSUER}/token",
    "jwks_uri": "https://keys.example.vn/certs",
}


@pytest.mark.parametrize(
    "url",
    [
        "https://id.example.vn",
        "https://10.0.0.5:8443/x",
        "http://127.0.0.1:80",
        "http://[::1]/x",
        "http://localhost:8080/realms/x",
    ],
)
def test_addresses_with_tls_or_on_this_machine_are_safe(url: str) -> None:
    assert is_safe(url)


@pytest.mark.parametrize(
    "url",
    [
        "http://id.example.vn",
        "http://127.0.0.1.example.vn",
        "http://10.0.0.5",
        "ftp://127.0.0.1",
        "file:///etc/passwd",
        "id.example.vn",
        "https://",
        "https://user@id.example.vn",
        "https://a:b@id.example.vn",
        "https://id.example.vn/#x",
        "https://[::1",
        "https://id.example.vn:99999",
        "",
    ],
)
def test_others_are_not(url: str) -> None:
    assert not is_safe(url)


def test_a_provider_with_tls_leads_to_no_address_without() -> None:
    assert not is_safe("http://127.0.0.1/token", like=ISSUER)
    assert is_safe("http://127.0.0.1/token", like="http://127.0.0.1:8080")


def test_what_is_needed_is_read_from_the_discovery_document() -> None:
    found = Metadata.of(DOCUMENT, ISSUER)
    assert (found.end_session_endpoint, found.names_itself, found.secret_in_body) == (None, False, False)
    more = {"end_session_endpoint": f"{ISSUER}/logout", "authorization_response_iss_parameter_supported": True}
    methods = {"token_endpoint_auth_methods_supported": ["client_secret_post"]}
    found = Metadata.of(DOCUMENT | more | methods, ISSUER)
    assert (found.end_session_endpoint, found.names_itself, found.secret_in_body) == (f"{ISSUER}/logout", True, True)


@pytest.mark.parametrize(
    "changed",
    [
        {"issuer": ISSUER + "/"},
        {"issuer": "https://id.example.com"},
        {"issuer": None},
        {"token_endpoint": None},
        {"token_endpoint": "http://id.example.vn/token"},
        {"jwks_uri": "http://127.0.0.1/certs"},
        {"jwks_uri": ["https://id.example.vn"]},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"end_session_endpoint": "http://id.example.vn"},
        {"code_challenge_methods_supported": ["plain"]},
    ],
    ids=str,
)
def test_another_issuer_s_document_or_one_that_lacks_something_is_not_used(changed: dict[str, Any]) -> None:
    with pytest.raises(ProviderFault):
        Metadata.of(DOCUMENT | changed, ISSUER)


@pytest.mark.parametrize(
    "path", ["/", "/alerts", "/people?page=2&q=a%20b", "/a/b/c/", "/?x=1", "/alerts?station=TH-NT-001"]
)
def test_paths_of_this_service_are_returned_to(path: str) -> None:
    assert safe_path(path) == path


@pytest.mark.parametrize(
    "path",
    [
        None,
        "",
        "alerts",
        "//evil.test",
        "///evil.test",
        "/\\evil.test",
        "/a//b",
        "/../x",
        "/a/..",
        "https://evil.test",
        "/a:b",
        "/a@b",
        "/a#b",
        "/a b",
        "/a\n",
        "/\tevil.test",
        "/" + "a" * 500,
        "/ế",
    ],
)
def test_whatever_else_was_asked_for_leads_home(path: str | None) -> None:
    assert safe_path(path) == "/"


@given(st.text(alphabet="/\\a.:@?#%25fF=&\t\n ", max_size=30))
def test_no_path_leads_elsewhere(text: str) -> None:
    assert (
        urlsplit(urljoin("https://quantrac.example.vn/sign-in", safe_path("/" + text))).netloc == "quantrac.example.vn"
    )


def test_a_path_that_almost_fits_is_refused_at_once() -> None:
    assert safe_path("/" + "a" * 400 + "!") == "/"
