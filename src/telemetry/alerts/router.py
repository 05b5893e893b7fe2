"""The HTTP interface of alerts as one router."""

from fastapi import APIRouter

from telemetry.alerts.routes import alerts

router = APIRouter()
for part in (alerts,):
    router.include_router(part.router)
