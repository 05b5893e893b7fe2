"""`atomic`: a submission is stored as a whole or leaves no trace, and its neighbours notice nothing."""

import asyncio

import pytest

from core.errors import Fault
from telemetry.intake.submitting import NotAtomic
from telemetry.readings import Fate, Flaw, Reason
from tests.fixtures.intakes import Works

UNREADABLE = Flaw(None, Reason.UNREADABLE, "body", "nothing", "JSON as in RFC 8259")


async def test_a_whole_submission_is_stored(works: Works) -> None:
    outcome = await works.submit(works.packet(0, COD=1.0, pH=7.0), atomic=True)
    assert outcome.stored == 2
    assert await works.counts() == (2, 1, 0, 0)


async def test_duplicates_do_not_stand_against_it(works: Works) -> None:
    await works.submit(works.packet(0, COD=1.0))
    outcome = await works.submit(works.packet(0, COD=1.0, pH=7.0), atomic=True)
    assert (outcome.stored, outcome.duplicates) == (1, 1)
    assert await works.counts() == (2, 2, 0, 0)


async def test_one_bad_reading_keeps_all_of_it_out_even_the_receipt(works: Works) -> None:
    with pytest.raises(NotAtomic) as raised:
        await works.submit(works.packet(0, COD=1.0, CODx=2.0, pH=15000.0), atomic=True)
    assert await works.counts() == (0, 0, 0, 0)
    error = raised.value
    assert error.detail == (
        "Nothing was kept; 2 readings stand against it (readings.1: unknown-symbol, readings.2: out-of-range)."
    )
    assert error.faults == (
        Fault("readings.1.symbol", "CODx", "a symbol or alias of TH-NT-001: COD, NH4-N, pH"),
        Fault("readings.2.result", "15000.0", "within the instrument's range, 0.0 to 500.0"),
    )
    assert {verdict.fate for verdict in error.verdicts} == {Fate.REJECTED}


async def test_a_conflict_stands_against_it_and_a_duplicate_beside_it_is_not_told(works: Works) -> None:
    await works.submit(works.packet(0, COD=1.0, pH=7.0))
    with pytest.raises(NotAtomic) as raised:
        await works.submit(works.packet(0, COD=1.0, pH=8.0), works.packet(1, COD=3.0), atomic=True)
    assert [(fault.field, fault.found) for fault in raised.value.faults] == [("readings.1.result", "8.0, status 00")]
    assert len(raised.value.verdicts) == 1
    assert await works.counts() == (2, 1, 0, 0)


async def test_a_key_that_comes_twice_with_two_values_stands_against_it(works: Works) -> None:
    with pytest.raises(NotAtomic):
        await works.submit(works.packet(0, Amoni=1.0), works.packet(0, Amoni=2.0), atomic=True)
    assert await works.counts() == (0, 0, 0, 0)


async def test_a_body_that_cannot_be_read_is_not_kept_either(works: Works) -> None:
    with pytest.raises(NotAtomic) as raised:
        await works.submit(flaws=[UNREADABLE], atomic=True)
    assert raised.value.faults == (Fault("body", "nothing", "JSON as in RFC 8259"),)
    assert await works.counts() == (0, 0, 0, 0)


async def test_a_row_that_the_table_refuses_stands_against_it(works: Works) -> None:
    await works.database.execute("ALTER TABLE observation ADD CONSTRAINT no_666 CHECK (result <> 666)")
    with pytest.raises(NotAtomic) as raised:
        await works.submit(works.packet(0, Amoni=1332.0, pH=7.0, COD=1.0), atomic=True, received_us=works.time_us(90))
    assert "out-of-range" in raised.value.detail
    with pytest.raises(NotAtomic) as raised:
        await works.submit(works.packet(0, "TH-NT-002", COD=666.0, pH=7.0), atomic=True)
    assert "database-refused" in raised.value.detail
    assert await works.counts() == (0, 0, 0, 0)


async def test_its_neighbours_are_stored_with_outcomes_of_their_own(works: Works) -> None:
    sent = [works.submit(works.packet(n, COD=float(n), Xyz=1.0)) for n in range(10)]
    sent[3:3] = [works.submit(works.packet(20, COD=1.0, Xyz=1.0), atomic=True)]
    sent[7:7] = [works.submit(works.packet(21, COD=1.0), atomic=True)]
    outcomes = await asyncio.gather(*sent, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes].index(NotAtomic) == 3
    assert [getattr(outcome, "stored", None) for outcome in outcomes] == [1, 1, 1, None, *[1] * 8]
    assert await works.counts() == (11, 11, 10, 0)


async def test_all_of_a_refused_submission_may_be_sent_again(works: Works) -> None:
    with pytest.raises(NotAtomic):
        await works.submit(works.packet(0, ChemOx=1.0, pH=7.0), atomic=True)
    await works.alias("ChemOx")
    await works.catalog.refresh()
    outcome = await works.submit(works.packet(0, ChemOx=1.0, pH=7.0), atomic=True)
    assert (outcome.stored, outcome.duplicates) == (2, 0)
