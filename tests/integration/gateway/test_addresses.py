"""An address is what it is: no redirect that a Host header could lead astray."""

import pytest

from tests.fixtures.applications import Gateway


@pytest.mark.parametrize("path", ["/v1/observations/", "/v1/stations/", "/docs/", "//v1/stations"])
async def test_an_address_with_a_slash_too_many_is_not_found(gateway: Gateway, path: str) -> None:
    answer = await gateway.get(path)
    assert (answer.status_code, answer.json()["type"]) == (404, "urn:quantrac:problem:not-found")
    assert "location" not in answer.headers
