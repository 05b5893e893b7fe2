"""The login of the gateway can do what sign-ins with the provider need; others cannot even look."""

import asyncpg
import pytest

from core.database import Database
from core.rights import Grant, Role
from identity.oidc import admitting, linking, store
from identity.oidc.admitting import Admission
from identity.oidc.store import Attempt
from tests.fixtures.logins import Logins

ISSUER = "https://id.example.vn"


async def test_the_gateway_begins_and_ends_sign_ins_and_settles_roles(logins: Logins) -> None:
    async with Database(logins.addresses["staff"], application_name="quantrac-test") as database:
        attempt = Attempt("nonce", "verifier", "/")
        assert await store.begin(database, "state", "browser", attempt)
        assert await store.end(database, "state", "another browser") is None
        assert await store.end(database, "state", "browser") == attempt
        assert await store.end(database, "state", "browser") is None
        said = {"sub": "5f0c", "preferred_username": "Le.Minh", "groups": ["water"]}
        admission = Admission({"water": (Grant(Role.VIEWER),)}, create=True)
        person = await admitting.admit(database, ISSUER, said, admission)
        assert person.user_name == "le.minh"
        assert await linking.unlink(database, "le.minh") == person.id


async def test_others_do_not_see_sign_ins(logins: Logins) -> None:
    for address in (logins.addresses[group] for group in ("ingest", "watch", "reader")):
        connection = await asyncpg.connect(address)
        try:
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.fetch("SELECT * FROM oidc_attempt")
        finally:
            await connection.close()
