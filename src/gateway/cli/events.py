"""`quantrac events`: follows what happens at a running gateway, line by line."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import httpx
import typer

from core import instants
from gateway.cli import options, printing
from gateway.settings import Settings

# Longer than the service is ever silent.
_SILENCE_SECONDS = 60
_PAUSE_SECONDS = 2.0


class Refused(Exception):
    """The gateway answered something that is no stream; asking again would not help."""


@dataclass
class _Place:
    """Where to go on after the connection was lost."""

    last_id: str | None = None
    fields: dict[str, str] = field(default_factory=dict)


def events(
    url: Annotated[str, typer.Option(help="Address of the gateway.")] = "http://127.0.0.1:8000",
    token_file: Annotated[Path | None, typer.Option(help="File with the staff's token or a station's key.")] = None,
    follow: Annotated[bool, typer.Option("--follow/--no-follow", help="Come back when the connection is lost.")] = True,
    types: Annotated[
        list[str] | None,
        typer.Option("--type", help="alert, verdict, station, observations, or one such as alert.raised."),
    ] = None,
    station: Annotated[list[str] | None, typer.Option(help="Code of a station; several times for several.")] = None,
    severity: Annotated[str | None, typer.Option(help="Least severity of alerts.")] = None,
    last_id: Annotated[str | None, typer.Option(help="Go on behind this event.")] = None,
    as_json: options.AsJson = False,
) -> None:
    """Show alerts, verdicts and readings as they come; Ctrl-C ends it."""
    params: dict[str, Any] = {
        name: value for name, value in (("types", types), ("station", station), ("severity", severity)) if value
    }
    place = _Place(last_id)
    asyncio.run(_follow(url, _token(token_file), params, place, follow=follow, as_json=as_json))


def _token(file: Path | None) -> str:
    if file is not None:
        return file.read_text(encoding="utf-8").strip()
    token = Settings().staff_token
    if token is None:
        raise typer.BadParameter("give --token-file, or set QUANTRAC_ACCESS__STAFF_TOKEN")
    return token


async def _follow(url: str, token: str, params: dict[str, Any], place: _Place, *, follow: bool, as_json: bool) -> None:
    timeout = httpx.Timeout(10, read=_SILENCE_SECONDS)
    async with httpx.AsyncClient(base_url=url, timeout=timeout, trust_env=False) as client:
        while True:
            try:
                async for name, data in _stream(client, token, params, place):
                    typer.echo(data if as_json else _printable(_line(name, json.loads(data))))
            except Refused as refusal:
                typer.echo(str(refusal), err=True)
                raise typer.Exit(1) from None
            except httpx.HTTPError as failure:
                if not follow:
                    raise
                typer.echo(f"{type(failure).__name__}; coming back …", err=True)
            if not follow:
                return
            await asyncio.sleep(_PAUSE_SECONDS)


async def _stream(
    client: httpx.AsyncClient, token: str, params: dict[str, Any], place: _Place
) -> AsyncIterator[tuple[str, str]]:
    """Names and data of events, until the connection ends."""
    headers = {"Authorization": f"Bearer {token}"} | ({"Last-Event-ID": place.last_id} if place.last_id else {})
    async with client.stream("GET", "/v1/events", params=params, headers=headers) as answer:
        if answer.is_client_error:
            problem = json.loads(await answer.aread() or b"{}")
            raise Refused(f"{answer.status_code} {problem.get('title', '')}: {problem.get('detail', '')}")
        answer.raise_for_status()
        place.fields = {}
        async for line in answer.aiter_lines():
            if line:
                name, _, value = line.partition(":")
                place.fields[name] = value.removeprefix(" ")
                continue
            place.last_id = place.fields.get("id", place.last_id)
            if "data" in place.fields:
                yield place.fields.get("event", ""), place.fields["data"]
            place.fields = {}


def _line(name: str, document: dict[str, Any]) -> str:
    """One event for people."""
    if name == "observations":
        results = ", ".join(
            f"{symbol} {found['result']:g}{' ' + found['unit'] if found['unit'] else ''}"
            for symbol, found in document["results"].items()
        )
        return f"{_clock(document['phenomenonTime'])}  {document['station']}  {results}"
    if name == "reset":
        return f"{_clock(document['time'])}  {document['detail']}"
    data = document["data"]
    alert = data.get("alert") or {}
    verdict = data.get("verdict") or data.get("former") or {}
    what = (alert.get("title") or {}).get("vi") or " ".join(
        str(verdict[member]) for member in ("station", "symbol", "window", "verdict") if verdict.get(member)
    )
    severity = f"[{alert['severity']}] " if alert.get("severity") else ""
    return f"{_clock(document['time'])}  {name:<18}  {severity}{what or data.get('station', '')}"


def _printable(text: str) -> str:
    """Names of stations and comments are text of others; a terminal obeys what they might hold."""
    return "".join(sign if sign.isprintable() else " " for sign in text)


def _clock(text: str) -> str:
    return printing.written(instants.parse(text))
