"""Enters the rules that the service comes with into a database: adds what is missing, changes nothing that is there."""

import msgspec

from core import queries
from core.database import Database, act
from telemetry.alerts.rules.book import defaults

_sql = queries.load(__file__, "rule_seed")


async def seed(database: Database) -> int:
    """How many rules were added; running it again adds none. The catalogue is seeded before."""
    rules = [rule.model_dump(mode="json") for rule in defaults()]
    async with database.connection() as connection:
        transaction = connection.transaction()
        await transaction.start()
        try:
            await act(connection)
            await connection.execute(_sql["rule_seed_lock"])
            added: int = await connection.fetchval(_sql["rule_seed_add"], msgspec.json.encode(rules).decode())
        except BaseException:
            await transaction.rollback()
            raise
        if added:
            await transaction.commit()
        else:
            # The statement moved the catalogue's revision even so; undone, no running process reads it all again.
            await transaction.rollback()
    return added
