"""Error answers as the OpenAPI document tells them."""

from typing import Any

from core import describing, errors, problems


class _Missing(errors.NotFound):
    slug = "thing-missing"
    title = "No such thing"


class _Gone(errors.NotFound):
    slug = "thing-gone"
    title = "The thing was taken away"


def _content(answer: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = answer["content"][problems.MEDIA_TYPE]
    return found


def test_every_route_has_the_answers_that_every_route_can_give() -> None:
    assert list(describing.refusals()) == [401, 403, 422, 503]


def test_kinds_of_one_status_share_an_answer() -> None:
    answer = describing.refusals(_Missing, _Gone, _Missing)[404]
    assert answer["description"] == "No such thing; The thing was taken away"


def test_an_example_is_the_problem_that_the_route_named() -> None:
    example = _content(describing.refusals(_Missing)[404])["example"]
    assert example == {
        "type": "urn:quantrac:problem:thing-missing",
        "title": "No such thing",
        "status": 404,
        "detail": "No such thing.",
        "instance": "/v1/…",
    }


def test_all_answers_refer_to_one_schema() -> None:
    answers = describing.refusals(_Missing).values()
    assert {_content(answer)["schema"]["$ref"] for answer in answers} == {"#/components/schemas/Problem"}


def test_the_schema_has_the_members_of_a_problem() -> None:
    error = errors.Invalid("Not valid.", faults=[errors.Fault("a", "b", "c")])
    assert list(problems.document(error, "/v1/x")) == list(problems.SCHEMA["properties"])
