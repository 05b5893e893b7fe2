"""Error answers as the OpenAPI document tells them."""

from typing import Any

from core import describing, errors, problems


def _content(answer: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = answer["content"][problems.MEDIA_TYPE]
    return found


def test_every_route_has_the_answers_that_every_route_can_give() -> None:
    assert list(describing.refusals()) == [401, 403, 422, 429, 503]


def test_kinds_of_one_status_share_an_answer() -> None:
    answer = describing.refusals(errors.Overloaded, errors.Unavailable, errors.Overloaded)[503]
    assert answer["description"] == (
        "The database does not answer; The service is at its limit; A part that the service needs does not answer"
    )


def test_an_example_is_the_problem_that_the_route_named() -> None:
    example = _content(describing.refusals(errors.NotFound)[404])["example"]
    assert example == {
        "type": "urn:quantrac:problem:not-found",
        "title": "No such resource",
        "status": 404,
        "detail": "No such resource.",
        "instance": "/v1/…",
    }


def test_all_answers_refer_to_one_schema() -> None:
    answers = describing.refusals(errors.NotFound).values()
    assert {_content(answer)["schema"]["$ref"] for answer in answers} == {"#/components/schemas/Problem"}


def test_the_schema_has_the_members_of_a_problem() -> None:
    error = errors.Invalid("Not valid.", faults=[errors.Fault("a", "b", "c")])
    assert list(problems.document(error, "/v1/x")) == list(problems.SCHEMA["properties"])
