"""The HTTP interface of alerts as one router."""

from fastapi import APIRouter

from telemetry.alerts.routes import alerts, rules, windows

router = APIRouter()
for part in (alerts, rules, windows):
    router.include_router(part.router)
