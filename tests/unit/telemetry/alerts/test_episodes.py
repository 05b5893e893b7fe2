"""Episodes against a loop that goes from reading to reading, and where they are not settled yet."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from telemetry.alerts.evaluation.episodes import Derived, Series, derive

SECOND = 10**6


def series(
    *groups: list[tuple[int, int]], raise_after: int = 0, clear_after: int = 0, held: tuple[int, ...] = ()
) -> Series:
    """Groups of (seconds, shows)."""
    rows = [(number, *row) for number, group in enumerate(groups) for row in group]
    return Series(
        group=np.array([row[0] for row in rows], np.int64),
        time_us=np.array([row[1] * SECOND for row in rows], np.int64),
        shows=np.array([row[2] for row in rows], np.int8),
        raise_us=np.full(len(groups), raise_after * SECOND),
        clear_us=np.full(len(groups), clear_after * SECOND),
        held=np.array([number in held for number in range(len(groups))]),
    )


def spans(derived: Derived, group: int = 0) -> list[tuple[int, int | None]]:
    return [
        (one.raised_us // SECOND, None if one.cleared_us is None else one.cleared_us // SECOND)
        for one in derived.episodes
        if one.group == group
    ]


def plainly(rows: list[tuple[int, int]], raise_after: int, clear_after: int) -> list[tuple[int, int | None]]:
    found: list[tuple[int, int | None]] = []
    began = last = better = None
    for time, shows in rows:
        if shows == 1 or (shows == 0 and began is not None and better is None):
            began, last, better = time if began is None else began, time, None
        elif began is not None and last is not None:
            better = time if better is None else better
            if time - better >= clear_after:
                if last - began >= raise_after:
                    found.append((began, better))
                began = last = better = None
    if began is not None and last is not None and last - began >= raise_after:
        found.append((began, None))
    return found


rows = st.lists(st.tuples(st.integers(1, 9), st.sampled_from([1, 0, -1])), max_size=30).map(
    lambda steps: [(sum(step for step, _ in steps[: at + 1]), shows) for at, (_, shows) in enumerate(steps)]
)


@given(first=rows, second=rows, raise_after=st.integers(0, 15), clear_after=st.integers(0, 15))
def test_columns_find_what_a_loop_finds(
    first: list[tuple[int, int]], second: list[tuple[int, int]], raise_after: int, clear_after: int
) -> None:
    derived = derive(series(first, second, raise_after=raise_after, clear_after=clear_after))
    assert spans(derived, 0) == plainly(first, raise_after, clear_after)
    assert spans(derived, 1) == plainly(second, raise_after, clear_after)


@given(whole=rows, raise_after=st.integers(0, 15), clear_after=st.integers(0, 15))
def test_from_a_reading_that_holds_inside_an_episode_the_rest_is_found_the_same(
    whole: list[tuple[int, int]], raise_after: int, clear_after: int
) -> None:
    every = derive(series(whole, raise_after=raise_after, clear_after=clear_after))
    for episode in every.episodes:
        last = next(i for i, row in enumerate(whole) if row[0] * SECOND == episode.last_us)
        rest = derive(series(whole[last:], raise_after=raise_after, clear_after=clear_after, held=(0,)))
        assert rest.episodes[0].cleared_us == episode.cleared_us
        assert spans(rest)[1:] == spans(every)[len([e for e in every.episodes if e.raised_us <= episode.raised_us]) :]


def test_a_condition_is_raised_when_it_held_for_long_enough_and_not_before() -> None:
    just = derive(series([(0, 1), (5, 1), (10, 1), (15, -1)], raise_after=10))
    assert spans(just) == [(0, 15)]
    assert just.episodes[0].due_us == 10 * SECOND
    assert spans(derive(series([(0, 1), (5, 1), (10, -1)], raise_after=10))) == []


def test_an_end_is_settled_when_it_was_gone_for_long_enough() -> None:
    derived = derive(series([(0, 1), (5, -1), (10, -1), (15, -1)], clear_after=10))
    assert spans(derived) == [(0, 5)]
    assert derived.episodes[0].settled_us == 15 * SECOND
    assert spans(derive(series([(0, 1), (5, -1), (10, -1)], clear_after=10))) == [(0, None)]


def test_what_comes_back_within_the_delay_is_the_same_episode() -> None:
    assert spans(derive(series([(0, 1), (5, -1), (10, 1), (15, -1), (30, -1)], clear_after=10))) == [(0, 15)]


def test_ends_are_open_where_readings_outside_could_matter() -> None:
    derived = derive(
        series(
            [(0, 1), (5, -1)],
            [(0, -1), (5, 1), (10, -1)],
            [(0, -1), (5, 1)],
            [(0, -1), (5, -1)],
            [(0, 0), (5, 1), (10, -1)],
        )
    )
    assert derived.open_left.tolist() == [True, False, False, False, True]
    assert derived.open_right.tolist() == [False, False, True, False, False]


def test_nothing_has_no_episodes() -> None:
    assert derive(series([], [])).episodes == []
    assert derive(series([(0, -1)])).episodes == []
