"""Every route of the application asks for one right, and the committed matrix of roles is the application's."""

from collections.abc import Callable

import pytest
from fastapi import APIRouter, Depends, FastAPI

from core import access
from core.rights import RIGHTS, Right, Role
from gateway import access_matrix, application, settings
from tests.architecture.sources import ROOT

COMMITTED = ROOT / "deploy" / "access-matrix.md"


@pytest.fixture(scope="module")
def app() -> FastAPI:
    return application.create(settings.Settings())


def test_every_route_has_a_rule_or_stands_open_for_a_reason(app: FastAPI) -> None:
    found = access_matrix.rules(app)
    assert len(found) > 100
    assert {rule.path for rule in found if not rule.path.startswith("/v1/")} <= {"/metrics"}


def test_what_stands_open_is_there_and_no_more(app: FastAPI) -> None:
    there = set(access_matrix.open_paths(app))
    assert access.OPEN_ROUTES.keys() <= there, "a reason is given for a route that is gone"
    assert {path for _, path in there} >= access_matrix.OUTSIDE.keys() - {"/pages/{file}"}
    assert all(access.OPEN_ROUTES.values())


def _with(*parameters: Callable[..., object], path: str = "/v1/things") -> FastAPI:
    """An application with one route that asks for these."""
    app, router = FastAPI(openapi_url=None, docs_url=None, redoc_url=None), APIRouter()
    router.add_api_route(path, lambda: None, methods=["GET"], dependencies=[Depends(asked) for asked in parameters])
    app.include_router(router)
    return app


def _unasked() -> None:
    """A dependency that knows nobody."""


@pytest.mark.parametrize(
    ("parameters", "rules"),
    [
        ((), 0),
        ((_unasked,), 0),
        ((access.Needs(Right.READ), access.Needs(Right.APPROVE)), 2),
        ((access.SignedIn(), access.StationOrReader()), 2),
    ],
)
def test_a_route_without_exactly_one_rule_is_found(parameters: tuple[Callable[..., object], ...], rules: int) -> None:
    with pytest.raises(access_matrix.NoRule, match=rf"GET /v1/things: {rules} rules"):
        access_matrix.rules(_with(*parameters))


def test_a_page_that_nobody_wrote_down_is_found() -> None:
    with pytest.raises(access_matrix.NoRule, match="GET /secret"):
        access_matrix.rules(_with(path="/secret"))


def test_the_same_rule_in_two_places_of_a_route_is_one() -> None:
    reader = access.Needs(Right.READ)
    found = access_matrix.rules(_with(reader, reader))
    assert [(rule.path, rule.right) for rule in found] == [
        ("/v1/observations", Right.SUBMIT),
        ("/v1/things", Right.READ),
    ]


def test_the_committed_matrix_is_the_applications(app: FastAPI) -> None:
    written = COMMITTED.read_text(encoding="utf-8")
    assert written == access_matrix.table(app), (
        "rights changed: run `make access-matrix`, read the difference, commit it"
    )


def test_reading_asks_for_reading_and_changing_never_for_it_alone(app: FastAPI) -> None:
    """A viewer changes nothing, whatever the method; what a station may change is its own."""
    changed = [
        f"{rule.method} {rule.path}"
        for rule in access_matrix.rules(app)
        if rule.method != "GET" and rule.right in {None, Right.READ} and rule.path not in ABOUT_ONESELF
    ]
    assert changed == []


# What anybody of the staff changes about themselves alone.
ABOUT_ONESELF = {"/v1/tokens", "/v1/tokens/{token}/revoke", "/v1/sessions", "/v1/sessions/{session}"}


def test_nobody_both_prepares_and_approves() -> None:
    approving = [role for role in Role if Right.APPROVE in RIGHTS[role]]
    assert approving == [Role.APPROVER]
    assert RIGHTS[Role.APPROVER] == {Right.READ, Right.APPROVE}


def test_every_role_reads_and_every_right_is_somebodys() -> None:
    assert all(Right.READ in RIGHTS[role] for role in Role)
    assert frozenset().union(*RIGHTS.values()) == frozenset(Right)
