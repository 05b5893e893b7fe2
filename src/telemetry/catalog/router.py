"""The catalogue's HTTP interface as one router."""

from fastapi import APIRouter

from telemetry.catalog.routes import (
    datastreams,
    imports,
    keys,
    limits,
    organizations,
    properties,
    rule_sets,
    stations,
)

router = APIRouter()
# The import stands before the stations, whose paths take any code.
for part in (organizations, properties, imports, stations, datastreams, rule_sets, limits, keys):
    router.include_router(part.router)
