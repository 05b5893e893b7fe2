"""Turns every error into RFC 9457 problem details, in one place."""

import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import msgspec
import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from core import errors, log

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:quantrac:problem:"
# The name of SCHEMA among the components of the OpenAPI document, and how an answer refers to it there.
SCHEMA_NAME = "Problem"
SCHEMA_REFERENCE: Mapping[str, Any] = {"$ref": f"#/components/schemas/{SCHEMA_NAME}"}
SCHEMA: Mapping[str, Any] = {
    "title": SCHEMA_NAME,
    "description": "Problem details as in RFC 9457. A situation may add members of its own.",
    "type": "object",
    "required": ["type", "title", "status", "detail", "instance"],
    "properties": {
        "type": {"type": "string", "description": f"`{TYPE_PREFIX}` and the name of the situation."},
        "title": {"type": "string", "description": "The same for every problem of the type."},
        "status": {"type": "integer", "description": "Status of the answer."},
        "detail": {"type": "string", "description": "What happened this time."},
        "instance": {"type": "string", "description": "Path of the request."},
        "errors": {
            "type": "array",
            "description": "Each thing that was wrong in the request.",
            "items": {
                "type": "object",
                "required": ["field", "found", "expected"],
                "properties": {name: {"type": "string"} for name in ("field", "found", "expected")},
            },
        },
    },
}

# Members of bodies that hold what only their sender knows.
_TYPED = re.compile("password|secret", re.IGNORECASE)
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")

_log = structlog.get_logger(__name__)
_BY_STATUS: dict[int, type[errors.Error]] = {
    400: errors.Invalid,
    401: errors.Unauthorized,
    403: errors.Forbidden,
    404: errors.NotFound,
    405: errors.MethodNotAllowed,
    413: errors.TooLarge,
    415: errors.Unsupported,
}


def _sayable(text: str) -> str:
    """The text as it may be answered, whatever of the request it repeats.

    Lone surrogates, which JSON can bring in and UTF-8 cannot bring out, are written as escapes. A key that was put in
    the wrong place is not said again: answers are written into logs and tickets.
    """
    return log.without_keys(text.encode("utf-8", "backslashreplace").decode())


def document(error: errors.Error, instance: str) -> dict[str, Any]:
    """The members of the problem details object for an error met at a path."""
    body: dict[str, Any] = {
        "type": TYPE_PREFIX + error.slug,
        "title": error.title,
        "status": error.status,
        "detail": _sayable(error.detail),
        "instance": _sayable(instance),
    }
    if error.faults:
        body["errors"] = [
            {"field": _sayable(f.field), "found": _sayable(f.found), "expected": _sayable(f.expected)}
            for f in error.faults
        ]
    return body | error.extra


def response(error: errors.Error, instance: str) -> Response:
    headers = {}
    if error.retry_after is not None:
        headers["Retry-After"] = str(error.retry_after)
    if error.status == errors.Unauthorized.status:
        headers["WWW-Authenticate"] = "Bearer"
    content = msgspec.json.encode(document(error, instance))
    return Response(content, status_code=error.status, media_type=MEDIA_TYPE, headers=headers)


async def _on_error(request: Request, error: Exception) -> Response:
    if not isinstance(error, errors.Error):
        raise error
    return response(error, request.url.path)


def _found(location: Sequence[object], value: object) -> object:
    """What was found, without what somebody typed as a password: it is said again nowhere."""
    if any(_TYPED.search(str(part)) for part in location):
        return "***"
    if isinstance(value, dict):
        return {name: "***" if _TYPED.search(str(name)) else item for name, item in value.items()}
    return value


async def _on_invalid(request: Request, error: Exception) -> Response:
    if not isinstance(error, RequestValidationError):
        raise error
    faults = [
        errors.Fault(
            field=".".join(str(part) for part in fault["loc"]),
            found=errors.shown(_found(fault["loc"], fault.get("input"))),
            expected=str(fault["msg"]).removeprefix("Value error, "),
        )
        for fault in error.errors()
    ]
    where = ", ".join(fault.field for fault in faults)
    return response(errors.Invalid(f"Not valid: {where}.", faults=faults), request.url.path)


async def _on_http(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    # A known kind has one status everywhere: a body that is not even text is as invalid as one with a wrong member.
    kind = _BY_STATUS.get(error.status_code)
    path = request.url.path
    answer = _untyped(error, path) if kind is None else response(kind(str(error.detail)), path)
    answer.headers.update(error.headers or {})
    if kind is errors.MethodNotAllowed and (allowed := _allowed(request)):
        answer.headers["Allow"] = ", ".join(allowed)
    return answer


def _allowed(request: Request) -> list[str]:
    """Every method of the address; the framework names those of one of its routes."""

    def answers(method: str) -> bool:
        scope = {**request.scope, "method": method}
        return any(route.matches(scope)[0] is Match.FULL for route in request.app.routes)

    return [method for method in _METHODS if answers(method)]


def _untyped(error: HTTPException, instance: str) -> Response:
    """A problem that says no more than its status does."""
    body = {
        "type": "about:blank",
        "title": HTTPStatus(error.status_code).phrase,
        "status": error.status_code,
        "detail": str(error.detail),
        "instance": _sayable(instance),
    }
    return Response(msgspec.json.encode(body), status_code=error.status_code, media_type=MEDIA_TYPE)


def _unexpected(instance: str) -> Response:
    return response(errors.Error("The error was logged; nothing that was not answered is kept."), instance)


async def _on_unexpected(request: Request, _: Exception) -> Response:
    """Answer an error of another middleware; the server logs it."""
    return _unexpected(request.url.path)


class Unexpected:
    """Middleware that logs an unexpected error, once and among the request's own lines, and answers it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def send_noted(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, receive, send_noted)
        except Exception as error:
            if started:
                # The server breaks the connection off, so that nobody takes what was sent for the whole, and logs it.
                raise
            _log.error("request.failed", path=scope["path"], method=scope["method"], exc_info=error)
            await _unexpected(scope["path"])(scope, receive, send)


def install(app: FastAPI) -> None:
    """Give the application its error handlers; middleware that is added later stands in front of them."""
    app.add_exception_handler(errors.Error, _on_error)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(Exception, _on_unexpected)
    app.add_middleware(Unexpected)
