"""Signatures as the library of the specification verifies them, and secrets that do not show themselves."""

import base64
import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
import standardwebhooks
from hypothesis import given
from hypothesis import strategies as st

from core import instants
from telemetry.hooks.webhooks import signing
from telemetry.hooks.webhooks.signing import NotASecret, Secret

# From the specification's own test suites.
KNOWN_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # noqa: S105 - published
KNOWN_BODY = b'{"test": 2432232314}'
KNOWN_SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_the_known_message_has_the_known_signature() -> None:
    secret = signing.secret_of(KNOWN_SECRET)
    assert signing.signature(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, KNOWN_BODY) == KNOWN_SIGNATURE


@given(st.dictionaries(st.text(), st.one_of(st.integers(), st.text(), st.booleans(), st.none())))
def test_what_is_signed_is_verified_by_the_library_of_the_specification(data: dict[str, object]) -> None:
    secret = signing.new_secret()
    body = signing.body("alert.raised", instants.now(), json.dumps(data))
    headers = signing.headers([secret], signing.new_webhook_id(), instants.now(), body.encode())
    read = standardwebhooks.Webhook(secret.text).verify(body, headers)
    assert (read["type"], read["data"]) == ("alert.raised", data)


def test_during_a_rotation_either_secret_verifies_and_no_other() -> None:
    former, present = signing.new_secret(), signing.new_secret()
    body = signing.body("alert.raised", instants.now(), "{}")
    headers = signing.headers([present, former], signing.new_webhook_id(), instants.now(), body.encode())
    assert len(headers["webhook-signature"].split(" ")) == 2
    for secret in (former, present):
        standardwebhooks.Webhook(secret.text).verify(body, headers)
    with pytest.raises(standardwebhooks.WebhookVerificationError):
        standardwebhooks.Webhook(signing.new_secret().text).verify(body, headers)


@pytest.mark.parametrize("changed", ["body", "webhook-id", "webhook-timestamp"])
def test_nothing_of_what_is_signed_can_be_changed(changed: str) -> None:
    secret = signing.new_secret()
    body = signing.body("alert.raised", instants.now(), "{}")
    headers = signing.headers([secret], signing.new_webhook_id(), instants.now(), body.encode())
    if changed == "body":
        body += " "
    else:
        headers[changed] = str(int(headers[changed]) + 1) if changed == "webhook-timestamp" else "msg_other"
    with pytest.raises(standardwebhooks.WebhookVerificationError):
        standardwebhooks.Webhook(secret.text).verify(body, headers)


def test_an_old_attempt_is_refused_by_the_receiver() -> None:
    secret = signing.new_secret()
    body = signing.body("alert.raised", instants.now(), "{}")
    headers = signing.headers([secret], signing.new_webhook_id(), instants.now() - timedelta(minutes=6), body.encode())
    with pytest.raises(standardwebhooks.WebhookVerificationError, match="old"):
        standardwebhooks.Webhook(secret.text).verify(body, headers)


def test_the_body_has_type_time_and_data() -> None:
    vietnam = datetime(2026, 11, 23, 8, 0, tzinfo=timezone(timedelta(hours=7)))
    assert signing.body("alert.raised", vietnam, '{"x":"Thanh Hoá"}') == (
        '{"type":"alert.raised","timestamp":"2026-11-23T01:00:00Z","data":{"x":"Thanh Hoá"}}'
    )


def test_secrets_and_ids_have_the_form_of_the_specification() -> None:
    secret = signing.new_secret()
    assert secret.text.startswith("whsec_")
    assert len(base64.b64decode(secret.text.removeprefix("whsec_"))) == 32
    assert signing.secret_of(secret.text) == secret
    assert "." not in signing.new_webhook_id()
    assert signing.new_webhook_id() != signing.new_webhook_id()


def test_a_secret_does_not_show_itself() -> None:
    secret = Secret(b"k" * 32)
    assert repr(secret) == str(secret) == "Secret()"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "whsec_",
        "whsec_AAAA",
        "whsec_" + "A" * 200,
        "whsec_" + "é" * 44,
        "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "whsk_AAAA",
    ],
)
def test_what_is_no_secret_is_refused_without_being_repeated(text: str) -> None:
    with pytest.raises(NotASecret) as refusal:
        signing.secret_of(text)
    hidden = text.removeprefix(signing.PREFIX)
    assert not hidden or hidden not in str(refusal.value)


def test_the_timestamp_is_that_of_the_attempt() -> None:
    at = datetime(2026, 11, 23, 1, 2, 3, 999_999, tzinfo=UTC)
    assert signing.headers([], "msg_1", at, b"")["webhook-timestamp"] == str(int(at.timestamp()))
