"""The answer to an import of stations."""

from pydantic import Field

from core.wire import Body
from telemetry.catalog.schemas import fields


class ImportReport(Body):
    model_config = fields.example(
        {"dryRun": True, "lines": 30, "stationsNew": 4, "stationsUpdated": 0, "datastreams": 29, "aliases": 12}
    )

    dry_run: bool = Field(description="True: everything was tried and nothing kept.")
    lines: int = Field(description="Lines of the file that say something, without the header.")
    stations_new: int
    stations_updated: int
    datastreams: int
    aliases: int
