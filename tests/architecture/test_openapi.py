"""The committed OpenAPI document is the application's, and describes every operation in full."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute

from core import access, problems
from gateway import access_matrix, application, settings
from tests.architecture.sources import SOURCE

COMMITTED = SOURCE / "gateway" / "openapi.json"
METHODS = {"get", "put", "post", "patch", "delete"}

# What anybody may ask: probes, and the documentation of the interface itself.
OPEN_PATHS = {"/livez", "/readyz", "/openapi.json"}


@pytest.fixture(scope="module")
def app() -> FastAPI:
    return application.create(settings.Settings())


@pytest.fixture(scope="module")
def document(app: FastAPI) -> dict[str, Any]:
    return app.openapi()


def _operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        for method in METHODS & item.keys():
            yield f"{method.upper()} {path}", item[method]


def _calls(dependant: Dependant) -> Iterator[object]:
    yield dependant.call
    for inner in dependant.dependencies:
        yield from _calls(inner)


def test_the_committed_document_is_the_applications(document: dict[str, Any]) -> None:
    committed = json.loads(COMMITTED.read_text(encoding="utf-8"))
    assert committed == document, "the interface changed: run `make openapi`, read the difference, commit it"


def test_every_operation_has_a_summary_a_description_and_a_tag(document: dict[str, Any]) -> None:
    bare = [
        name
        for name, operation in _operations(document)
        if not all(operation.get(m) for m in ("summary", "description", "tags"))
    ]
    assert bare == []


def test_every_operation_says_which_errors_it_answers_with(document: dict[str, Any]) -> None:
    silent = [
        name
        for name, operation in _operations(document)
        if name.split()[1] not in OPEN_PATHS and not any(status.startswith("4") for status in operation["responses"])
    ]
    assert silent == []


# Whoever asks may be unknown or not allowed, may ask wrongly, or may find the database away.
ALWAYS = {"401", "403", "422", "429", "503"}


def test_every_error_of_the_interface_reads_as_a_problem(document: dict[str, Any]) -> None:
    reference = {"$ref": f"#/components/schemas/{problems.SCHEMA_NAME}"}
    odd = []
    for name, operation in _operations(document):
        if name.split()[1] in OPEN_PATHS:
            continue
        described = {status: answer for status, answer in operation["responses"].items() if status >= "400"}
        odd += [f"{name}: no {status}" for status in ALWAYS - described.keys()]
        odd += [
            f"{name}: {status}"
            for status, answer in described.items()
            if answer.get("content", {}).get(problems.MEDIA_TYPE, {}).get("schema") != reference
        ]
    assert odd == []


def test_operation_ids_are_unique(document: dict[str, Any]) -> None:
    ids = [operation["operationId"] for _, operation in _operations(document)]
    assert sorted(ids) == sorted(set(ids))


def _routes(routes: Iterable[BaseRoute]) -> Iterator[APIRoute]:
    """Those of included routers too, which stand in the application as one route each."""
    for route in routes:
        if isinstance(route, APIRoute):
            yield route
        elif (router := getattr(route, "original_router", None)) is not None:
            yield from _routes(router.routes)


def test_every_route_asks_who_is_there(app: FastAPI, document: dict[str, Any]) -> None:
    routes = list(_routes(app.routes))
    # Each of them with the reason beside it.
    strangers = OPEN_PATHS | access_matrix.OUTSIDE.keys() | {path for _, path in access.OPEN_ROUTES}
    unasked = [
        route.path
        for route in routes
        if route.path not in strangers and access._identified not in _calls(route.dependant)
    ]
    assert unasked == []
    described = {path for path, item in document["paths"].items() if item.keys() & METHODS}
    assert {route.path for route in routes} >= described
