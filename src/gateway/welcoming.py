"""Lets the first person in: a link for who comes to an installation that nobody manages yet."""

import sys

import structlog

from core import errors
from core.acting import Acting, acts
from core.database import DRIVER_ERRORS, Database
from gateway import resources
from gateway.settings import Settings
from identity.people import credentials_store, links
from identity.people.links import Link

_log = structlog.get_logger(__name__)

_WHO = "first start"
_TEXT = """
Nobody manages people here yet. The first administrator chooses a user name and a password at

  {address}

The link works once and for a day. `quantrac people link` makes another.
"""


def address(settings: Settings, link: Link) -> str:
    """The whole address of a link, as it is opened in a browser."""
    base = settings.oidc.base_url or settings.mail.base_url
    if base is None:
        host = settings.http.host
        # What listens everywhere is reached from here under this name, and so is what listens here alone.
        everywhere = {"0.0.0.0", "::", "", "127.0.0.1", "::1"}  # noqa: S104 - compared with, not listened on
        base = f"http://{'localhost' if host in everywhere else host}:{settings.http.port}"
    return base.rstrip("/") + link.path


async def first_link(database: Database, settings: Settings) -> str | None:
    """The address of a new link for the first administrator; None where somebody manages people."""
    if not await credentials_store.nobody_manages(database):
        return None
    with acts(Acting(_WHO)):
        return address(settings, await links.make(database, _WHO))


async def tell_terminal(settings: Settings) -> None:
    """Show a first link to who starts the gateway by hand; what is written to a file or a journal gets none."""
    if not sys.stdout.isatty():
        return
    try:
        async with resources.database_of(settings, "quantrac-gateway") as database:
            found = await first_link(database, settings)
    except (*DRIVER_ERRORS, errors.Error):
        # The gateway waits for its database, and says so itself.
        return
    if found is not None:
        sys.stdout.write(_TEXT.format(address=found))
        sys.stdout.flush()


async def remind(database: Database) -> None:
    """One line in the log while nobody manages people: how, not by which link."""
    if await credentials_store.nobody_manages(database):
        _log.warning("people.nobody_manages", hint="quantrac people link")
