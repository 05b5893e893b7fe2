"""One-time codes: the staff reads one out, the station's logger fetches its key with it, and no key travels by mail."""

from datetime import datetime, timedelta

from core import errors as core_errors
from core import instants
from core.credentials import digest
from core.database import Database
from telemetry.admission import codes, enrolment_store, errors
from telemetry.admission.enrolment_store import Held
from telemetry.admission.schemas import Enrolment, IssuedEnrolment
from telemetry.admission.sightings import Kind, Sightings, network_of
from telemetry.catalog import errors as catalog_errors
from telemetry.catalog import keys, stations
from telemetry.catalog.schemas.keys import IssuedKey
from telemetry.catalog.store.writing import changing
from telemetry.events.store import Event, append
from telemetry.readings import Channel

EVENT = "station.enrolled"


async def begin(
    database: Database, station: str, *, label: str, valid: timedelta, key_expires: datetime | None, by: str
) -> IssuedEnrolment:
    """A new code for the station, seen in this answer and never again."""
    keys.refuse_past(key_expires, "keyExpiresTime")
    code = codes.generate()
    async with changing(database) as connection:
        station_id = await stations.held(connection, station)
        number = await enrolment_store.insert(
            connection, station_id, digest(code), label=label, key_expires=key_expires, by=by, valid=valid
        )
        made = await _found(connection, station, number)
    return IssuedEnrolment(**made.model_dump(by_alias=False), code=code)


async def listed(database: Database, station: str) -> list[Enrolment]:
    await stations.get(database, station)
    return await enrolment_store.of_station(database, station)


async def withdraw(database: Database, station: str, number: int) -> Enrolment:
    """The code opens nothing any more. Raises EnrolmentOver where it was used or has expired before."""
    async with changing(database) as connection:
        if not await enrolment_store.withdraw(connection, station, number):
            there = await _found(connection, station, number)
            if there.state != "withdrawn":
                raise errors.EnrolmentOver(f"The enrolment is {there.state}.")
        return await _found(connection, station, number)


async def redeem(database: Database, text: str, address: str, sightings: Sightings) -> IssuedKey:
    """The station's new key for its code, once.

    Raises CodeRefused, the same for every code that opens nothing, whatever the cause, and TooManyKeys where the code
    is good and stays so, because two of the station's keys are live.
    """
    try:
        code = codes.read(text)
    except codes.Mistyped:
        raise _refused() from None
    async with changing(database) as connection:
        held = await enrolment_store.held(connection, digest(code))
        if held is not None and held.is_open:
            return await _issued(connection, held, address)
    if held is not None:
        # It was known to whoever tried: one of two is not the one that it was meant for.
        now_us = instants.now_us()
        detail = f"enrolment {held.id}"
        sightings.odd(Kind.SPENT_CODE, held.station_id, Channel.HTTP, now_us, address=address, detail=detail)
    raise _refused()


async def _issued(connection: object, held: Held, address: str) -> IssuedKey:
    issued = await keys.issue_within(connection, held.station, held.label, held.key_expires_time)
    shown = address if network_of(address) else None
    await enrolment_store.used(connection, held.id, shown, issued.id)
    payload = {"station": held.station, "enrolment": held.id, "key": issued.id, "address": shown}
    await append(connection, [Event(type=EVENT, payload=payload, station_id=held.station_id)])
    return issued


def _refused() -> errors.CodeRefused:
    return errors.CodeRefused(
        "It was mistyped, was used, was withdrawn, or has expired. Ask the monitoring centre for another one."
    )


async def _found(connection: object, station: str, number: int) -> Enrolment:
    found = await enrolment_store.find(connection, station, number)
    if found is None:
        raise catalog_errors.not_found(
            errors.EnrolmentNotFound, "enrolment", str(number), expected=f"an enrolment of {core_errors.shown(station)}"
        )
    return found
