"""Signs people in: with a password, or with a link that is used once; lets them change the password.

Whatever is wrong with a name or a password, the answer is the same and takes as long.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

import structlog
from prometheus_client import Counter

from core import errors, instants, peers, throttling
from core.access import Staff
from core.acting import Acting, acts
from core.database import Database
from core.throttling import Throttle
from identity.people import credentials_store, links, passwords
from identity.people.credentials_store import Credentials, LinkRow
from identity.people.passwords import Hasher
from identity.sessions import keeping, store
from identity.sessions.errors import MissingNames, NoPassword, WrongCredentials
from identity.sessions.keeping import LASTING, Lasting, Method, NewSession
from identity.sessions.throttling import Gate

_log = structlog.get_logger(__name__)

SIGN_INS = Counter("quantrac_sign_ins_total", "Sign-ins with a password or a link.", ["method", "outcome"])


@dataclass(frozen=True, slots=True)
class Browser:
    """Where a request comes from. cookie: of the session that it had, if any."""

    address: str | None
    user_agent: str | None
    cookie: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Parts:
    """What signing in works with."""

    database: Database
    hasher: Hasher
    throttle: Throttle
    lasting: Lasting = LASTING
    clock: Callable[[], datetime] = instants.now


class SigningIn:
    def __init__(self, parts: Parts) -> None:
        self._database = parts.database
        self._hasher = parts.hasher
        self._throttle = parts.throttle
        self._gate = Gate(parts.database, parts.throttle)
        self._clock = parts.clock
        self.lasting = parts.lasting

    def now(self) -> datetime:
        return self._clock()

    async def with_password(self, user_name: str, password: str, browser: Browser) -> NewSession:
        """Raises WrongCredentials, TooManyFailures, HashingBusy."""
        person = await self._verified(user_name, password, browser)
        return await self._begin(person.id, person.user_name, "password", browser)

    async def change_password(self, staff: Staff, present: str, new: str, browser: Browser) -> NewSession:
        """Set another password; this browser's session begins anew and the person's others end.

        Raises NoPassword, WrongCredentials, WeakPassword, TooManyFailures, HashingBusy.
        """
        person = await credentials_store.of(self._database, staff.name)
        if staff.person_id is None or person is None or person.id != staff.person_id or person.password_hash is None:
            raise NoPassword("There is no password to change; ask an administrator for a link.")
        passwords.check(new, person.user_name, person.display_name, person.email or "")
        await self._verified(person.user_name, present, browser)
        if passwords.normal(new) == passwords.normal(present):
            raise passwords.WeakPassword("The new password is the present one.")
        hashed = await self._hasher.hash(new)
        now = self._clock()
        with acts(Acting(person.user_name, browser.address or "", "password changed")):
            async with self._database.transaction() as connection:
                await credentials_store.set_password(connection, person.id, hashed, now, must_change=False)
                await store.end(connection, person.id, now, "password-changed")
        _log.info("password.changed", person=person.user_name, address=browser.address)
        return await self._begin(person.id, person.user_name, "password", browser)

    async def look(self, secret: str, browser: Browser) -> LinkRow:
        """Whom a link is for. Raises LinkNotUsable, TooManyFailures."""
        address, name = browser.address or peers.UNIX, throttling.name_of(secret)
        self._throttle.before(address, name)
        try:
            return await links.look(self._database, secret, self._clock())
        except links.LinkNotUsable as error:
            raise self._throttle.failed(address, name, error) from None

    async def with_link(
        self, secret: str, password: str, names: tuple[str, str] | None, browser: Browser
    ) -> NewSession:
        """Set a password by a link. names: user name and display name of the first administrator.

        Raises LinkNotUsable, MissingNames, WeakPassword, UserNameTaken, TooManyFailures, HashingBusy.
        """
        found = await self.look(secret, browser)
        if found.person_id is not None:
            names = (found.user_name or "", found.display_name or "")
        if names is None:
            fault = errors.Fault("userName", "nothing", "a user name, and with it a display name")
            raise MissingNames("Say who the first administrator is.", faults=[fault])
        passwords.check(password, *names)
        chosen = links.Chosen(await self._hasher.hash(password), *names)
        now = self._clock()
        with acts(Acting(names[0], browser.address or "", f"link: {found.purpose}")):
            person_id = await links.use(self._database, secret, chosen, now)
            await store.end(self._database, person_id, now, "password-changed")
        _log.info("link.used", person=names[0], purpose=found.purpose, address=browser.address)
        return await self._begin(person_id, names[0], "link", browser)

    async def _verified(self, user_name: str, password: str, browser: Browser) -> Credentials:
        attempt = await self._gate.admit(user_name, browser.address, self._clock())
        person = await credentials_store.of(self._database, user_name)
        hashed = None if person is None or person.disabled else person.password_hash
        found = await self._hasher.verify(password, hashed, acquainted=attempt.acquainted)
        if person is None or hashed is None or not found.right:
            SIGN_INS.labels("password", "refused").inc()
            if person is not None:
                _log.warning("sign_in.refused", person=person.user_name, address=browser.address)
            raise self._gate.failed(attempt, WrongCredentials("Try again, or ask an administrator for a link."))
        self._gate.succeeded(attempt)
        if found.rehashed is not None:
            with acts(Acting(person.user_name, browser.address or "", "password hashed anew")):
                await credentials_store.rehashed(self._database, person.id, found.rehashed, hashed)
        return person

    async def _begin(self, person_id: int, user_name: str, method: Method, browser: Browser) -> NewSession:
        with acts(Acting(user_name, browser.address or "", f"sign-in: {method}")):
            made = await keeping.begin(
                self._database,
                person_id,
                method=method,
                address=browser.address,
                user_agent=browser.user_agent,
                replaces=browser.cookie,
                lasting=self.lasting,
                now=self._clock(),
            )
        SIGN_INS.labels(method, "accepted").inc()
        _log.info("sign_in.accepted", person=user_name, method=method, address=browser.address, session=made.id)
        return made
