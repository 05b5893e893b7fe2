"""The token against forged requests follows from the session and tells nothing of it."""

import pytest

from core.access import Presented
from identity.sessions import csrf
from identity.sessions.errors import ForeignRequest

COOKIE = "c" * 43


def presented(**more: str | None) -> Presented:
    return Presented(**{"cookie": COOKIE, "method": "POST", "host": "gateway", **more})  # type: ignore[arg-type]


def test_each_session_has_a_token_of_its_own_that_is_not_its_cookie() -> None:
    token = csrf.token_of(COOKIE)
    assert token == csrf.token_of(COOKIE)
    assert token != csrf.token_of("d" * 43)
    assert COOKIE not in token
    assert len(token) == 43


@pytest.mark.parametrize("token", [None, "", "wrong", "đ", "\udcff", COOKIE])
def test_a_change_without_the_token_is_refused_whatever_stands_in_its_place(token: str | None) -> None:
    with pytest.raises(ForeignRequest):
        csrf.check(presented(csrf=token))


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_reading_needs_no_token(method: str) -> None:
    csrf.check(presented(method=method, origin="http://evil.example"))


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "ANYTHING"])
def test_every_other_method_needs_one(method: str) -> None:
    with pytest.raises(ForeignRequest):
        csrf.check(presented(method=method))
    csrf.check(presented(method=method, csrf=csrf.token_of(COOKIE)))


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("http://gateway", None),
        ("http://gateway", ""),
        ("file://", "gateway"),
        ("gateway", "gateway"),
        ("http://gateway:99999", "gateway"),
        ("http://evil.example", "gateway"),
        ("http://gateway@evil.example", "gateway"),
    ],
)
def test_an_origin_that_is_not_this_host_is_foreign(origin: str, host: str | None) -> None:
    with pytest.raises(ForeignRequest):
        csrf.refuse_foreign(presented(origin=origin, host=host))


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("http://gateway", "gateway"),
        ("http://GATEWAY:8000", "gateway:8000"),
        ("https://gateway", "gateway:443"),
        ("http://[::1]:8000", "[::1]:8000"),
    ],
)
def test_an_origin_is_this_host_with_or_without_the_port_that_goes_without_saying(origin: str, host: str) -> None:
    csrf.refuse_foreign(presented(origin=origin, host=host))
