"""Asking for maintenance and calibration windows, and deciding on them.

An acceptance, also one in hindsight, mutes what lies in the window, and the cancelling of an accepted window gives it
its voice back: at once what is over, by the round of deadlines what is open. Both ask the evaluation to look at the
span again, since a calibration that has a window is no finding.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from core import errors as core_errors
from core import instants
from core.database import Database
from telemetry.alerts import errors
from telemetry.alerts.changing import changing
from telemetry.alerts.handling import muting, rechecks
from telemetry.alerts.handling.keeping import keep
from telemetry.alerts.lifecycle import store
from telemetry.alerts.windows import store as window_store
from telemetry.alerts.windows.moves import BY_STATION, WindowAction, WindowKind, WindowState, target
from telemetry.alerts.windows.schemas import NewWindow, Window, WindowEdit, WindowMove
from telemetry.alerts.windows.store import KeptWindow
from telemetry.catalog import revisions, stations
from telemetry.catalog.errors import DatastreamNotFound, not_found
from telemetry.catalog.revisions import Expected

# Longer ones would take a station out of sight; ask again for the rest.
LONGEST = timedelta(days=60)


def shown(kept: KeptWindow) -> Window:
    accepted = any(move["action"] == WindowAction.ACCEPT for move in kept.detail.get("moves", ()))
    decided = kept.decided_time
    return Window(
        id=kept.id,
        kind=kept.kind,
        station=kept.station,
        symbol=kept.symbol,
        datastream=kept.datastream_id,
        begin=kept.begin_time,
        end=kept.end_time,
        state=kept.state,
        reason=kept.reason,
        standards=list(kept.detail.get("standards", ())),
        tolerance=kept.detail.get("tolerance"),
        requested_by=kept.requested_by,
        requested_time=kept.requested_time,
        decided_by=kept.decided_by,
        decided_time=decided,
        decision_reason=kept.decision_reason,
        hindsight=accepted and decided is not None and decided > kept.begin_time,
        moves=[WindowMove.model_validate(move) for move in kept.detail.get("moves", ())],
        revision=kept.revision,
    )


async def get(database: Any, window_id: int) -> KeptWindow:
    found = await window_store.find(database, window_id)
    if found is None:
        raise not_found(errors.WindowNotFound, "window", window_id, expected="the id of a window")
    return found


async def ask(database: Database, new: NewWindow, actor: str) -> KeptWindow:
    """Lay down a draft, or ask for the window at once."""
    _check(new)
    if new.station is None:
        fault = core_errors.Fault("station", "nothing", "the code of a station")
        raise errors.WindowNotSuitable("Name the station.", faults=[fault])
    now = instants.now()
    async with changing(database) as connection:
        station_id = await stations.held(connection, new.station)
        window = KeptWindow(
            kind=new.kind,
            station_id=station_id,
            station=new.station,
            datastream_id=await _stream(connection, station_id, new.station, new.symbol),
            symbol=new.symbol,
            begin_time=new.begin,
            end_time=new.end,
            state=WindowState.DRAFT if new.draft else WindowState.REQUESTED,
            reason=new.reason,
            detail={"standards": new.standards, "tolerance": new.tolerance, "moves": []},
            requested_by=actor,
            requested_time=now,
        )
        await window_store.serialize(connection, station_id)
        if not new.draft:
            await _refuse_overlap(connection, window)
        action = "draft" if new.draft else WindowAction.REQUEST.value
        number = await window_store.insert(connection, _noted(window, action, actor, "", now))
    return await get(database, number)


async def edit(database: Database, window_id: int, changes: WindowEdit, actor: str, expected: Expected) -> KeptWindow:
    """Change a draft."""
    async with changing(database) as connection:
        current = await _held(connection, window_id, expected)
        target(current.state, WindowAction.EDIT)
        known = {**dict(shown(current)), "draft": True}
        whole = NewWindow.model_validate({name: known[name] for name in NewWindow.model_fields})
        now = revisions.merged(NewWindow, whole, changes)
        _check(now)
        edited = replace(
            current,
            datastream_id=await _stream(connection, current.station_id, current.station, now.symbol),
            begin_time=now.begin,
            end_time=now.end,
            reason=now.reason,
            detail={**current.detail, "standards": now.standards, "tolerance": now.tolerance},
        )
        await window_store.update(connection, _noted(edited, WindowAction.EDIT, actor, "", instants.now()))
    return await get(database, window_id)


async def move(
    database: Database,
    window_id: int,
    action: WindowAction,
    actor: str,
    reason: str,
    expected: Expected,
    *,
    by_station: bool = False,
) -> KeptWindow:
    """Ask for a draft, accept, reject or cancel; a station takes back only what is not decided yet."""
    now = instants.now()
    async with changing(database) as connection:
        current = await _held(connection, window_id, expected)
        moved = replace(_noted(current, action, actor, reason, now), state=target(current.state, action))
        if by_station and action not in BY_STATION.get(current.state, ()):
            raise core_errors.Forbidden("A station takes back only what is not decided yet; ask the staff.")
        if action in {WindowAction.REQUEST, WindowAction.ACCEPT}:
            await _refuse_overlap(connection, moved)
        if action in {WindowAction.ACCEPT, WindowAction.REJECT}:
            moved = replace(moved, decided_by=actor, decided_time=now, decision_reason=reason)
        await window_store.update(connection, moved)
        if moved.state is WindowState.ACCEPTED:
            covered = await store.ended_within(connection, window_id, muting.BY_CALIBRATION)
            await keep(connection, [muting.muted(known, window_id, now, actor) for known in covered])
        elif current.state is WindowState.ACCEPTED:
            covered = await store.muted_by(connection, window_id)
            reason = f"window {window_id} was cancelled"
            await keep(connection, [muting.unmuted(known, now, None, reason, actor) for known in covered])
        if WindowState.ACCEPTED in {current.state, moved.state}:
            await rechecks.ask(
                connection,
                current.station_id,
                current.datastream_id,
                current.begin_time,
                current.end_time,
                f"window {window_id}: {action}",
            )
    return await get(database, window_id)


def _check(new: NewWindow) -> None:
    """Raise WindowNotSuitable for members that are right one by one and wrong together."""
    faults = []
    if not new.begin < new.end <= new.begin + LONGEST:
        expected = f"a time after from ({instants.text(new.begin)}) by {LONGEST.days} days at most"
        faults.append(core_errors.Fault("to", instants.text(new.end), expected))
    if new.kind is WindowKind.MAINTENANCE:
        given = {"standards": new.standards or None, "tolerance": new.tolerance}
        faults += [
            core_errors.Fault(name, core_errors.shown(value), "nothing: it is of calibrations only")
            for name, value in given.items()
            if value is not None
        ]
    if faults:
        raise errors.WindowNotSuitable(f"Not valid: {', '.join(fault.field for fault in faults)}.", faults=faults)


async def _held(connection: Any, window_id: int, expected: Expected) -> KeptWindow:
    """The window on an expected revision, which nobody else moves until the transaction ends."""
    await window_store.serialize(connection, (await get(connection, window_id)).station_id)
    # Read again: it may have moved while this one waited.
    current = await get(connection, window_id)
    revisions.check(current.revision, expected)
    return current


async def _stream(connection: Any, station_id: int, station: str, symbol: str | None) -> int | None:
    if symbol is None:
        return None
    found = await window_store.datastream_of(connection, station_id, symbol)
    if found is None:
        raise not_found(DatastreamNotFound, "symbol", symbol, expected=f"a property that {station} observes")
    return found


async def _refuse_overlap(connection: Any, window: KeptWindow) -> None:
    others = await window_store.overlapping(connection, window)
    if others:
        listed = ", ".join(map(str, others))
        span = f"{instants.text(window.begin_time)} … {instants.text(window.end_time)}"
        fault = core_errors.Fault("from, to", span, f"a span that window {listed} does not share")
        what = "calibration" if window.kind is WindowKind.CALIBRATION else "maintenance"
        raise errors.WindowOverlaps(
            f"{window.station} has a {what} window then: {listed}.", faults=[fault], extra={"windows": others}
        )


def _noted(window: KeptWindow, action: str, actor: str, reason: str, time: datetime) -> KeptWindow:
    """The window with one more line in its timeline."""
    line = {"time": instants.text(time), "action": str(action), "actor": actor, "reason": reason}
    return replace(window, detail={**window.detail, "moves": [*window.detail.get("moves", ()), line]})
