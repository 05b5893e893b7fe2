"""The same readings in any order and grouping, twice, with crashes and two evaluators, make the same alerts."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from telemetry.alerts.evaluation import outcomes
from telemetry.readings import Readings
from tests.fixtures.intakes import LoopThread, works_on
from tests.fixtures.submissions import FIRST
from tests.fixtures.watches import MINUTE_US, Watch

EMPTY = "TRUNCATE observation, receipt, quarantine, reading_conflict, alert, alert_move, event, alert_recheck CASCADE"
LIMITS = """
    INSERT INTO datastream_limit
        (datastream_id, rule_set_id, basis, averaging, upper, valid_from, valid_to, legal_source, confidence, verified)
    SELECT d.id, NULL, 'permit', 'instant', 50, now() - interval '300 days', now() - interval '3 hours', 'old', '',
           false
    FROM datastream d JOIN station s ON s.id = d.station_id
    JOIN observed_property p ON p.id = d.observed_property_id
    WHERE s.code = 'TH-NT-001' AND p.symbol = 'COD'
"""
# The network's own limit of 100 mg/l held from two hours before the base to one hour before it; nothing is sent then.
CADENCE, GRACE = 5, 15
# Minutes: a span that is history and one that is not.
SLOTS = [*range(-3 * 1440, -3 * 1440 + 120, CADENCE), *range(0, 100, CADENCE)]
LIMIT, BAND = 50.0, 0.1
RAISE, CLEAR = 5, 10
FROZEN = 4
QUIET = 30
NOW = 118.0

Alert = tuple[str, str, float, float | None]


@dataclass(frozen=True)
class Sent:
    """What one cycle measured; `other`: a second value for NH4-N is sent, too."""

    minute: int
    cod: float
    ph: float
    status: int
    other: bool


# --- The oracle: one reading after another, with a state and two clocks.


def spans(shown: list[tuple[int, int]], raise_after: int, clear_after: int) -> list[tuple[float, float | None]]:
    """Spans of a condition of which each reading (minute, shows) says 1 holds, 0 nothing, -1 gone."""
    found: list[tuple[float, float | None]] = []
    began = last = better = None
    for minute, shows in shown:
        if shows == 1 or (shows == 0 and began is not None and better is None):
            began = minute if began is None else began
            last, better = minute, None
        elif began is not None:
            better = minute if better is None else better
            if minute - better >= clear_after:
                if last is not None and last - began >= raise_after:
                    found.append((began, better))
                began = last = better = None
    if began is not None and last is not None and last - began >= raise_after:
        found.append((began, None))
    return found


def over(sent: list[Sent]) -> list[tuple[int, int]]:
    rows = [(one.minute, one.cod) for one in sent if one.status == 0]
    return [(m, 1 if v > LIMIT else 0 if v > LIMIT * (1 - BAND) else -1) for m, v in rows]


def frozen(sent: list[Sent]) -> list[tuple[int, int]]:
    rows = [(one.minute, one.ph) for one in sent if one.status == 0]
    runs: list[list[tuple[int, float]]] = []
    for minute, value in rows:
        if runs and runs[-1][-1][1] == value and minute - runs[-1][-1][0] <= 60:
            runs[-1].append((minute, value))
        else:
            runs.append([(minute, value)])
    return [(minute, 1 if len(run) >= FROZEN else -1) for run in runs for minute, _ in run]


def oracle(sent: list[Sent]) -> set[Alert]:
    sent = sorted(sent, key=lambda one: one.minute)
    found: set[Alert] = set()
    found |= {("over-limit", "COD", *span) for span in spans(over(sent), RAISE, CLEAR)}
    found |= {("frozen-value", "pH", *span) for span in spans(frozen(sent), 0, 0)}
    faults = [(one.minute, 1 if one.status == 2 else -1) for one in sent]
    found |= {("instrument-fault", symbol, *span) for symbol in ("COD", "pH") for span in spans(faults, 0, 0)}
    times = [one.minute for one in sent]
    for last, following in zip(times, [*times[1:], None], strict=True):
        silent = (NOW if following is None else following) - last
        if silent > CADENCE + GRACE:
            found.add(("lost-connection", FIRST, last + CADENCE, following))
    chain: list[int] = []
    for minute in [one.minute for one in sent if one.other] + [10**9]:
        if chain and minute - chain[-1] > QUIET:
            end = chain[-1] + QUIET
            found.add(("conflict", "NH4-N", chain[0], end if end < NOW else None))
            chain = []
        chain.append(minute)
    return found


# --- What is sent, and how.


@st.composite
def weeks(draw: st.DrawFn) -> list[Sent]:
    minutes = draw(st.lists(st.sampled_from(SLOTS), min_size=1, max_size=len(SLOTS), unique=True))
    return [
        Sent(
            minute,
            draw(st.sampled_from([40.0, 47.0, 60.0, 75.0])),
            draw(st.sampled_from([7.0, 7.0, 7.1])),
            draw(st.sampled_from([0, 0, 0, 0, 2])),
            draw(st.sampled_from([False, False, False, True])),
        )
        for minute in minutes
    ]


@dataclass(frozen=True)
class Step:
    """A part of the readings, and what happens after it is committed."""

    after: str
    size: int


steps = st.lists(
    st.builds(
        Step,
        after=st.sampled_from(["nothing", "turn", "crash", "restart", "deadlines", "two", "small pages"]),
        size=st.integers(1, 12),
    ),
    min_size=1,
    max_size=12,
)


@pytest.fixture
def open_watch(dsn: str, loop_thread: LoopThread) -> Iterator[Watch]:
    opening = works_on(dsn)
    works = loop_thread.run(opening.__aenter__())
    watch = Watch(works, now_minute=NOW)
    loop_thread.run(_prepare(watch))
    yield watch
    loop_thread.run(opening.__aexit__(None, None, None))


async def _prepare(watch: Watch) -> None:
    await watch.works.database.execute(LIMITS)
    await watch.only("over-limit", "frozen-value", "instrument-fault", "lost-connection", "conflict")
    await watch.rule("over-limit", raise_after=RAISE * 60, clear_after=CLEAR * 60, hysteresis=BAND)
    await watch.rule("frozen-value", parameters=f'{{"count": {FROZEN}}}')
    await watch.rule("lost-connection", raise_after=GRACE * 60)
    await watch.rule("conflict", clear_after=QUIET * 60)
    # The symbol that is sent twice must not matter to the conditions that look at its value or device.
    for kind in ("frozen-value", "instrument-fault"):
        await watch.works.database.execute(
            "INSERT INTO alert_rule (kind, severity, enabled, observed_property_id)"
            " SELECT $1, 'warning', false, id FROM observed_property WHERE symbol = 'NH4-N'",
            kind,
        )
    await watch.works.database.execute(
        "INSERT INTO alert_rule (kind, severity, enabled, observed_property_id)"
        " SELECT 'frozen-value', 'warning', false, id FROM observed_property WHERE symbol = 'COD'"
    )
    await watch.works.catalog.refresh()
    await watch.begin()


def _packets(watch: Watch, sent: list[Sent]) -> list[Readings]:
    found = []
    for one in sent:
        time_us = watch.works.base_us + one.minute * MINUTE_US
        status = [one.status, one.status, 0]
        found.append(Readings(FIRST, ("COD", "pH", "NH4-N"), time_us, [one.cod, one.ph, 1.0], status=status))
        if one.other:
            found.append(Readings(FIRST, ("NH4-N",), time_us, [2.0]))
    return found


async def _deliver(watch: Watch, packets: list[Readings], plan: list[Step]) -> None:
    rest = list(packets)
    for step in plan:
        part, rest = rest[: step.size], rest[step.size :]
        if part:
            await watch.works.submit(*part)
        match step.after:
            case "turn":
                await watch.alerts.turn()
            case "deadlines":
                await watch.deadlines.turn()
            case "restart":
                watch.restart()
            case "crash":
                await _crash(watch)
            case "two":
                await asyncio.gather(*(round_.turn() for round_ in (watch.alerts, watch.another(), watch.deadlines)))
            case "small pages":
                await watch.another(page=1).turn()
        await _never_two_open(watch)
    if rest:
        await watch.works.submit(*rest)


async def _crash(watch: Watch) -> None:
    """A turn that breaks after everything was written and before it is committed."""
    keep = outcomes.keep

    async def broken(*given: object) -> object:
        await keep(*given)  # type: ignore[arg-type]  # as the caller gives them
        raise ConnectionResetError

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(outcomes, "keep", broken)
        try:
            await watch.alerts.turn()
        except ConnectionResetError:
            watch.restart()


async def _never_two_open(watch: Watch) -> None:
    assert not await watch.works.rows(
        "SELECT kind FROM alert WHERE state <> 'cleared' GROUP BY kind, station_id, datastream_id HAVING count(*) > 1"
    )


async def check(watch: Watch, sent: list[Sent], order: list[int], plan: list[Step], again: list[Step]) -> None:
    await watch.works.database.execute(EMPTY)
    packets = _packets(watch, sent)
    shuffled = [packets[index % len(packets)] for index in order] + packets
    await _deliver(watch, shuffled, plan)
    await watch.settle()
    assert set(await watch.found()) == oracle(sent)
    before = await watch.rows()
    await _deliver(watch, shuffled[::-1], again)
    await watch.settle()
    assert await watch.rows() == before, "what was sent again changed something"
    await _never_two_open(watch)


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(sent=weeks(), order=st.lists(st.integers(0, 200), min_size=5, max_size=60), plan=steps, again=steps)
def test_the_same_readings_make_the_same_alerts_however_they_come(
    sent: list[Sent], order: list[int], plan: list[Step], again: list[Step], open_watch: Watch, loop_thread: LoopThread
) -> None:
    loop_thread.run(check(open_watch, sent, order, plan, again))
