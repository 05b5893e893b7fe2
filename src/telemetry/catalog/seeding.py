"""Enters the seed's network into a database: adds what is missing, changes nothing that is there."""

from dataclasses import dataclass, fields
from pathlib import Path

import msgspec

from core import queries
from core.database import Database, act
from telemetry.catalog import seed_files, seed_network

_sql = queries.load(__file__, "seed")


@dataclass(frozen=True, slots=True)
class SeedReport:
    """How many rows of each kind were added."""

    organizations: int
    stations: int
    properties: int
    datastreams: int
    aliases: int
    rule_sets: int
    rule_limits: int
    limits: int
    policies: int

    @property
    def added(self) -> int:
        return sum(int(getattr(self, item.name)) for item in fields(self))


async def seed(database: Database, folder: Path = seed_files.FOLDER) -> SeedReport:
    """Add what the files have and the database lacks, in one transaction; running it again adds nothing.

    Raises seed_files.BrokenSeed, before the database is touched, when the files cannot be used.
    """
    network = seed_network.build(seed_files.read(folder))
    async with database.connection() as connection:
        transaction = connection.transaction()
        await transaction.start()
        try:
            await act(connection)
            await connection.execute(_sql["seed_lock"])
            report = SeedReport(
                properties=await connection.fetchval(_sql["seed_properties"], _json(network.properties)),
                organizations=await connection.fetchval(_sql["seed_organizations"], _json(network.organizations)),
                stations=await connection.fetchval(_sql["seed_stations"], _json(network.stations)),
                datastreams=await connection.fetchval(_sql["seed_datastreams"], _json(network.datastreams)),
                aliases=await connection.fetchval(_sql["seed_aliases"], _json(network.aliases)),
                rule_sets=await connection.fetchval(_sql["seed_rule_sets"], _json(network.rule_sets)),
                rule_limits=await connection.fetchval(_sql["seed_rule_limits"], _json(network.rule_limits)),
                # Before the limits, so that what is judged by them is judged once.
                policies=await connection.fetchval(_sql["seed_policies"], _json(network.policies)),
                limits=await connection.fetchval(_sql["seed_limits"], _json(network.limits)),
            )
        except BaseException:
            await transaction.rollback()
            raise
        if report.added:
            await transaction.commit()
        else:
            # The statements moved the catalogue's revision even so; undone, no running process reads it all again.
            await transaction.rollback()
    return report


def _json(records: list[seed_network.Record]) -> str:
    return msgspec.json.encode(records).decode()
