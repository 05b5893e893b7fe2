"""`quantrac token`: make, list and revoke tokens of programs."""

from datetime import datetime
from typing import Annotated

import typer

from core import access, instants
from core.database import Database
from gateway import identity_sources
from gateway.cli import asking, options, printing
from gateway.settings import Settings
from identity.tokens import managing, schemas
from identity.tokens.store import TokenFilter

app = typer.Typer(no_args_is_help=True, help="Tokens by which programs are known over HTTP.")

_MOST = 100_000
_Several = list[str] | None


@app.command()
def create(
    label: Annotated[str, typer.Argument(help="For people: which program has it.")],
    role: Annotated[list[str], typer.Option(help="What it may do; several add up.")],
    station_kind: Annotated[_Several, typer.Option(help="Only stations of this kind.")] = None,
    organization: Annotated[_Several, typer.Option(help="Only stations of this organization, by its code.")] = None,
    district: Annotated[_Several, typer.Option(help="Only stations in this district.")] = None,
    domain: Annotated[_Several, typer.Option(help="Only this domain of records.")] = None,
    expires: Annotated[
        datetime | None,
        typer.Option(parser=options.instant, metavar="TIME", help="When it stops working, with its offset."),
    ] = None,
    as_json: options.AsJson = False,
) -> None:
    """Make a service token and show it, this once. Narrowing holds for each of its roles."""
    where = {
        "station_kinds": station_kind or None,
        "organizations": organization or None,
        "districts": district or None,
        "domains": domain or None,
    }
    grants = [{"role": name} | where for name in role]
    new = options.checked(schemas.NewServiceToken, {"label": label, "grants": grants, "expires_time": expires})
    longest = identity_sources.token_lifetimes(Settings()).service

    async def make(database: Database) -> schemas.NewlyMadeService:
        by = access.unlimited(asking.operator().actor)
        wanted = [grant.grant() for grant in new.grants]
        return await managing.make_service(database, by, new.label, wanted, new.expires_time, longest)

    made = asking.asked(make)
    if as_json:
        printing.print_json([made])
        return
    typer.echo(made.token)
    typer.echo(f"Keep it now: it is not shown again. It expires {printing.written(made.expires_time)}.", err=True)


@app.command("list")
def list_tokens(
    expires_within: Annotated[
        int | None, typer.Option(min=0, help="Live tokens that expire within so many days.")
    ] = None,
    state: Annotated[str | None, typer.Option(help="live, expired or revoked.")] = None,
    as_json: options.AsJson = False,
) -> None:
    """List all tokens, of people and of programs, the one that expires first first."""

    async def ask(database: Database) -> tuple[list[schemas.Token], list[schemas.ServiceToken]]:
        def wanted(*, service: bool) -> TokenFilter:
            return TokenFilter(service=service, state=state, expires_within_days=expires_within)

        start = (None, None)
        return (
            await managing.personal(database, wanted(service=False), start, _MOST),
            await managing.services(database, wanted(service=True), start, _MOST),
        )

    personal, services = asking.asked(ask)
    if as_json:
        printing.print_json([*services, *personal])
        return
    rows: list[tuple[schemas.Token | schemas.ServiceToken, str | None, str]] = [
        (t, t.user, "all" if t.rights is None else ", ".join(t.rights)) for t in personal
    ]
    rows += [(t, None, ", ".join(grant.role for grant in t.grants)) for t in services]
    printing.print_rows(
        ("id", "state", "expires", "of", "may", "label", "last used"),
        [
            (t.id, t.state, printing.written(t.expires_time), user, may, t.label, _time(t.used_time))
            for t, user, may in sorted(rows, key=lambda row: row[0].expires_time)
        ],
    )


@app.command()
def revoke(
    token: Annotated[str, typer.Argument(help="Public half of the token, qt_ and eight signs.")],
) -> None:
    """Revoke a token of a person or a program; gateways refuse it within seconds."""
    revoked = asking.asked(lambda database: managing.revoke_any(database, token.partition(".")[0]))
    typer.echo(f"{revoked['id']} ({revoked['label']}) was revoked {instants.text(revoked['revoked_time'])}.")


def _time(time: datetime | None) -> str:
    return "" if time is None else printing.written(time)
