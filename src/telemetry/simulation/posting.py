"""Sends a station's parcels over HTTP and reads what the answer says about them."""

from collections.abc import Mapping
from typing import Any

import httpx

from telemetry.simulation.parcels import Acceptance, Answer, Parcel

PATH = "/v1/observations"
# These say nothing about the message itself: the same bytes may be taken later.
_COME_AGAIN = frozenset({401, 403, 408, 421, 425, 429})


class HttpTransport:
    """One station's credential on a client that all stations share."""

    def __init__(self, client: httpx.AsyncClient, key: str) -> None:
        self._client = client
        self._headers = {"Authorization": f"Bearer {key}"}

    async def send(self, parcel: Parcel) -> Answer:
        headers = self._headers | {"Content-Type": parcel.content_type}
        params = None if parcel.file_name is None else {"fileName": parcel.file_name}
        try:
            response = await self._client.post(PATH, content=parcel.raw, headers=headers, params=params)
        except httpx.HTTPError as error:
            # A lost answer is not a lost message: nothing is known.
            return Answer(Acceptance.UNKNOWN, "http", type(error).__name__)
        return read(response)

    async def close(self) -> None:
        """The client belongs to whoever opened it."""


def read(response: httpx.Response) -> Answer:
    """What a response says: 2xx kept, other 4xx not kept, everything else nothing."""
    body = _document(response)
    if response.is_success:
        return Answer(Acceptance.ACKED, "http", str(response.status_code), body)
    detail = f"{response.status_code} {body.get('type', '').removeprefix('urn:quantrac:problem:')}".strip()
    if response.status_code in _COME_AGAIN or not response.is_client_error:
        return Answer(Acceptance.UNKNOWN, "http", detail, retry_after=_seconds(response.headers.get("retry-after")))
    return Answer(Acceptance.REFUSED, "http", detail, body)


def _document(response: httpx.Response) -> Mapping[str, Any]:
    """The JSON object of a response; empty where a proxy answered something else."""
    try:
        found = response.json()
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _seconds(text: str | None) -> float | None:
    return float(text) if text is not None and text.isdigit() else None
