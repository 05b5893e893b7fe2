"""Ids of requests: the caller's own where it does no harm."""

import pytest

from core import request_ids


@pytest.mark.parametrize("given", [b"a", b"7f3c-11", b"0" * 64, b"4bf92f35-77b3-4da6-a3ce-929d0e0e4736"])
def test_a_harmless_id_is_kept(given: bytes) -> None:
    assert request_ids.choose(given) == given.decode()


@pytest.mark.parametrize(
    "given", [None, b"", b"-", b"--", b"0" * 65, b"a b", b"a\nb", b'"', b"a\x00", "ắ".encode(), b"\xff", b"a;b", b"<a>"]
)
def test_any_other_is_replaced(given: bytes | None) -> None:
    chosen = request_ids.choose(given)
    assert len(chosen) >= 10
    assert chosen.isalnum()


def test_new_ids_are_all_different() -> None:
    assert len({request_ids.choose(None) for _ in range(1_000)}) == 1_000
