"""Turns bearer credentials into principals: station keys from the catalogue, the staff token from the settings."""

import hashlib
import hmac

from core import access, errors, instants
from telemetry.catalog.loading import LiveCatalog

_NOBODY = "The key or token is not known, was revoked, or has expired."


class Identity:
    """Implements `core.access.Identify`; asks memory only, so that ingestion does not wait for any other service."""

    def __init__(self, catalog: LiveCatalog, staff_token: str | None) -> None:
        self._catalog = catalog
        self._staff = None if staff_token is None else hashlib.sha256(staff_token.encode()).digest()

    def __call__(self, credential: str) -> access.Principal:
        if credential.startswith("st_"):
            station = self._catalog.snapshot.owner_of(credential, instants.now_us())
            if station is None:
                raise errors.Unauthorized(_NOBODY)
            return access.Station(station.id, station.code, credential.partition(".")[0])
        given = hashlib.sha256(credential.encode("utf-8", "surrogatepass")).digest()
        if self._staff is None or not hmac.compare_digest(given, self._staff):
            raise errors.Unauthorized(_NOBODY)
        return access.Staff("staff")
