"""Secrets at rest: nothing of them is readable, and keys can be replaced one after the other."""

import base64
import secrets

import pytest

from telemetry.hooks.webhooks import errors, signing
from telemetry.hooks.webhooks.sealing import NotAKey, Seal


def _key() -> str:
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()


def test_a_sealed_secret_is_opened_with_its_key_only() -> None:
    key, secret = _key(), signing.new_secret()
    sealed = Seal(key).close(secret)
    assert secret.raw not in sealed
    assert secret.raw not in base64.urlsafe_b64decode(sealed)
    assert Seal(key).open(sealed) == secret
    with pytest.raises(errors.KeyMissing, match="another key"):
        Seal(_key()).open(sealed)


def test_the_same_secret_is_sealed_differently_each_time() -> None:
    seal, secret = Seal(_key()), signing.new_secret()
    assert seal.close(secret) != seal.close(secret)


def test_a_sealed_secret_that_was_changed_does_not_open() -> None:
    seal = Seal(_key())
    sealed = bytearray(seal.close(signing.new_secret()))
    sealed[40] ^= 1
    with pytest.raises(errors.KeyMissing):
        seal.open(bytes(sealed))


def test_a_former_key_still_opens_behind_the_new_one() -> None:
    former, present, secret = _key(), _key(), signing.new_secret()
    sealed = Seal(former).close(secret)
    both = Seal(f"{present}, {former}\n")
    assert both.open(sealed) == secret
    assert Seal(present).open(both.close(secret)) == secret


@pytest.mark.parametrize("keys", [None, "", " \n"])
def test_without_a_key_the_error_says_what_to_set(keys: str | None) -> None:
    seal = Seal(keys)
    assert not seal.ready
    with pytest.raises(errors.KeyMissing, match="QUANTRAC_HOOKS__SECRET_KEY_FILE"):
        seal.close(signing.new_secret())


def test_a_key_is_taken_in_either_alphabet_and_without_padding() -> None:
    raw = b"\xfb\xff" * 16
    forms = [base64.b64encode(raw).decode(), base64.urlsafe_b64encode(raw).decode()]
    secret = signing.new_secret()
    sealed = Seal(forms[0]).close(secret)
    assert [Seal(form).open(sealed) for form in [*forms, forms[0].rstrip("=")]] == [secret] * 3


@pytest.mark.parametrize("key", ["short", "A" * 42, "A" * 60, "é" * 44, "!" * 44])
def test_what_is_no_key_is_refused_without_being_repeated(key: str) -> None:
    with pytest.raises(NotAKey) as refusal:
        Seal(key)
    assert key not in str(refusal.value)
