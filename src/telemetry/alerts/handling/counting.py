"""What a display on the wall shows: open alerts by what they are, and every station in one state."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from core import instants
from core.database import Database
from telemetry.alerts.lifecycle import store
from telemetry.alerts.lifecycle.schemas import Counts, StationState, Tally
from telemetry.alerts.lifecycle.store import OpenGroup
from telemetry.alerts.lifecycle.workflow import State

# The states of the ministry's software with its colours; the first that is true holds.
STATION_STATES: tuple[tuple[str, str, str, str], ...] = (
    ("lost", "Mất kết nối", "Connection lost", "#999999"),
    ("over-limit", "Vượt QCVN", "Over the limit", "#EA3223"),
    ("faulty", "Lỗi thiết bị", "Instrument fault", "#FF7E00"),
    ("calibrating", "Hiệu chuẩn", "Calibrating", "#8F3F97"),
    ("tendency", "Xu hướng vượt", "Near the limit", "#1DCE6C"),
    ("good", "Hoạt động tốt", "Working well", "#1DCE6C"),
)
# The practice of the field: lost after one cadence and 15 minutes; an older row says nothing about now.
_FRESH_SECONDS = 15 * 60
_NETWORK = "network"


async def count(database: Database, organization: str | None, stations: Sequence[str] | None = None) -> Counts:
    """Of an organization, and of stations by their codes; None does not restrict."""
    now = instants.now()
    groups = await store.tally(database, organization, stations)
    found = await store.station_states(database, organization, stations, _FRESH_SECONDS, now)
    states: Counter[str] = Counter({state.value: 0 for state in State if state is not State.CLEARED})
    for group in groups:
        states[group.state] += group.count
    return Counts(
        time=now,
        total=_tally(groups),
        muted=sum(group.muted for group in groups),
        by_severity=_by((group.severity, group) for group in groups),
        by_kind=_by((group.kind, group) for group in groups),
        by_station_kind=_by((group.station_kind or _NETWORK, group) for group in groups),
        by_state=dict(states),
        stations=[
            StationState(
                state=state,
                label_vi=label_vi,
                label_en=label_en,
                colour=colour,
                stations=sum(found.get(state, {}).values()),
                by_kind=found.get(state, {}),
            )
            for state, label_vi, label_en, colour in STATION_STATES
        ],
    )


def _tally(groups: Iterable[OpenGroup]) -> Tally:
    groups = list(groups)
    raised = [group for group in groups if group.state == State.RAISED.value]
    return Tally(open=sum(group.count for group in groups), unacknowledged=sum(group.count for group in raised))


def _by(named: Iterable[tuple[str, OpenGroup]]) -> dict[str, Tally]:
    gathered: dict[str, list[OpenGroup]] = defaultdict(list)
    for name, group in named:
        gathered[name].append(group)
    return {name: _tally(groups) for name, groups in sorted(gathered.items())}
