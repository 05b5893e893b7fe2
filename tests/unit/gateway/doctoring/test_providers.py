"""What the doctor makes of an identity provider that answered, or did not."""

import ssl
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from joserfc.jwk import RSAKey

from gateway.doctoring import providers
from gateway.doctoring.findings import Finding, Level
from gateway.oidc import Plan
from identity.oidc import mapping
from identity.oidc.admitting import Admission
from identity.oidc.bearer import Taken
from identity.oidc.claims import Expected
from identity.oidc.errors import ProviderFault
from identity.oidc.jose import KeyRing, Published
from identity.oidc.provider import Metadata, Told
from identity.oidc.signing_in import Client

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
ISSUER = "https://id.example.vn/realms/so-tnmt"
CLIENT = Client("quantrac", "a secret of the client", "https://quantrac.example.vn")
TAKEN = Taken(Expected(ISSUER, "quantrac-api", frozenset({"at+jwt"}), 86_400))
PLAN = Plan(ISSUER, CLIENT, Admission(mapping.read("a=viewer")), TAKEN, ssl.create_default_context(), 5)
METADATA = Metadata(f"{ISSUER}/auth", f"{ISSUER}/token", f"{ISSUER}/certs", f"{ISSUER}/logout", True, False)
TOLD = Told(METADATA, KeyRing([Published(RSAKey.generate_key(2048), "RS256")]), NOW)


def levels(found: list[Finding]) -> list[Level]:
    return [finding.level for finding in found]


def test_a_provider_as_it_should_be_is_fine() -> None:
    found = providers.examined(PLAN, TOLD, NOW)
    assert set(levels(found)) == {Level.OK}
    assert "a secret of the client" not in str(found)
    assert all(finding.check == "provider" for finding in found)


def test_a_provider_that_does_not_answer_is_a_fault_and_the_settings_are_looked_at_all_the_same() -> None:
    found = providers.examined(PLAN, ProviderFault("ConnectError"), NOW)
    assert (found[0].level, found[0].found) == (Level.FAULT, "ConnectError")
    assert "QUANTRAC_OIDC__ISSUER" in found[0].advice
    assert levels(found[1:]) == [Level.OK] * 3


@pytest.mark.parametrize(("seconds", "level"), [(0, Level.OK), (-60, Level.OK), (61, Level.FAULT), (-61, Level.FAULT)])
def test_a_clock_that_is_off_by_more_than_is_forgiven_is_a_fault(seconds: int, level: Level) -> None:
    assert providers.clock(NOW + timedelta(seconds=seconds), NOW).level is level


def test_a_provider_that_does_not_tell_the_time_is_passed_over() -> None:
    assert providers.clock(None, NOW).level is Level.SKIPPED


@pytest.mark.parametrize(
    ("plan", "words"),
    [
        (replace(PLAN, issuer="http://127.0.0.1:8080"), "on this machine"),
        (replace(PLAN, client=None), "nobody can"),
        (replace(PLAN, client=replace(CLIENT, secret=None)), "no secret"),
        (replace(PLAN, admission=Admission(create=True)), "no group gives a role"),
        (
            replace(PLAN, taken=replace(TAKEN, expected=replace(TAKEN.expected, types=frozenset({"at+jwt", "jwt"})))),
            "typ JWT",
        ),
    ],
    ids=["loopback", "no base url", "no secret", "no roles", "any type"],
)
def test_settings_that_do_less_than_one_thinks_are_named(plan: Plan, words: str) -> None:
    (notice,) = (finding for finding in providers.examined(plan, TOLD, NOW) if finding.level is not Level.OK)
    assert notice.level is Level.NOTICE
    assert words in notice.found
    assert notice.advice


def test_a_provider_without_sign_out_is_noticed() -> None:
    assert providers.sign_out(None).level is Level.NOTICE


def test_settings_that_cannot_be_used_are_a_fault_that_shows_no_path() -> None:
    assert "QUANTRAC_OIDC__ROLES" in providers.unusable(ValueError("QUANTRAC_OIDC__ROLES: x")).found
    assert "secret" not in providers.unusable(FileNotFoundError("/run/secret")).found
