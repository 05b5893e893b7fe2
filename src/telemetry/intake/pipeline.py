"""Match and check: from decoded submissions to rows that may be stored and flaws that go to quarantine. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from core import instants
from telemetry.catalog.snapshot import DatastreamEntry, Snapshot
from telemetry.intake.matching import Matched, Matcher, match
from telemetry.intake.rows import Rows
from telemetry.quality import checking
from telemetry.readings import Flaw, Reason, Submission, status_text


@dataclass(frozen=True, slots=True)
class Judged:
    """A group after matching and checking: every reading is in `rows` or in the flaws of its submission."""

    snapshot: Snapshot
    submissions: Sequence[Submission]
    rows: Rows
    flaws: Sequence[Sequence[Flaw]]

    def part(self, start: int, stop: int) -> "Judged":
        """The submissions from `start` up to `stop`, as a group of their own."""
        mine = self.rows.take((self.rows.submission >= start) & (self.rows.submission < stop))
        return Judged(
            self.snapshot,
            self.submissions[start:stop],
            replace(mine, submission=mine.submission - start),
            self.flaws[start:stop],
        )

    def without(self, refused: Sequence[int]) -> "Judged":
        """The same single submission, with the rows at some positions sent to quarantine: the database refuses them."""
        keep = np.ones(len(self.rows), np.bool_)
        keep[list(refused)] = False
        flaws = [*self.flaws[0], *(self._refused(row) for row in refused)]
        return Judged(self.snapshot, self.submissions, self.rows.take(keep), [flaws])

    def _refused(self, row: int) -> Flaw:
        result = repr(float(self.rows.result[row]))
        datastream = self.snapshot.datastreams[int(self.rows.datastream_id[row])]
        return Flaw(
            index=int(self.rows.index[row]),
            reason=Reason.DATABASE_REFUSED,
            field="result",
            found=result,
            expected="a row that the table's constraints allow",
            symbol=datastream.symbol,
            value=result,
            phenomenon_time=_time_text(int(self.rows.time_us[row])),
            status=status_text(int(self.rows.status[row])),
            station_id=datastream.station_id,
        )


def judge(matcher: Matcher, submissions: Sequence[Submission], window: checking.Window) -> Judged:
    """Match and check a group. Each submission's time window is counted from its own received time."""
    matched = match(matcher, submissions)
    checked = checking.check(
        matcher.snapshot.columns,
        matched.datastream_id,
        matched.time_us,
        matched.result,
        matched.status,
        matched.received_us,
        window,
    )
    rows = Rows(
        datastream_id=matched.datastream_id,
        time_us=matched.time_us,
        result=matched.result,
        status=matched.status,
        quality=checked.quality,
        reasons=checked.reasons,
        submission=matched.submission,
        index=matched.index,
    )
    refused = checked.refusal != 0
    if not matched.mismatched and not refused.any():
        return Judged(matcher.snapshot, submissions, rows, [submission.decoded.flaws for submission in submissions])
    refused |= matched.datastream_id == 0
    flaws = [list(submission.decoded.flaws) for submission in submissions]
    for row in np.flatnonzero(refused).tolist():
        flaws[matched.submission[row]].append(_flaw(matcher, matched, checked, row, window))
    return Judged(matcher.snapshot, submissions, rows.take(~refused), flaws)


def _flaw(matcher: Matcher, matched: Matched, checked: checking.Checked, row: int, window: checking.Window) -> Flaw:
    value = repr(float(matched.value[row]))
    time = _time_text(int(matched.time_us[row]))
    index = int(matched.index[row])
    status = status_text(int(matched.status[row]))
    mismatch = matched.mismatched.get(row)
    if mismatch is not None:
        why, symbol, unit = mismatch
        told = (why.field, why.found, why.expected)
        return Flaw(index, why.reason, *told, symbol, value, unit, time, status, why.station_id)
    datastream = matcher.snapshot.datastreams[int(matched.datastream_id[row])]
    reason = checking.REFUSALS[int(checked.refusal[row])] or Reason.DATABASE_REFUSED
    result = repr(float(matched.result[row]))
    if reason is Reason.NOT_FINITE:
        told = ("result", result, "a finite number")
    elif reason is Reason.OUT_OF_RANGE:
        told = ("result", result, f"within the instrument's range, {_range_text(datastream)}")
    else:
        told = ("phenomenonTime", time, _window_text(int(matched.received_us[row]), window))
    return Flaw(index, reason, *told, datastream.symbol, value, datastream.unit, time, status, datastream.station_id)


def _range_text(datastream: DatastreamEntry) -> str:
    low = -checking.FARTHEST if datastream.range_min is None else datastream.range_min
    high = checking.FARTHEST if datastream.range_max is None else datastream.range_max
    return f"{low} to {high} {datastream.unit}".strip()


def _time_text(us: int) -> str:
    try:
        return instants.text(instants.from_us(us))
    except OverflowError:
        return f"{us} µs since 1970"


def _window_text(received_us: int, window: checking.Window) -> str:
    first, last = received_us - window.oldest_us, received_us + window.future_us
    return f"between {_time_text(first)} and {_time_text(last)}"
