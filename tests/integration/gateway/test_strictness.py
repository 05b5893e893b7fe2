"""What is misspelt or of another kind is refused and named, not guessed at."""

from typing import Any

import pytest

from tests.fixtures.applications import TOKEN, Gateway

_STAFF = {"Authorization": f"Bearer {TOKEN}"}


@pytest.mark.parametrize(
    ("path", "field", "expected"),
    [
        ("/v1/latest?stations=TH-NT-001", "query.stations", "one of format, kind, station, zone"),
        ("/v1/completeness?From=2026-01-01T00:00:00Z", "query.From", "one of format, from, kind, station, to, zone"),
        ("/v1/quality-flags?lang=vi", "query.lang", "no parameters"),
        (
            "/v1/stations?format=geojson&kinds=ambient",
            "query.kinds",
            "one of cursor, district, format, kind, limit, organization, q, status",
        ),
        ("/v1/receipts?x=1", "query.x", "one of channel, cursor, from, limit, outcome, station, to"),
        ("/v1/datastreams/1?symbol=COD", "query.symbol", "no parameters"),
    ],
)
async def test_a_parameter_that_is_not_known_is_named(gateway: Gateway, path: str, field: str, expected: str) -> None:
    answer = await gateway.client.get(path, headers=_STAFF)
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:quantrac:problem:unknown-parameter")
    assert answer.json()["errors"] == [{"field": field, "found": "a parameter", "expected": expected}]


async def test_probes_may_add_what_they_like(gateway: Gateway) -> None:
    assert (await gateway.client.get("/livez?probe=7")).status_code == 200


@pytest.mark.parametrize(
    "path", ["/v1/datastreams/1.0", "/v1/observations?station=TH-NT-001&from=1", "/v1/receipts?from=1767225600&to=2"]
)
async def test_numbers_of_another_kind_are_no_ids_and_no_times(gateway: Gateway, path: str) -> None:
    answer = await gateway.client.get(path, headers=_STAFF)
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:quantrac:problem:invalid-request")


@pytest.mark.parametrize(
    "changes", [{"cadenceSeconds": True}, {"demonstration": 1}, {"latitude": False, "longitude": 105.0}]
)
async def test_a_boolean_is_no_number_and_a_number_is_no_boolean(gateway: Gateway, changes: dict[str, Any]) -> None:
    answer = await gateway.client.patch("/v1/stations/TH-NT-001", json=changes, headers=_STAFF | {"If-Match": "*"})
    assert answer.status_code == 422, answer.text
    assert next(iter(changes)) in answer.json()["errors"][0]["field"]


async def test_a_limit_does_not_begin_at_a_number(gateway: Gateway) -> None:
    body = {"ruleSet": "QCVN-40-2011-B", "validFrom": 1767225600}
    answer = await gateway.post("/v1/stations/TH-NT-001/limits", body)
    assert answer.status_code == 422, answer.text
    assert "RFC 3339" in answer.json()["errors"][0]["expected"]


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/v1/observations", "GET, POST"),
        ("/v1/stations", "GET, POST"),
        ("/v1/limits/1", "GET, PATCH, DELETE"),
        ("/livez", "GET"),
    ],
)
async def test_every_method_of_an_address_is_told(gateway: Gateway, path: str, allowed: str) -> None:
    answer = await gateway.client.put(path, headers=_STAFF)
    assert (answer.status_code, answer.headers["allow"]) == (405, allowed)
