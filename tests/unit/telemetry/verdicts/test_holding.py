"""Which limit holds when, compared with an oracle that looks at every limit at every instant."""

from datetime import timedelta

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from core import instants
from telemetry.catalog.snapshot import OPEN_END_US
from telemetry.verdicts import holding, windows
from tests.fixtures import oracle
from tests.fixtures.verdicts import HOUR, vietnam

FIRST = vietnam(2026, 1, 30)
_SPAN = 100

rules = st.lists(
    st.tuples(
        st.sampled_from(windows.WINDOWS),
        st.integers(0, _SPAN),
        st.one_of(st.none(), st.integers(1, 40)),
        st.booleans(),
    ),
    max_size=7,
).map(
    lambda found: [
        oracle.Rule(
            place + 1,
            window,
            1.0,
            FIRST + begin * HOUR / 2,
            None if length is None else FIRST + (begin + length) * HOUR / 2,
            permit,
        )
        for place, (window, begin, length, permit) in enumerate(found)
    ]
)


def limits_of(found: list[oracle.Rule]) -> list[holding.Limit]:
    return [
        holding.Limit(
            id=rule.id,
            version=rule.id,
            datastream_id=5,
            averaging=rule.window,
            permit=rule.permit,
            rule_set_id=None if rule.permit else 1,
            lower=None,
            upper=rule.upper,
            unit=None,
            oxygen_reference=None,
            from_us=instants.to_us(rule.since),
            to_us=OPEN_END_US if rule.until is None else instants.to_us(rule.until),
        )
        for rule in found
    ]


@given(rules, st.sampled_from(["1h", "8h", "24h"]))
def test_a_period_is_judged_by_what_the_oracle_says(found: list[oracle.Rule], window: str) -> None:
    limits = limits_of(found)
    code = windows.WINDOWS.index(window)
    starts = oracle.periods(window, FIRST - 24 * HOUR, FIRST + 80 * HOUR)
    start_us = np.array([instants.to_us(start) for start in starts], np.int64)
    course = holding.courses(limits).get((5, code))
    for place, start in enumerate(starts):
        said = oracle.say([], found, window, start, timedelta(minutes=5), 1)  # type: ignore[arg-type] # a whole share
        if course is None:
            assert said is None
            continue
        limit, split = course.over(start_us, windows.ends(code, start_us))
        if said is None:
            assert limit[place] == holding.NONE
        else:
            assert limits[limit[place]].id == said.limit
            assert split[place] == said.split


@given(rules)
def test_a_limit_never_judges_what_it_did_not_hold_in(found: list[oracle.Rule]) -> None:
    limits = limits_of(found)
    for (_, code), course in holding.courses(limits).items():
        start_us = windows.starts(code, instants.to_us(FIRST), instants.to_us(FIRST + 100 * HOUR))
        end_us = windows.ends(code, start_us)
        chosen, _ = course.over(start_us, end_us)
        for place, start, end in zip(chosen.tolist(), start_us.tolist(), end_us.tolist(), strict=True):
            if place != holding.NONE:
                assert limits[place].from_us < end
                assert limits[place].to_us >= end
                assert limits[place].averaging == windows.WINDOWS[code]
                assert start < end
