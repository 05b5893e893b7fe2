"""Generated requests, made from the committed OpenAPI document, against the running gateway: no 5xx, no surprise."""

import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis import Case
from schemathesis.checks import not_a_server_error
from schemathesis.config import SchemathesisConfig
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from core import access
from core.rights import Role
from gateway import access_matrix, application
from gateway.settings import Settings
from tests.fixtures.ledger import STAFF_TOKEN, Centre

DOCUMENT = Path(application.__file__).parent / "openapi.json"
CONFIG = SchemathesisConfig.from_dict({"cache": {"enabled": False}, "phases": {"coverage": {"enabled": False}}})
# The live stream does not end, and a mail that is tried needs a server that takes it; both have tests of their own.
OTHERS = ["/v1/events", "/v1/mail-subscriptions/{number}/test"]
schema = schemathesis.openapi.from_path(DOCUMENT, config=CONFIG).exclude(path=OTHERS)
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
# What is there: half of the requests ask for nothing that is, the others for these.
REAL = {"code": "TH-NT-002", "symbol": "COD", "datastream_id": 1, "limit_id": 1, "receipt_id": 1, "entry_id": 1}
RULES = {(rule.method, rule.path): rule for rule in access_matrix.rules(application.create(Settings()))}
# What nobody asks who is no station yet stands under /v1 too.
GUARDED = schema.include(path_regex="^/v1/").exclude(path=[path for _, path in access.OPEN_ROUTES])
# What changes something, and asks for more than the right to read.
CHANGES = {key for key, rule in RULES.items() if key[0] != "GET" and not rule.admits(Role.VIEWER)}
NOT_FOR_VIEWERS = GUARDED.exclude(
    lambda asked: (asked.operation.method.upper(), asked.operation.path) not in CHANGES,
)
SECRET = "A" * 43
# No credential, and one of each form that nobody has.
WRONG = [
    None,
    f"st_nobody00.{SECRET}",
    f"qt_nobody00.{SECRET}",
    f"eyJhbGciOiJub25lIn0.e30.{SECRET}",
    "not the staff's token",
]
ASKS_FOR_REAL = rf"{{({'|'.join(REAL)})}}"


def examples(count: int) -> settings:
    """The same examples at every run, bounded in number and not in time."""
    return settings(
        max_examples=count,
        derandomize=True,
        deadline=None,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )


@pytest.fixture(scope="module")
def session() -> Iterator[requests.Session]:
    """Connections that stay open from one request to the next."""
    with requests.Session() as opened:
        opened.trust_env = False
        yield opened


def ask(case: Case[Any], centre: Centre, session: requests.Session, credential: str | None) -> int:
    """Send the request and hold the answer to the document; the status."""
    headers = {} if credential is None else {"Authorization": f"Bearer {credential}"}
    response = case.call(base_url=centre.url, session=session, headers=headers, timeout=60)
    case.validate_response(response, checks=CHECKS)
    return int(response.status_code)


@schema.parametrize()
@examples(6)
def test_whatever_the_staff_asks_is_answered_as_described(
    case: Case[Any], standing_centre: Centre, session: requests.Session
) -> None:
    ask(case, standing_centre, session, STAFF_TOKEN)


@schema.include(path_regex=ASKS_FOR_REAL).parametrize()
@examples(6)
def test_what_the_staff_asks_of_things_that_are_there_is_answered_as_described(
    case: Case[Any], standing_centre: Centre, session: requests.Session
) -> None:
    case.path_parameters.update({name: value for name, value in REAL.items() if name in case.path_parameters})
    ask(case, standing_centre, session, STAFF_TOKEN)


@schema.parametrize()
@examples(3)
def test_whatever_a_station_asks_is_answered_as_described(
    case: Case[Any], standing_centre: Centre, session: requests.Session
) -> None:
    case.path_parameters.update({name: value for name, value in REAL.items() if name in case.path_parameters})
    ask(case, standing_centre, session, standing_centre.credentials["TH-NT-001"])


@pytest.fixture(scope="module")
def viewers_token(standing_centre: Centre) -> str:
    """A token of a program that may read, and nothing else."""
    body: Any = {"label": "screen", "grants": [{"role": "viewer"}]}
    headers = {"Authorization": f"Bearer {STAFF_TOKEN}"}
    answer = requests.post(f"{standing_centre.url}/v1/service-tokens", json=body, headers=headers, timeout=60)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["token"])


@NOT_FOR_VIEWERS.parametrize()
@examples(1)
def test_who_may_read_does_nothing_else(
    case: Case[Any], standing_centre: Centre, session: requests.Session, viewers_token: str
) -> None:
    case.path_parameters.update({name: value for name, value in REAL.items() if name in case.path_parameters})
    assert ask(case, standing_centre, session, viewers_token) == 403


@GUARDED.parametrize()
@examples(1)
def test_nobody_learns_anything_without_a_credential_that_holds(
    case: Case[Any], standing_centre: Centre, session: requests.Session
) -> None:
    label = f"{case.method} {case.operation.path}"
    assert ask(case, standing_centre, session, WRONG[zlib.crc32(label.encode()) % len(WRONG)]) == 401
