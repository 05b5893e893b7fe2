"""The receipt as JSON: the quick way and the full way say the same."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telemetry.intake import answers
from telemetry.readings import Fate, Outcome, Reason, Verdict
from tests.fixtures.submissions import NOW_US

UNKNOWN = Verdict(3, Fate.QUARANTINED, Reason.UNKNOWN_SYMBOL, "symbol", "CODx", "a symbol of TH-NT-001: COD", "CODx")
WHOLE = Verdict(None, Fate.QUARANTINED, Reason.UNREADABLE, "body", "nothing", "JSON")


def test_a_receipt_counts_all_readings_and_names_those_that_were_not_simply_stored() -> None:
    outcome = Outcome(1234, NOW_US, "TH-NT-001", stored=11, quarantined=1, verdicts=[UNKNOWN])
    assert json.loads(answers.encode(outcome)) == {
        "receipt": 1234,
        "station": "TH-NT-001",
        "receivedTime": "2026-11-23T01:00:00Z",
        "counts": {"stored": 11, "duplicate": 0, "conflict": 0, "quarantined": 1, "rejected": 0},
        "readings": [
            {
                "index": 3,
                "symbol": "CODx",
                "outcome": "quarantined",
                "reason": "unknown-symbol",
                "field": "symbol",
                "found": "CODx",
                "expected": "a symbol of TH-NT-001: COD",
            }
        ],
    }


def test_the_counts_have_one_entry_for_each_fate() -> None:
    document = answers.receipt_document(Outcome(1, NOW_US, None, stored=1))
    assert list(document["counts"]) == [fate.value for fate in Fate]


@settings(derandomize=True, max_examples=200, deadline=None)
@given(
    st.integers(1, 2**62),
    st.integers(0, 2 * NOW_US),
    st.none() | st.text(st.characters(exclude_categories=["Cs"])),
    st.integers(0, 10**6),
)
def test_the_quick_answer_is_byte_for_byte_the_full_one(
    receipt: int, received_us: int, station: str | None, stored: int
) -> None:
    outcome = Outcome(receipt, received_us, station, stored=stored)
    assert answers.encode(outcome) == answers.encode_any(answers.receipt_document(outcome))


@pytest.mark.parametrize("verdicts", [[UNKNOWN], [WHOLE], [UNKNOWN, WHOLE]])
def test_an_answer_with_verdicts_takes_the_full_way(verdicts: list[Verdict]) -> None:
    outcome = Outcome(1, NOW_US, None, stored=2, duplicates=3, conflicts=4, quarantined=5, verdicts=verdicts)
    found = json.loads(answers.encode(outcome))
    assert found["station"] is None
    assert list(found["counts"].values()) == [2, 3, 4, 5, 0]
    assert [entry["index"] for entry in found["readings"]] == [verdict.index for verdict in verdicts]


def test_the_counts_of_an_outcome_add_up() -> None:
    assert Outcome(1, 0, None, stored=1, duplicates=2, conflicts=4, quarantined=8, rejected=16).count == 31
