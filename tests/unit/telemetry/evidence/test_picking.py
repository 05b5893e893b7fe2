"""Readings are taken out of a submission by position, whatever shape their columns have."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from telemetry.evidence.picking import pick, positions
from telemetry.readings import Decoded, Flaw, Readings, Reason


def _rows(decoded: Decoded) -> dict[int, tuple[str, int, float, int, str | None]]:
    """Symbol, time, value, status and unit of every reading, by position."""
    rows = {}
    for part in decoded.readings:
        symbol = range(len(part)) if part.symbol is None else part.symbol.tolist()
        times = [part.time_us] * len(part) if isinstance(part.time_us, int) else part.time_us.tolist()
        statuses = [0] * len(part) if part.status is None else list(part.status)
        for at, position in enumerate(positions(part).tolist()):
            unit = None if part.units is None else part.units[symbol[at]]
            rows[position] = (part.symbols[symbol[at]], times[at], float(part.value[at]), int(statuses[at]), unit)
    return rows


def _decoded() -> Decoded:
    packet = Readings("A", ["COD", "pH", "TSS"], 10, [1.0, 2.0, 3.0], units=["mg/l", None, "mg/l"], status=[0, 1, 2])
    columns = Readings(
        "B",
        ["COD", "pH"],
        np.array([20, 30, 40], np.int64),
        np.array([4.0, 5.0, 6.0]),
        symbol=np.array([1, 0, 1], np.int64),
        status=np.array([0, 0, 2], np.int16),
        index=np.array([3, 5, 7], np.int64),
    )
    flaws = (
        Flaw(4, Reason.NOT_A_NUMBER, "result", "x", "a number"),
        Flaw(6, Reason.NOT_A_NUMBER, "result", "y", "a number"),
    )
    return Decoded([packet, columns], flaws, 8)


def test_positions_that_begin_somewhere_are_counted_on() -> None:
    assert positions(Readings("A", ["x", "y"], 0, [1.0, 2.0], index=7)).tolist() == [7, 8]


@given(st.sets(st.integers(0, 10)))
def test_what_is_picked_is_what_stood_at_those_positions(wanted: set[int]) -> None:
    whole = _decoded()
    picked = pick(whole, wanted)
    assert _rows(picked) == {at: row for at, row in _rows(whole).items() if at in wanted}
    assert [flaw.index for flaw in picked.flaws] == [at for at in (4, 6) if at in wanted]
    assert picked.count == len(wanted & set(range(8)))


def test_the_flaw_of_a_whole_submission_is_at_no_position() -> None:
    whole = Decoded((), (Flaw(None, Reason.UNREADABLE, "body", "x", "y"),), 1)
    assert pick(whole, {0}).flaws == []
