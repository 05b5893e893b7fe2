"""Station keys and their hashes."""

import base64
import hashlib
import hmac
import re
from typing import Any

import bcrypt
import pytest

from telemetry.catalog import keys, snapshot

CREDENTIAL = "st_abcdefgh." + "s" * 43
NOW_US = 1_800_000_000 * 10**6


def entry(**members: Any) -> snapshot.KeyEntry:
    known: dict[str, Any] = {
        "id": "st_abcdefgh",
        "station_id": 1,
        "sha256": keys.hashes(CREDENTIAL).sha256,
        "expires_us": snapshot.OPEN_END_US,
        "revoked": False,
    }
    return snapshot.KeyEntry(**known | members)


def picture(key: snapshot.KeyEntry) -> snapshot.Snapshot:
    station = snapshot.StationEntry(1, "NT-001", "wastewater", "active", 300, None)
    return snapshot.build(1, [station], [], [], [], [key])


def test_a_key_is_an_id_and_a_secret_of_256_bits() -> None:
    key_id, credential = keys.generate()
    assert re.fullmatch(r"st_[a-z0-9]{8}\.[A-Za-z0-9_-]{43}", credential)
    assert credential.partition(".")[0] == key_id
    assert len(base64.urlsafe_b64decode(credential.partition(".")[2] + "=")) == 32


def test_no_two_keys_are_alike() -> None:
    assert len({keys.generate()[1] for _ in range(1000)}) == 1000


def test_the_sha256_is_that_of_the_whole_credential() -> None:
    assert keys.hashes(CREDENTIAL).sha256 == hashlib.sha256(CREDENTIAL.encode()).digest()


def test_the_hash_for_nats_opens_to_the_whole_credential_only() -> None:
    made = keys.hashes(CREDENTIAL).nats_bcrypt
    assert re.match(r"\$2[ab]\$04\$", made)
    assert bcrypt.checkpw(CREDENTIAL.encode(), made.encode())
    assert not bcrypt.checkpw(CREDENTIAL[:-1].encode(), made.encode())
    # bcrypt reads 72 bytes at most; the credential must be within them.
    assert len(CREDENTIAL.encode()) <= 72


def test_the_hash_for_mosquitto_is_pbkdf2_with_sha512() -> None:
    made = keys.hashes(CREDENTIAL).mosquitto_pbkdf2
    empty, kind, iterations, salt, digest = made.split("$")
    assert (empty, kind) == ("", "7")
    assert len(base64.b64decode(salt)) == 12
    again = hashlib.pbkdf2_hmac("sha512", CREDENTIAL.encode(), base64.b64decode(salt), int(iterations))
    assert hmac.compare_digest(base64.b64decode(digest), again)


def test_every_hash_is_salted_anew() -> None:
    one, other = keys.hashes(CREDENTIAL), keys.hashes(CREDENTIAL)
    assert one.sha256 == other.sha256
    assert one.nats_bcrypt != other.nats_bcrypt
    assert one.mosquitto_pbkdf2 != other.mosquitto_pbkdf2


def test_a_live_key_opens() -> None:
    owner = picture(entry()).owner_of(CREDENTIAL, NOW_US)
    assert owner is not None
    assert owner.code == "NT-001"


@pytest.mark.parametrize(
    "credential", [CREDENTIAL[:-1], CREDENTIAL + "s", CREDENTIAL.upper(), "st_abcdefgh", "st_abcdefgh.", "", "\ud800"]
)
def test_nothing_but_the_whole_key_opens(credential: str) -> None:
    assert picture(entry()).owner_of(credential, NOW_US) is None


def test_a_revoked_key_opens_nothing() -> None:
    assert picture(entry(revoked=True)).owner_of(CREDENTIAL, NOW_US) is None


def test_a_key_opens_until_the_moment_at_which_it_expires() -> None:
    expiring = picture(entry(expires_us=NOW_US))
    assert expiring.owner_of(CREDENTIAL, NOW_US - 1) is not None
    assert expiring.owner_of(CREDENTIAL, NOW_US) is None


@pytest.mark.parametrize("credential", [CREDENTIAL, CREDENTIAL[:-1] + "x", "st_00000000." + "s" * 43, "nonsense"])
@pytest.mark.parametrize("revoked", [False, True])
def test_every_check_compares_once_in_constant_time(
    credential: str, revoked: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Known or not, revoked or not: the same work is done, with 32 bytes on both sides."""
    compared: list[tuple[int, int]] = []
    genuine = hmac.compare_digest

    def watched(one: bytes, other: bytes) -> bool:
        compared.append((len(one), len(other)))
        return genuine(one, other)

    monkeypatch.setattr(hmac, "compare_digest", watched)
    picture(entry(revoked=revoked)).owner_of(credential, NOW_US)
    assert compared == [(32, 32)]
