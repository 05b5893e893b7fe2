"""What the MQTT side reads and keeps in the database: who may connect, and the consumer's session."""

from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

import structlog

from core import queries
from core.database import DRIVER_ERRORS, Database
from telemetry.mqtt.brokers import BrokerUser

_log = structlog.get_logger(__name__)
_sql = queries.load(__file__, "mqtt")

_LEAVE_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Session:
    """expected: the broker was told to keep this session before, and must still have it."""

    client_id: str
    expected: bool


async def broker_users(database: Database) -> list[BrokerUser]:
    """Every key that may connect at this moment, by id."""
    return [BrokerUser(**row) for row in await database.fetch(_sql["mqtt_broker_users"])]


async def open_session(database: Database, client_id: str | None) -> Session:
    """The session under the client id from the settings, or under the one that the database made."""
    row = await database.fetchrow(_sql["mqtt_session_open"], client_id)
    return Session(row["client_id"], row["expected"])


async def mark_subscribed(database: Database, client_id: str) -> None:
    await database.execute(_sql["mqtt_session_subscribed"], client_id)


class Tenure:
    """The right to be the one consumer of a client id, as long as its database session lives."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    async def check(self) -> None:
        """Raises the driver's error once the database session is gone, and the right with it."""
        await self._connection.fetchval(_sql["mqtt_session_held"])


@asynccontextmanager
async def tenure(database: Database, client_id: str) -> AsyncIterator[Tenure | None]:
    """The right to consume under a client id; None while another process has it. Given back when the block ends.

    The lock belongs to one database session, which stays out of the pool for so long. The pool takes sessions back as
    they are, so this one goes back without the lock, or is ended where that is not certain.
    """
    async with database.connection() as connection:
        with ExitStack() as ending:
            ending.callback(_end, connection)
            taken = await connection.fetchval(_sql["mqtt_session_take"], client_id)
            try:
                yield Tenure(connection) if taken else None
            finally:
                if not taken or await _left(connection, client_id):
                    ending.pop_all()


async def _left(connection: Any, client_id: str) -> bool:
    """Whether the session surely has the lock no longer."""
    try:
        left: bool = await connection.fetchval(_sql["mqtt_session_leave"], client_id, timeout=_LEAVE_SECONDS)
    except DRIVER_ERRORS as error:
        _log.warning("mqtt.right_not_given_back", error=type(error).__name__, meaning="the database session is ended")
        return False
    return left


def _end(connection: Any) -> None:
    """Close the connection at once; one that broke was given back to the pool already."""
    with suppress(*DRIVER_ERRORS):
        connection.terminate()
