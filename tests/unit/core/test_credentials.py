"""What is handed out, and what is kept of it."""

import hashlib
import re

from core import credentials


def test_a_credential_begins_with_its_id_and_is_never_the_same() -> None:
    made = [credentials.generate("st") for _ in range(1000)]
    assert len({credential for _, credential in made}) == 1000
    for public, credential in made:
        assert re.fullmatch(r"st_[a-z0-9]{8}", public)
        assert re.fullmatch(re.escape(public) + r"\.[A-Za-z0-9_-]{43}", credential)


def test_the_digest_is_sha_256() -> None:
    assert credentials.digest("khóa") == hashlib.sha256("khóa".encode()).digest()


def test_text_that_cannot_be_encoded_has_a_digest_of_its_own() -> None:
    assert credentials.digest("\ud800") != credentials.digest("\ud801")
