"""Bodies of people: names that cannot be taken for anything else, grants as they are sent and as they are kept."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from core.rights import Grant, Narrowing, Role
from identity.people import schemas

_NOT_NAMES = (
    "ab",
    "-abc",
    "abc-",
    "a:b:c",
    "cli:root",
    "token:qt_aaaaaaaa",
    "a/b/c",
    "a b c",
    "đức.an",
    "a" * 65,
    "a\nb",
)


@pytest.mark.parametrize(
    "name", [*sorted(schemas.RESERVED), "st_k3v9q2ab", "QT_k3v9q2ab", "Staff", " SYSTEM ", ["staff"], *_NOT_NAMES]
)
def test_a_name_that_could_be_taken_for_something_else_is_refused(name: str) -> None:
    with pytest.raises(ValidationError, match="userName"):
        schemas.NewPerson.model_validate({"userName": name, "displayName": "An"})


def test_a_name_is_kept_in_small_letters_without_space_around_it() -> None:
    made = schemas.NewPerson.model_validate({"userName": "  Nguyen.An@example.VN ", "displayName": " An "})
    assert (made.user_name, made.display_name, made.grants) == ("nguyen.an@example.vn", "An", [])


@pytest.mark.parametrize("narrowing", ["stationKinds", "organizations", "districts", "domains"])
def test_a_grant_that_is_narrowed_to_nothing_is_refused(narrowing: str) -> None:
    with pytest.raises(ValidationError, match=narrowing):
        schemas.NewGrant.model_validate({"role": "viewer", narrowing: []})


_KINDS = st.sampled_from(["ambient", "wastewater", "flue_gas", "groundwater"])
_NAMES = st.from_regex(r"\A[A-Za-z0-9]{1,10}\Z")


def _some(names: st.SearchStrategy[str]) -> st.SearchStrategy[frozenset[str] | None]:
    return st.none() | st.frozensets(names, min_size=1, max_size=4)


@given(
    st.builds(
        Grant,
        st.sampled_from(Role),
        st.builds(Narrowing, _some(_KINDS), _some(_NAMES), _some(_NAMES), _some(st.sampled_from(["land", "minerals"]))),
    )
)
def test_a_grant_comes_back_as_it_was_given(grant: Grant) -> None:
    assert schemas.NewGrant.model_validate_json(schemas.NewGrant.of(grant).model_dump_json()).grant() == grant
