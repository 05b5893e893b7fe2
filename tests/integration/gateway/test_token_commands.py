"""`quantrac token`, each command as a real process on a real database."""

import json
from typing import Any

from core.database import Database
from identity.tokens.source import TokenSource
from identity.tokens.uses import Uses
from tests.fixtures import commands


async def test_a_token_is_made_narrowed_shown_once_listed_and_revoked(database: Database, dsn: str) -> None:
    environment = {"QUANTRAC_DATABASE__DSN": dsn}

    async def token(*arguments: str, code: int = 0) -> tuple[str, str]:
        return await commands.quantrac("token", *arguments, environment=environment, code=code)

    async def holder(secret: str) -> Any:
        return await TokenSource(database, Uses(database)).find(secret)

    _, told = await token("create", "dashboard", "--role", "approver", code=1)
    assert "roles" in told or "people alone" in told or "decides nothing" in told
    out, told = await token("create", "dashboard", "--role", "viewer", "--station-kind", "ambient")
    secret = out.strip()
    assert (secret[:3], "not shown again" in told) == ("qt_", True)
    (grant,) = (await holder(secret)).grants
    assert (grant.role, grant.narrowing.station_kinds) == ("viewer", frozenset({"ambient"}))
    out, _ = await token("list", "--json", "--expires-within", "400")
    (listed,) = [json.loads(line) for line in out.splitlines()]
    assert (listed["label"], listed["createdBy"].partition(":")[0]) == ("dashboard", "cli")
    assert secret.partition(".")[2] not in out
    out, _ = await token("list")
    assert all(word in out for word in ("dashboard", "live", "viewer"))
    # The whole token does, too: somebody who found one need not cut it.
    await token("revoke", secret)
    assert await holder(secret) is None
    await token("revoke", "qt_aaaaaaaa", code=1)
