"""`quantrac station key`: issue, list, edit and revoke the keys of stations."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any

import typer

from core import instants
from gateway.cli import asking, options, printing
from gateway.settings import Settings
from telemetry.catalog import keys
from telemetry.catalog.schemas.keys import KeyEdit, NewKey, StationKey
from telemetry.catalog.store import keys as store
from telemetry.catalog.store.keys import KeyFilter

app = typer.Typer(no_args_is_help=True, help="The keys by which a station is known over HTTP and MQTT.")

Code = Annotated[str, typer.Argument(help="Code of the station, such as TH-NT-001.")]
KeyId = Annotated[str, typer.Argument(help="Public half of the key, st_ and eight signs.")]
Expires = Annotated[
    datetime | None,
    typer.Option(parser=options.instant, metavar="TIME", help="When it stops working, with its offset."),
]
Never = Annotated[bool, typer.Option("--never-expires", help="It does not stop working by itself.")]
_MOST = 100_000


def expiry(given: datetime | None, *, never: bool) -> datetime | None:
    """When a new key expires: as the command line says, or as the settings say where it says nothing."""
    days = Settings().stations.key_days
    if given is not None or never or days is None:
        return given
    return instants.now() + timedelta(days=days)


@app.command()
def issue(
    code: Code,
    label: Annotated[str, typer.Option(help="For people: which device has it.")] = "",
    expires: Expires = None,
    never_expires: Never = False,
    as_json: options.AsJson = False,
) -> None:
    """Issue a key and show it, this once. Two may be live at a time: issue, bring it to the device, revoke the old."""
    new = options.checked(NewKey, {"label": label, "expires_time": expiry(expires, never=never_expires)})
    issued = asking.asked(lambda database: keys.issue(database, code, new.label, new.expires_time))
    if as_json:
        printing.print_json([issued])
        return
    typer.echo(issued.key)
    typer.echo(f"Keep it now: it is not shown again. MQTT user and client id of {code}: {issued.id}", err=True)


@app.command("list")
def list_keys(
    code: Annotated[str | None, typer.Argument(help="Code of a station; without it the keys of all.")] = None,
    expires_within: Annotated[
        int | None, typer.Option(min=0, help="Live keys that expire within so many days.")
    ] = None,
    unused_for: Annotated[
        int | None, typer.Option(min=0, help="Keys that nobody used for so many days, or ever.")
    ] = None,
    as_json: options.AsJson = False,
) -> None:
    """List keys without their secrets: a station's, newest first, or those of all, the next to expire first."""
    if code is not None and expires_within is None and unused_for is None:
        found = asking.asked(lambda database: keys.listed(database, code))
    else:
        wanted = KeyFilter(None if code is None else [code], None, _days(expires_within), _days(unused_for))
        found = asking.asked(lambda database: store.page(database, wanted, (None, None), _MOST))
    if as_json:
        printing.print_json(found)
    else:
        print_keys(found)


def _days(number: int | None) -> timedelta | None:
    return None if number is None else timedelta(days=number)


@app.command()
def edit(
    code: Code,
    key_id: KeyId,
    label: Annotated[str | None, typer.Option(help="For people: which device has it.")] = None,
    expires: Expires = None,
    never_expires: Never = False,
    as_json: options.AsJson = False,
) -> None:
    """Change a key's label or when it expires; one that has expired opens again."""
    given: dict[str, Any] = {} if label is None else {"label": label}
    if expires is not None or never_expires:
        given["expires_time"] = expires
    changes = options.checked(KeyEdit, given)
    edited = asking.asked(lambda database: keys.edit(database, code, key_id, changes))
    if as_json:
        printing.print_json([edited])
    else:
        print_keys([edited])


@app.command()
def revoke(
    code: Code,
    key_id: KeyId,
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
        ("station", "key", "state", "issued", "expires", "revoked", "last used", "from", "over", "label"),
        [
            (
                *(k.station, k.id, k.state, *map(_written, (k.created_time, k.expires_time, k.revoked_time))),
                *(_written(k.last_used_time), k.last_used_address, k.last_used_channel, k.label),
            )
            for k in found
        ],
    )


def _written(time: datetime | None) -> str:
    return "" if time is None else printing.written(time)
