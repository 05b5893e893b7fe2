"""Every error has a kind, and a problem type by which callers tell it from all others."""

import re
from collections import Counter

import pytest

from core import errors

# The whole application, so that every error class is there to be looked at.
from gateway import application
from gateway.cli import main

KINDS = (
    errors.Invalid,
    errors.Unauthorized,
    errors.Forbidden,
    errors.NotFound,
    errors.MethodNotAllowed,
    errors.Conflict,
    errors.PreconditionFailed,
    errors.TooLarge,
    errors.Unsupported,
    errors.Overloaded,
    errors.Unavailable,
)


@pytest.fixture(scope="module")
def every_kind() -> list[type[errors.Error]]:
    assert callable(application.create)
    main.complete()
    return errors.every_kind()


def test_the_base_comes_first_and_nothing_comes_twice(every_kind: list[type[errors.Error]]) -> None:
    assert every_kind[0] is errors.Error
    assert len(set(every_kind)) == len(every_kind)
    assert set(KINDS) <= set(every_kind)


def test_every_situation_has_a_slug_and_a_title_of_its_own(every_kind: list[type[errors.Error]]) -> None:
    assert [slug for slug, times in Counter(kind.slug for kind in every_kind).items() if times > 1] == []
    assert [title for title, times in Counter(kind.title for kind in every_kind).items() if times > 1] == []


def test_slugs_are_lower_case_words(every_kind: list[type[errors.Error]]) -> None:
    assert [kind.slug for kind in every_kind if not re.fullmatch(r"[a-z]+(-[a-z]+)*", kind.slug)] == []


def test_titles_are_sentences_without_a_full_stop(every_kind: list[type[errors.Error]]) -> None:
    assert [kind.title for kind in every_kind if not kind.title[0].isupper() or kind.title.endswith(".")] == []


def test_an_error_keeps_what_it_was_told() -> None:
    fault = errors.Fault("limit", "0", "at least 1")
    error = errors.Conflict("Not now.", faults=[fault], extra={"revision": 3}, retry_after=5)
    assert (str(error), error.detail, error.faults) == ("Not now.", "Not now.", (fault,))
    assert (error.extra, error.retry_after, error.status) == ({"revision": 3}, 5, 409)


def test_what_an_error_adds_is_its_own() -> None:
    given = {"revision": 3}
    errors.Conflict("Not now.", extra=given).extra["receipt"] = 1
    assert given == {"revision": 3}


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("COD", "COD"),
        ("", ""),
        (None, "None"),
        ({"a": 1}, "{'a': 1}"),
        ("x" * 200, "x" * 200),
        ("x" * 201, "x" * 200 + "…"),
        (["x" * 300], "['" + "x" * 198 + "…"),
    ],
)
def test_a_value_is_shown_in_a_line_or_two(value: object, shown: str) -> None:
    assert errors.shown(value) == shown
