"""Import of stations from CSV over HTTP."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request

from core import access
from core import errors as core_errors
from core.access import Steward
from core.database import Opened
from core.rights import Right
from telemetry.catalog import errors, import_plan, importing
from telemetry.catalog.routes import answers
from telemetry.catalog.schemas.imports import ImportReport

router = APIRouter(prefix="/v1/stations", tags=["stations"])

MOST_BYTES = 8 * 2**20

_EXAMPLE = (
    "station,kind,organization,name_vi,latitude,longitude,symbol,reported_unit,reported_as,range_max,aliases\n"
    "TH-NT-101,wastewater,TH-DN-01,Trạm nước thải số 101,19.8,105.77,COD,mg/l,,500,\n"
    "TH-NT-101,,,,,,NH4,mg/l,NH4+,50,Amoni|NH4-N\n"
)
_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": f"UTF-8, separated by `,` or `;`. Columns: {', '.join(import_plan.COLUMNS)}; "
        f"{', '.join(import_plan.REQUIRED)} are required. One line is one datastream; what describes the station "
        "stands on its first line. Aliases are separated by `|`.",
        "content": {"text/csv": {"schema": {"type": "string"}, "example": _EXAMPLE}},
    }
}


async def _csv(request: Request) -> bytes:
    """The body, as long as it is CSV by its name and not too large."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type not in {"text/csv", "application/csv", ""}:
        fault = core_errors.Fault("Content-Type", core_errors.shown(media_type), "text/csv")
        raise core_errors.Unsupported("Stations are imported from CSV.", faults=[fault])
    received = bytearray()
    async for part in request.stream():
        received += part
        if len(received) > MOST_BYTES:
            fault = core_errors.Fault("body", f"more than {MOST_BYTES} bytes", f"at most {MOST_BYTES} bytes")
            raise core_errors.TooLarge("The file is too large; import it in parts.", faults=[fault])
    return bytes(received)


@router.post(
    "/import",
    summary="Import stations from CSV",
    responses=answers.refusals(errors.ImportRefused, core_errors.TooLarge, core_errors.Unsupported),
    openapi_extra=_BODY,
)
async def import_stations(
    staff: Steward,
    opened: Opened,
    data: Annotated[bytes, Depends(_csv)],
    dry_run: Annotated[bool, Query(alias="dryRun", description="Try everything and keep nothing.")] = False,
    update: Annotated[bool, Query(description="Bring stations that exist to what the file says.")] = False,
) -> ImportReport:
    """Import stations with their datastreams: all or nothing. Everything that is wrong is told, with its line.

    A dry run answers exactly as the real import would. With `update`, empty cells mean the default, and datastreams of
    a station that the file does not name stay as they are.

    Needs catalog.edit, not narrowed.
    """
    access.require_everywhere(staff, Right.EDIT_CATALOG)
    report = await importing.import_stations(opened, data, dry_run=dry_run, update=update)
    if not dry_run:
        answers.log_change(staff, "stations_imported", f"{report.stations_new} new, {report.stations_updated} updated")
    return report
