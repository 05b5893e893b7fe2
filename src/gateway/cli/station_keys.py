"""`quantrac station key`: issue, list and revoke the keys of a station."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

import typer

from gateway.cli import asking, options, printing
from telemetry.catalog import keys
from telemetry.catalog.schemas.keys import NewKey, StationKey

app = typer.Typer(no_args_is_help=True, help="The keys by which a station is known over HTTP and MQTT.")

Code = Annotated[str, typer.Argument(help="Code of the station, such as TH-NT-001.")]


@app.command()
def issue(
    code: Code,
    label: Annotated[str, typer.Option(help="For people: which device has it.")] = "",
    expires: Annotated[
        datetime | None,
        typer.Option(parser=options.instant, metavar="TIME", help="When it stops working, with its offset."),
    ] = None,
    as_json: options.AsJson = False,
) -> None:
    """Issue a key and show it, this once. Two may be live at a time: issue, bring it to the device, revoke the old."""
    new = options.checked(NewKey, {"label": label, "expires_time": expires})
    issued = asking.asked(lambda database: keys.issue(database, code, new.label, new.expires_time))
    if as_json:
        printing.print_json([issued])
        return
    typer.echo(issued.key)
    typer.echo(f"Keep it now: it is not shown again. MQTT user and client id of {code}: {issued.id}", err=True)


@app.command("list")
def list_keys(code: Code, as_json: options.AsJson = False) -> None:
    """List a station's keys, newest first, without their secrets."""
    found = asking.asked(lambda database: keys.listed(database, code))
    if as_json:
        printing.print_json(found)
    else:
        print_keys(found)


@app.command()
def revoke(
    code: Code,
    key_id: Annotated[str, typer.Argument(help="Public half of the key, st_ and eight signs.")],
    as_json: options.AsJson = False,
) -> None:
    """Let a key open nothing any more, within seconds at every gateway."""
    revoked = asking.asked(lambda database: keys.revoke(database, code, key_id))
    if as_json:
        printing.print_json([revoked])
    else:
        typer.echo(f"Key {revoked.id} of {code} is revoked.")


def print_keys(found: Sequence[StationKey]) -> None:
    printing.print_rows(
        ("key", "state", "issued", "expires", "revoked", "label"),
        [(k.id, k.state, *map(_written, (k.created_time, k.expires_time, k.revoked_time)), k.label) for k in found],
    )


def _written(time: datetime | None) -> str:
    return "" if time is None else printing.written(time)
