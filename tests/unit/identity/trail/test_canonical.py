"""The bytes that hashes are taken of, against values that were worked out by hand."""

import hashlib
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from identity.trail import canonical
from identity.trail.canonical import GENESIS
from tests.fixtures.trails import chain_of


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        (True, "true"),
        (-12, "-12"),
        (Decimal("12.50"), "12.50"),
        (Decimal("1E+3"), "1000"),
        (Decimal("1E-7"), "0.0000001"),
        ('"\\\n\t\x01\x7f Đ 🌊', '"\\"\\\\\\n\\t\\u0001\x7f Đ 🌊"'),
        ([1, [], {}], "[1, [], {}]"),
        # By length in bytes first: đ has two.
        ({"bb": 1, "a": 2, "đ": 3, "B": 4, "aa": 5}, '{"B": 4, "a": 2, "aa": 5, "bb": 1, "đ": 3}'),
    ],
)
def test_json_has_one_form(value: Any, text: str) -> None:
    assert canonical.json_text(value) == text


def test_what_has_no_form_is_refused() -> None:
    with pytest.raises(TypeError):
        canonical.json_text(1.5)


def test_fields_stand_behind_their_lengths_in_bytes() -> None:
    assert canonical.fields((1, "", None, "Đô,", 'a":')) == '1:1,0:,-,5:Đô,,3:a":,'.encode()
    assert canonical.fields(("ab", "c")) != canonical.fields(("a", "bc"))


def test_the_hash_of_an_entry() -> None:
    (entry,) = chain_of('{"code": "TH-NT-001"}')
    said = (
        b"1:1,16:1795000000000001,10:lan.nguyen,8:10.0.0.7,0:,16:quantrac_gateway,4:7000,6:insert,7:station,"
        b'9:TH-NT-001,-,21:{"code": "TH-NT-001"},'
    )
    assert entry.hash == hashlib.sha256(bytes(32) + said).digest()
    assert canonical.hash_of(replace(entry, previous=b"x" * 32)) == hashlib.sha256(b"x" * 32 + said).digest()
    assert entry.previous == GENESIS
