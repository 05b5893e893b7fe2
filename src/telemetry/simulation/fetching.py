"""Asks a running gateway what its stations measure: all at once as the staff, or station by station with their keys."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from typing import Any

import httpx

from core import errors, instants
from telemetry.simulation.network import Station, Stream

_PAGE = 1000
_AT_ONCE = 8
_PAUSE = 0.5


class GatewayDoesNotAnswer(errors.Unavailable):
    slug = "gateway-does-not-answer"
    title = "The gateway does not answer"


class GatewayRefuses(errors.Forbidden):
    slug = "gateway-refuses"
    title = "The gateway does not show its network"


async def with_token(client: httpx.AsyncClient, token: str) -> tuple[Station, ...]:
    """The active network, as the staff sees it."""
    asking = _Asking(client, token)
    stations = [item async for item in asking.items("/v1/stations")]
    streams = [item async for item in asking.items("/v1/datastreams")]
    limits = [item async for item in asking.items("/v1/limits")]
    return _joined(stations, streams, limits)


async def with_keys(client: httpx.AsyncClient, keys: Mapping[str, str]) -> tuple[Station, ...]:
    """The stations that these keys belong to, each as it sees itself."""
    room = asyncio.Semaphore(_AT_ONCE)

    async def one(code: str, key: str) -> tuple[Station, ...]:
        async with room:
            asking = _Asking(client, key)
            station = await asking.document(f"/v1/stations/{code}")
            streams = [item async for item in asking.items("/v1/datastreams")]
            limits = [item async for item in asking.items("/v1/limits")]
            return _joined([station], streams, limits)

    found = await asyncio.gather(*(one(code, key) for code, key in sorted(keys.items())))
    return tuple(station for stations in found for station in stations)


async def wait_until_ready(client: httpx.AsyncClient, seconds: float) -> None:
    """Return when the gateway says that it is ready; raises GatewayDoesNotAnswer when it does not in this time."""
    deadline = time.monotonic() + seconds
    seen = "no answer"
    while True:
        try:
            response = await client.get("/readyz")
            # A broker that is still starting does not keep stations from sending over HTTP.
            if response.is_success:
                return
            seen = f"{response.status_code} from /readyz"
        except httpx.HTTPError as error:
            seen = type(error).__name__
        if time.monotonic() > deadline:
            fault = errors.Fault(
                "url", seen, "a gateway that is ready, as started by `quantrac run` or `quantrac serve`"
            )
            raise GatewayDoesNotAnswer(f"No gateway is ready at {client.base_url}.", faults=[fault])
        await asyncio.sleep(_PAUSE)


async def cycles_kept(
    client: httpx.AsyncClient, key: str, station: Station, begin_us: int, end_us: int
) -> frozenset[int]:
    """The times, in µs, of which the gateway has the station's first property already."""
    asking = _Asking(client, key)
    span = {"from": instants.text(instants.from_us(begin_us)), "to": instants.text(instants.from_us(end_us))}
    found = asking.items("/v1/observations", station=station.code, symbol=station.streams[0].symbol, **span)
    return frozenset([instants.to_us(instants.parse(item["phenomenonTime"])) async for item in found])


class _Asking:
    """Reads documents and pages with one credential."""

    def __init__(self, client: httpx.AsyncClient, credential: str) -> None:
        self._client = client
        self._headers = {"Authorization": f"Bearer {credential}"}

    async def document(self, path: str, **params: str | int) -> dict[str, Any]:
        try:
            response = await self._client.get(path, headers=self._headers, params=params)
        except httpx.HTTPError as error:
            fault = errors.Fault("url", type(error).__name__, "a gateway that answers")
            raise GatewayDoesNotAnswer(f"{self._client.base_url} did not answer.", faults=[fault]) from error
        if not response.is_success:
            fault = errors.Fault(path, str(response.status_code), "200; the key or token must be one of this gateway")
            raise GatewayRefuses(f"{path} was answered {response.status_code}.", faults=[fault])
        found: dict[str, Any] = response.json()
        return found

    async def items(self, path: str, **wanted: str) -> AsyncIterator[dict[str, Any]]:
        params: dict[str, str | int] = {"limit": _PAGE, **wanted}
        while True:
            page = await self.document(path, **params)
            for item in page["items"]:
                yield item
            if page.get("nextCursor") is None:
                return
            params["cursor"] = page["nextCursor"]


def _joined(
    stations: list[dict[str, Any]], streams: list[dict[str, Any]], limits: list[dict[str, Any]]
) -> tuple[Station, ...]:
    decisive = {limit["datastream"]: limit for limit in limits if limit["decisive"]}
    by_station: dict[str, list[Stream]] = {}
    for stream in streams:
        if stream["status"] == "active":
            by_station.setdefault(stream["station"], []).append(_stream(stream, decisive.get(stream["id"], {})))
    return tuple(
        Station(
            code=station["code"],
            kind=station["kind"],
            streams=tuple(by_station[station["code"]]),
            file_code=station["fileCode"],
            cadence_seconds=station["cadenceSeconds"],
        )
        for station in sorted(stations, key=lambda each: str(each["code"]))
        if station["status"] == "active" and station["code"] in by_station
    )


def _stream(document: Mapping[str, Any], limit: Mapping[str, Any]) -> Stream:
    """A station that has a spelling of its own uses it."""
    return Stream(
        symbol=document["symbol"],
        spelling=next(iter(document["aliases"]), document["symbol"]),
        unit=document["reportedUnit"],
        factor=document["factor"],
        low=document["rangeMin"],
        high=document["rangeMax"],
        lower=limit.get("lower"),
        upper=limit.get("upper"),
    )
