"""Whatever goes wrong is answered as RFC 9457 problem details, seen from outside."""

import json
import logging
from collections.abc import AsyncIterator
from typing import Annotated, Any

import httpx
import pytest
import structlog
from fastapi import FastAPI, Query
from fastapi.responses import StreamingResponse
from pydantic import model_validator
from starlette.exceptions import HTTPException
from starlette.responses import Response

from core import errors, problems, wire


class _Body(wire.Body):
    lower: float
    upper: float

    @model_validator(mode="after")
    def _in_order(self) -> "_Body":
        if self.lower > self.upper:
            raise ValueError("lower is expected to be at most upper")
        return self


def _application() -> FastAPI:
    app = FastAPI()
    problems.install(app)

    @app.get("/busy")
    async def busy() -> None:
        fault = errors.Fault("queue", "full \ud800", "room")
        raise errors.Overloaded("Come again \udfff.", faults=[fault], extra={"waiting": 7}, retry_after=3)

    @app.get("/nobody")
    async def nobody() -> None:
        raise errors.Unauthorized("Who is there?")

    @app.get("/broken")
    async def broken() -> None:
        raise RuntimeError("the password is hunter2")

    @app.get("/begun")
    async def begun() -> StreamingResponse:
        async def parts() -> AsyncIterator[bytes]:
            yield b"a part"
            raise RuntimeError("the rest is lost")

        return StreamingResponse(parts())

    @app.get("/framework/{status}")
    async def framework(status: int) -> None:
        raise HTTPException(status, "as the framework says", headers={"Allow": "GET"})

    @app.get("/numbers")
    async def numbers(limit: Annotated[int, Query(ge=1)] = 1) -> int:
        return limit

    @app.post("/bodies")
    async def bodies(body: _Body) -> _Body:
        return body

    return app


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(_application())
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        yield client


def _problem(answer: httpx.Response, status: int, slug: str) -> dict[str, Any]:
    assert answer.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = answer.json()
    assert (answer.status_code, body["status"], body["type"]) == (status, status, f"urn:quantrac:problem:{slug}")
    assert body["instance"] == answer.request.url.path
    assert problems.SCHEMA["required"] <= list(body)[:5]
    return body


async def test_a_situation_says_what_it_is(client: httpx.AsyncClient) -> None:
    answer = await client.get("/busy")
    body = _problem(answer, 503, "overloaded")
    assert (body["title"], body["waiting"], answer.headers["retry-after"]) == ("The service is at its limit", 7, "3")


async def test_text_that_no_encoding_has_is_written_as_an_escape(client: httpx.AsyncClient) -> None:
    body = _problem(await client.get("/busy"), 503, "overloaded")
    assert body["detail"] == "Come again \\udfff."
    assert body["errors"] == [{"field": "queue", "found": "full \\ud800", "expected": "room"}]


async def test_who_is_not_known_is_asked_for_a_bearer(client: httpx.AsyncClient) -> None:
    answer = await client.get("/nobody")
    body = _problem(answer, 401, "unauthorized")
    assert answer.headers["www-authenticate"] == "Bearer"
    assert "errors" not in body


async def test_the_unexpected_tells_nothing_of_itself_and_is_logged_once(
    client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG), structlog.testing.capture_logs() as lines:
        # The transport raises what is left for the server to log: nothing is.
        answer = await client.get("/broken")
    _problem(answer, 500, "internal-error")
    assert "hunter2" not in answer.text
    assert [(line["event"], line["path"], line["method"]) for line in lines] == [("request.failed", "/broken", "GET")]
    assert str(lines[0]["exc_info"]) == "the password is hunter2"
    assert [record for record in caplog.records if record.name != "httpx"] == []


async def test_an_answer_that_breaks_off_is_left_to_the_server(client: httpx.AsyncClient) -> None:
    with structlog.testing.capture_logs() as lines, pytest.raises(RuntimeError, match="the rest is lost"):
        await client.get("/begun")
    assert lines == []


async def test_an_error_of_a_middleware_is_a_problem_too() -> None:
    app = _application()

    @app.middleware("http")
    async def fail(*_: object) -> Response:
        raise RuntimeError("the password is hunter2")

    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        answer = await client.get("/busy")
    _problem(answer, 500, "internal-error")
    assert "hunter2" not in answer.text


async def test_a_parameter_that_is_not_valid_is_named(client: httpx.AsyncClient) -> None:
    body = _problem(await client.get("/numbers", params={"limit": 0}), 422, "invalid-request")
    assert body["errors"] == [
        {"field": "query.limit", "found": "0", "expected": "Input should be greater than or equal to 1"}
    ]


async def test_what_is_wrong_with_the_whole_is_said_in_our_words(client: httpx.AsyncClient) -> None:
    body = _problem(await client.post("/bodies", json={"lower": 2, "upper": 1}), 422, "invalid-request")
    assert body["errors"][0]["expected"] == "lower is expected to be at most upper"


async def test_every_fault_of_a_body_is_told_at_once(client: httpx.AsyncClient) -> None:
    body = _problem(await client.post("/bodies", json={"lower": "x", "colour": "red"}), 422, "invalid-request")
    assert {error["field"] for error in body["errors"]} == {"body.lower", "body.upper", "body.colour"}


async def test_a_long_value_is_shown_shortened(client: httpx.AsyncClient) -> None:
    body = _problem(await client.post("/bodies", json={"lower": "9" * 5000, "upper": 1}), 422, "invalid-request")
    assert len(body["errors"][0]["found"]) < 210


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b"[" * 50_000])
async def test_a_body_that_is_no_json_is_invalid(client: httpx.AsyncClient, body: bytes) -> None:
    answer = await client.post("/bodies", content=body, headers={"Content-Type": "application/json"})
    _problem(answer, 422, "invalid-request")


async def test_an_unknown_address_is_not_found(client: httpx.AsyncClient) -> None:
    _problem(await client.get("/nowhere"), 404, "not-found")


async def test_a_wrong_method_says_which_are_right(client: httpx.AsyncClient) -> None:
    answer = await client.delete("/numbers")
    _problem(answer, 405, "method-not-allowed")
    assert answer.headers["allow"] == "GET"


async def test_a_status_of_the_framework_that_no_kind_has_stays_what_it_is(client: httpx.AsyncClient) -> None:
    answer = await client.get("/framework/406")
    assert (answer.status_code, answer.headers["allow"]) == (406, "GET")
    assert answer.json() == {
        "type": "about:blank",
        "title": "Not Acceptable",
        "status": 406,
        "detail": "as the framework says",
        "instance": "/framework/406",
    }


def test_a_document_can_always_be_written() -> None:
    error = errors.Invalid("\ud800", faults=[errors.Fault("a\udfff", "\ud800", "\udc00")])
    assert json.dumps(problems.document(error, "/v1/x")).encode()


def test_a_key_in_the_wrong_place_is_not_said_again() -> None:
    key = "st_abcdefgh." + "k" * 43
    error = errors.NotFound(f"There is no station {key}.", faults=[errors.Fault(key, f"code {key}", "a code")])
    told = problems.document(error, f"/v1/stations/{key}")
    assert "kkkk" not in str(told)
    assert told["detail"] == "There is no station st_abcdefgh.***."
    assert told["instance"] == "/v1/stations/st_abcdefgh.***"


def test_the_word_bearer_and_addresses_are_said_as_they_are() -> None:
    detail = "Send `Authorization: Bearer <key or token>` to https://a:b@example.vn, not whsec_" + "x" * 32
    assert problems.document(errors.Unauthorized(detail), "/")["detail"] == detail.replace("x" * 32, "***")
