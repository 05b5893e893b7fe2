"""Checks of the identity provider: whether it answers as the settings name it, and what the settings make of it."""

from datetime import datetime
from urllib.parse import urlsplit

from core.peers import is_loopback
from gateway.doctoring.findings import Finding, Line
from gateway.oidc import Plan
from identity.oidc.claims import LEEWAY_SECONDS
from identity.oidc.errors import ProviderFault
from identity.oidc.provider import Told

_CHECK = "provider"


def unusable(failure: Exception) -> Finding:
    line = Line(_CHECK, "settings of the identity provider")
    return line.fault(
        f"they cannot be used: {failure}" if not isinstance(failure, OSError) else "a file they name cannot be read",
        "Mend them; the gateway does not start with them.",
    )


def examined(plan: Plan, told: Told | ProviderFault, now: datetime) -> list[Finding]:
    """told: what the provider said when it was asked, about `now`, or why it could not be."""
    line = Line(_CHECK, f"identity provider {plan.issuer}")
    if isinstance(told, ProviderFault):
        return [
            line.fault(str(told), "Does it run, and is QUANTRAC_OIDC__ISSUER what it calls itself, to the last sign?"),
            *_of_settings(plan),
        ]
    return [
        line.ok(f"it answers; keys that signatures are checked with: {len(told.keys)}"),
        clock(told.date, now),
        sign_out(told.metadata.end_session_endpoint),
        *_of_settings(plan),
    ]


def clock(theirs: datetime | None, now: datetime) -> Finding:
    line = Line(_CHECK, "clock of the identity provider against this machine's")
    if theirs is None:
        return line.skipped("it does not tell the time")
    # It tells whole seconds.
    apart = (theirs - now).total_seconds()
    found = f"{apart:+.0f} s"
    if abs(apart) > LEEWAY_SECONDS:
        return line.fault(
            f"{found}: its tokens are not valid here at first, or too long",
            "Let both machines follow the same time servers (chrony or systemd-timesyncd).",
        )
    return line.ok(found)


def sign_out(endpoint: str | None) -> Finding:
    line = Line(_CHECK, "sign-out at the identity provider")
    if endpoint is None:
        return line.notice(
            "it offers none: who signs out here is let in again without a word",
            "On shared machines close the browser, or sign out at the provider, too.",
        )
    return line.ok("offered")


def _of_settings(plan: Plan) -> list[Finding]:
    return [transport(plan.issuer), people(plan), tokens(plan)]


def transport(issuer: str) -> Finding:
    line = Line(_CHECK, "encryption of the way to the identity provider")
    if is_loopback(urlsplit(issuer).hostname or ""):
        return line.notice("it is on this machine", "Right for trying out; browsers elsewhere do not find it.")
    return line.ok("TLS")


def people(plan: Plan) -> Finding:
    line = Line(_CHECK, "people who sign in with the identity provider")
    if plan.client is None:
        return line.notice("nobody can", "Set QUANTRAC_OIDC__BASE_URL to the address that browsers use.")
    if plan.client.secret is None:
        return line.notice("the client has no secret", "Make it confidential there; QUANTRAC_OIDC__CLIENT_SECRET_FILE.")
    if plan.admission.create and not plan.admission.roles:
        return line.notice(
            "nobody new gets an account: no group gives a role", "Name groups and roles in QUANTRAC_OIDC__ROLES."
        )
    return line.ok(f"groups that give roles: {len(plan.admission.roles)}")


def tokens(plan: Plan) -> Finding:
    line = Line(_CHECK, "access tokens of the identity provider")
    if plan.taken is None:
        return line.ok("none are taken")
    if len(plan.taken.expected.types) > 1:
        return line.notice(
            "also such as do not say that they are access tokens (typ JWT)",
            "Let the provider sign them with `at+jwt` (RFC 9068), and leave QUANTRAC_OIDC__TOKEN_TYPE out.",
        )
    return line.ok(f"taken for {plan.taken.expected.audience}; programs: {len(plan.taken.programs)}")
