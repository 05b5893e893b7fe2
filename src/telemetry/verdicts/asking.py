"""Puts a span on the agenda because a person asks."""

from core import errors as core_errors
from core import instants
from core.database import Database
from telemetry.catalog import stations
from telemetry.verdicts import agenda, errors, material, schemas, store


async def ask(database: Database, wanted: schemas.JudgeRequest, person: str) -> int:
    """How many datastreams will be judged again."""
    await stations.get(database, wanted.station)
    async with database.transaction() as connection:
        book = await material.book(connection, None)
        streams = await store.streams_of(connection, wanted.station, wanted.symbol)
        # What lost its last limit may still have verdicts, so one that is named is taken as it is.
        meant = [stream for stream in streams if wanted.symbol is not None or stream in book.streams]
        if not meant:
            fault = core_errors.Fault(
                "symbol", str(wanted.symbol), f"what {wanted.station} observes and a limit holds for"
            )
            raise errors.NothingToJudge(f"There is nothing to judge at {wanted.station}.", faults=[fault])
        begin_us, end_us = instants.to_us(wanted.begin), instants.to_us(wanted.end)
        await agenda.ask(connection, meant, begin_us, end_us, person)
    return len(meant)
