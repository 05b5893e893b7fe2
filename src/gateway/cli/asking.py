"""Opens the database for the time of one command, in the name of who runs it."""

import asyncio
import getpass
import os
import socket
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from core import acting
from core.database import Database
from gateway import resources
from gateway.settings import Settings

Result = TypeVar("Result")

_NAME = "quantrac-cli"


def operator() -> acting.Acting:
    """Who runs the command, as the operating system knows them, and on which machine."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        # In a container a number need not have a name.
        user = str(os.getuid())
    return acting.Acting(f"cli:{user}", socket.gethostname())


@asynccontextmanager
async def opened() -> AsyncIterator[Database]:
    """The database of the settings."""
    with acting.acts(operator()):
        async with resources.database_of(Settings(), _NAME) as database:
            yield database


def asked(question: Callable[[Database], Coroutine[Any, Any, Result]]) -> Result:
    """The answer to one question to the database."""

    async def ask() -> Result:
        async with opened() as database:
            return await question(database)

    return asyncio.run(ask())
