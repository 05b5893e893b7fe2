"""`quantrac station enrolment` and `quantrac station enrol`: both sides of a one-time code."""

import getpass
import os
import sys
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import httpx
import typer

from core import errors
from gateway.cli import asking, options, printing, station_keys
from telemetry.admission import codes, enrolling
from telemetry.admission.schemas import Enrolment, NewEnrolment

app = typer.Typer(no_args_is_help=True, help="One-time codes with which stations fetch their keys themselves.")

_SECONDS = 30.0


class NotEnrolled(errors.Error):
    slug = "not-enrolled"
    title = "No key was fetched"


@app.command()
def begin(
    code: station_keys.Code,
    label: Annotated[str, typer.Option(help="For people: which device the key is for.")] = "",
    hours: Annotated[int, typer.Option(help="After so many hours the code opens nothing any more.")] = 72,
    expires: station_keys.Expires = None,
    never_expires: station_keys.Never = False,
    as_json: options.AsJson = False,
) -> None:
    """Make a code and show it, this once: read it out to whoever sets the logger up."""
    expiry = station_keys.expiry(expires, never=never_expires)
    new = options.checked(NewEnrolment, {"label": label, "valid_hours": hours, "key_expires_time": expiry})
    made = asking.asked(
        lambda database: enrolling.begin(
            database,
            code,
            label=new.label,
            valid=timedelta(hours=new.valid_hours),
            key_expires=new.key_expires_time,
            by=f"cli:{getpass.getuser()}",
        )
    )
    if as_json:
        printing.print_json([made])
        return
    typer.echo(made.code)
    typer.echo(f"Good once, until {printing.written(made.expires_time)}. It is not shown again.", err=True)


@app.command("list")
def list_enrolments(code: station_keys.Code, as_json: options.AsJson = False) -> None:
    """List a station's enrolments, newest first, without their codes."""
    found = asking.asked(lambda database: enrolling.listed(database, code))
    if as_json:
        printing.print_json(found)
    else:
        _print(found)


@app.command()
def withdraw(
    code: station_keys.Code,
    number: Annotated[int, typer.Argument(help="Number of the enrolment, as `list` shows it.")],
    as_json: options.AsJson = False,
) -> None:
    """Let a code open nothing any more."""
    withdrawn = asking.asked(lambda database: enrolling.withdraw(database, code, number))
    if as_json:
        printing.print_json([withdrawn])
    else:
        typer.echo(f"Enrolment {withdrawn.id} of {code} is withdrawn.")


def _print(found: list[Enrolment]) -> None:
    printing.print_rows(
        ("number", "state", "begun", "by", "good until", "used", "from", "key", "label"),
        [
            (
                *(e.id, e.state, printing.written(e.created_time), e.created_by, printing.written(e.expires_time)),
                *("" if e.used_time is None else printing.written(e.used_time), e.used_address, e.key, e.label),
            )
            for e in found
        ],
    )


def enrol(
    url: Annotated[str, typer.Argument(help="Address of the monitoring centre, such as https://quantrac.example.vn.")],
    code: Annotated[str, typer.Argument(help="The code as it was read out; - reads standard input.")],
    output: Annotated[
        Path | None, typer.Option(help="Write the key into this file, mode 0600, and do not show it.")
    ] = None,
) -> None:
    """Fetch a station's key with its one-time code. This is for the station's side: it needs no settings."""
    text = sys.stdin.readline() if code == "-" else code
    try:
        good = codes.read(text)
    except codes.Mistyped as error:
        raise typer.BadParameter(f"{error}; look at it again", param_hint="CODE") from None
    if output is None:
        issued = _fetched(url, good)
        typer.echo(issued["key"])
    else:
        issued = _kept(url, good, output)
    typer.echo(f"Station {issued['station']}; MQTT user and client id: {issued['id']}", err=True)


def _kept(url: str, code: str, output: Path) -> dict[str, Any]:
    """The file is made before the code is spent: a key that cannot be kept would be lost."""
    handle = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        try:
            issued = _fetched(url, code)
        except NotEnrolled:
            output.unlink(missing_ok=True)
            raise
        file.write(issued["key"] + "\n")
    return issued


def _fetched(url: str, code: str) -> dict[str, Any]:
    try:
        answer = httpx.post(f"{url.rstrip('/')}/v1/enrolments", json={"code": code}, timeout=_SECONDS)
        found: dict[str, Any] = answer.json()
        told = str(found.get("detail") or found.get("title") or answer.status_code)
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, AttributeError) as error:
        raise NotEnrolled(f"{url} does not answer as a monitoring centre does ({type(error).__name__}).") from error
    if answer.status_code != httpx.codes.CREATED:
        raise NotEnrolled(told)
    return found
