"""Which groups and clients get which roles: what is read, and what is refused at the start."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.rights import Grant, Narrowing, Role
from identity.oidc import mapping
from identity.oidc.mapping import Program, UnreadableMapping


def test_entries_are_read_with_their_narrowing() -> None:
    found = mapping.read(
        " quantrac-admins = administrator ; nuoc-thai=operator:stationKind=wastewater, groundwater:district=Như Quỳnh;"
        "nuoc-thai=registrar:organization=CTY-A:domain=land;"
    )
    assert found == {
        "quantrac-admins": (Grant(Role.ADMINISTRATOR),),
        "nuoc-thai": (
            Grant(
                Role.OPERATOR,
                Narrowing(station_kinds=frozenset({"wastewater", "groundwater"}), districts=frozenset({"Như Quỳnh"})),
            ),
            Grant(Role.REGISTRAR, Narrowing(organizations=frozenset({"CTY-A"}), domains=frozenset({"land"}))),
        ),
    }


def test_signs_of_the_form_are_written_percent_encoded() -> None:
    assert mapping.read("cn%3Dadmins%3Bou%3Dso=viewer:district=a%2Cb%3Ac") == {
        "cn=admins;ou=so": (Grant(Role.VIEWER, Narrowing(districts=frozenset({"a,b:c"}))),)
    }


@pytest.mark.parametrize("text", ["", " ", ";", " ; ;"])
def test_nothing_gives_nothing(text: str) -> None:
    assert mapping.read(text) == {}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("admins", "name=role"),
        ("=viewer", "name=role"),
        ("admins=chief", "'chief'"),
        ("admins=Administrator", "'Administrator'"),
        ("a=viewer:stationKind", "stationKind"),
        ("a=viewer:stationKind=", "values after ="),
        ("a=viewer:stationKind=water", "'water'"),
        ("a=viewer:station=TH-NT-001", "station"),
        ("a=viewer:district=x:district=y", "district=y"),
        ("a=viewer:", "values after ="),
        ("a=viewer,b=operator", "viewer,b=operator"),
    ],
)
def test_what_cannot_be_read_says_where(text: str, words: str) -> None:
    with pytest.raises(UnreadableMapping, match=words):
        mapping.read(text)


@given(st.text(alphabet="ab=;:,%/ stationKindviewerđ", max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        found = mapping.read(text)
    except UnreadableMapping:
        return
    assert all(name and grants for name, grants in found.items())


def test_what_several_groups_give_counts_once() -> None:
    roles = mapping.read("a=viewer;b=viewer;b=operator;c=steward")
    assert mapping.granted(roles, {"a", "b", "strange"}) == (Grant(Role.VIEWER), Grant(Role.OPERATOR))
    assert mapping.granted(roles, ()) == ()


def test_programs_are_named_with_the_subject_of_their_tokens() -> None:
    assert mapping.programs("importer=steward;importer=viewer;exporter/5f0c=viewer") == {
        "importer": Program("importer", "importer", (Grant(Role.STEWARD), Grant(Role.VIEWER))),
        "exporter": Program("exporter", "5f0c", (Grant(Role.VIEWER),)),
    }


@pytest.mark.parametrize("text", ["a/1=viewer;a/2=viewer", "a=viewer;a/2=viewer", "/1=viewer"])
def test_a_program_has_one_subject(text: str) -> None:
    with pytest.raises(UnreadableMapping):
        mapping.programs(text)
