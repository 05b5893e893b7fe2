"""Opens the database for the time of one command."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from core.database import Database
from gateway import resources
from gateway.settings import Settings

Result = TypeVar("Result")

_NAME = "quantrac-cli"


@asynccontextmanager
async def opened() -> AsyncIterator[Database]:
    """The database of the settings."""
    async with resources.database_of(Settings(), _NAME) as database:
        yield database


def asked(question: Callable[[Database], Coroutine[Any, Any, Result]]) -> Result:
    """The answer to one question to the database."""

    async def ask() -> Result:
        async with opened() as database:
            return await question(database)

    return asyncio.run(ask())
