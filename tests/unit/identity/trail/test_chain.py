"""Verifying a chain: whatever is done to one exported entry is found, and the first bad row is named."""

import json
from dataclasses import fields, replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from identity.trail import archive, canonical
from identity.trail.archive import Cover, NotATrail
from identity.trail.canonical import GENESIS, Entry
from identity.trail.chain import BEGINNING, Chain, Head, Problem
from tests.fixtures.trails import chain_of, signed

_IMAGES = ('{"code": "TH-NT-001"}', '{"upper": 12.50}', None, '{"note": "Đã kiểm tra"}', '{"n": null}', "{}")


def _checked(entries: list[Entry], **members: Any) -> list[Problem]:
    chain = Chain(**members)
    found = [problem for entry in entries for problem in chain.check(entry)]
    return found + list(chain.end())


def _kinds(problems: list[Problem]) -> list[tuple[int | None, str]]:
    return [(problem.number, problem.kind) for problem in problems]


def test_a_whole_chain_is_sound() -> None:
    assert _checked(chain_of(*_IMAGES)) == []


def test_an_edited_entry_is_named() -> None:
    entries = chain_of(*_IMAGES)
    entries[2] = replace(entries[2], actor="somebody else")
    assert _kinds(_checked(entries)) == [(3, "edited")]


def test_an_entry_that_was_edited_and_signed_anew_is_named_by_the_next_one() -> None:
    entries = chain_of(*_IMAGES)
    entries[2] = signed(replace(entries[2], actor="somebody else"))
    assert _kinds(_checked(entries)) == [(3, "link")]


def test_a_missing_entry_is_named() -> None:
    entries = chain_of(*_IMAGES)
    del entries[2]
    (problem,) = _checked(entries)
    assert problem == Problem(3, "gap", "Entry 3 is missing before entry 4.")


def test_exchanged_entries_are_named() -> None:
    entries = chain_of(*_IMAGES)
    entries[2], entries[3] = entries[3], entries[2]
    assert _kinds(_checked(entries))[0] == (3, "gap")


def test_a_beginning_that_was_taken_away_is_found() -> None:
    entries = chain_of(*_IMAGES)[2:]
    assert _kinds(_checked(entries)) == [(1, "gap")]
    renumbered = chain_of(*_IMAGES, previous=b"x" * 32)
    assert _kinds(_checked(renumbered)) == [(1, "link")]


def test_an_end_that_was_cut_off_is_found_by_an_anchor_alone() -> None:
    entries = chain_of(*_IMAGES)
    anchor = {5: entries[4].hash}
    assert _checked(entries[:4]) == []
    assert _kinds(_checked(entries[:4], anchors=anchor)) == [(5, "cut")]
    assert _checked(entries, anchors=anchor) == []


def test_a_chain_that_was_written_anew_is_found_by_an_anchor_alone() -> None:
    anchor = {4: chain_of(*_IMAGES)[3].hash}
    anew = chain_of('{"code": "TH-NT-009"}', *_IMAGES[1:])
    assert _checked(anew) == []
    assert _kinds(_checked(anew, anchors=anchor)) == [(4, "anchor")]


def test_a_part_of_a_chain_is_checked_against_the_entry_before_it() -> None:
    entries = chain_of(*_IMAGES)
    assert _checked(entries[3:], after=Head(3, entries[2].hash)) == []
    assert _kinds(_checked(entries[3:], after=Head(3, GENESIS))) == [(3, "link")]
    assert _checked(entries[3:], after=None) == []


# --- as a file ---


def _file(entries: list[Entry], *, after: Head = BEGINNING) -> list[str]:
    last = Head(entries[-1].number, entries[-1].hash) if entries else after
    return [archive.write_cover(Cover(after, last, last)), *map(archive.write_entry, entries)]


def _wrong(lines: list[str], **members: Any) -> bool:
    """Whether anything is found wrong with the file, or it is not even taken for one."""
    try:
        return list(archive.problems(iter(lines), Chain(**members))) != []
    except NotATrail:
        return True


_texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
_numbers = st.integers(-(10**20), 10**20) | st.decimals(
    allow_nan=False, allow_infinity=False, places=3, min_value=-(10**6), max_value=10**6
)
_documents = st.recursive(
    st.none() | st.booleans() | _texts | _numbers,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_texts, inner, max_size=3),
    max_leaves=6,
)
_chains = st.lists(
    st.none() | st.dictionaries(_texts, _documents, max_size=3).map(canonical.json_text), min_size=2, max_size=7
).map(lambda images: chain_of(*images))


@settings(max_examples=40)
@given(_chains)
def test_an_exported_chain_is_sound_however_its_lines_are_written(entries: list[Entry]) -> None:
    lines = _file(entries)
    assert not _wrong(lines)
    assert [archive.read_entry(line, 2) for line in lines[1:]] == entries
    otherwise = [canonical.json_text(json.loads(line, parse_float=Decimal)) for line in lines]
    assert otherwise != lines
    assert not _wrong(otherwise)


@settings(max_examples=40)
@given(_chains, st.data())
def test_a_line_that_is_taken_out_doubled_or_moved_is_found(entries: list[Entry], data: st.DataObject) -> None:
    lines = _file(entries)
    at = data.draw(st.integers(1, len(lines) - 1))
    other = data.draw(st.integers(1, len(lines) - 1).filter(lambda place: place != at))
    assert _wrong(lines[:at] + lines[at + 1 :])
    assert _wrong([*lines[:other], lines[at], *lines[other:]])
    swapped = list(lines)
    swapped[at], swapped[other] = swapped[other], swapped[at]
    assert _wrong(swapped)
    assert _wrong(lines[:at])


_OTHER = {"number": 1_000, "time_us": 5, "transaction": 5, "previous": b"y" * 32, "hash": b"z" * 32}


@settings(max_examples=40)
@given(_chains, st.data())
def test_an_edit_of_any_member_is_found(entries: list[Entry], data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(entries) - 1))
    name = data.draw(st.sampled_from([field.name for field in fields(Entry)]))
    old = getattr(entries[at], name)
    if name in {"before", "after"}:
        new: object = data.draw(
            st.sampled_from([None, '{"x": 1}', '{"x": 1.0}', "{}"]).filter(lambda value: value != old)
        )
    else:
        new = _OTHER.get(name, f"{old}.")
    members: dict[str, Any] = {name: new}
    edited = replace(entries[at], **members)
    lines = _file(entries)
    for forged in (edited, signed(edited)):
        if forged != entries[at]:
            lines[at + 1] = archive.write_entry(forged)
            assert _wrong(lines)


@settings(max_examples=40)
@given(_chains, st.data())
def test_an_entry_that_is_put_in_is_found(entries: list[Entry], data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(entries)))
    previous = entries[at - 1].hash if at else GENESIS
    (foreign,) = chain_of('{"put": "in"}', previous=previous, first=at + 1)
    lines = _file(entries)
    lines.insert(at + 1, archive.write_entry(foreign))
    assert _wrong(lines)


@settings(max_examples=40)
@given(_chains, st.data())
def test_whoever_writes_all_of_it_anew_needs_the_anchor_to_fit(entries: list[Entry], data: st.DataObject) -> None:
    """From one entry on everything is made to fit, the head in the file too."""
    at = data.draw(st.integers(0, len(entries) - 1))
    anew = list(entries)
    anew[at] = replace(anew[at], actor="somebody else")
    for place in range(at, len(anew)):
        previous = anew[place - 1].hash if place else GENESIS
        anew[place] = signed(replace(anew[place], previous=previous))
    lines = _file(anew)
    assert not _wrong(lines)
    noted = data.draw(st.integers(at, len(entries) - 1))
    assert _wrong(lines, anchors={noted + 1: entries[noted].hash})


@pytest.mark.parametrize(
    "line",
    [
        "",
        "[]",
        "{",
        '{"number": 1}',
        '{"number": 1, "number": 1}',
        "[" * 100_000,
        '{"number": ' + "1" * 10_000 + "}",
        '{"number": NaN}',
    ],
)
def test_a_line_that_no_export_wrote_is_told(line: str) -> None:
    (good,) = chain_of("{}")
    lines = [*_file([good]), line]
    kinds = [problem.kind for problem in archive.problems(iter(lines), Chain())]
    assert kinds == ["unreadable"]
    with pytest.raises(NotATrail):
        list(archive.problems(iter([line]), Chain()))


def test_a_member_that_stands_twice_is_refused() -> None:
    """One reader would take the first, another the last."""
    (good,) = chain_of("{}")
    cover, line = _file([good])
    twice = line.replace('"actor"', '"actor": "somebody else", "actor"', 1)
    assert _wrong([cover, twice])


def test_a_head_that_is_not_its_last_entry_is_told() -> None:
    entries = chain_of(*_IMAGES)
    last = Head(6, entries[-1].hash)
    cover = archive.write_cover(Cover(BEGINNING, last, Head(6, GENESIS)))
    assert _wrong([cover, *map(archive.write_entry, entries)])
