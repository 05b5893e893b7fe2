"""`quantrac roles`: the roles of the database, so that each process can do only what it is for."""

from pathlib import Path
from typing import Annotated

import typer

from gateway import roles
from gateway.cli import printing
from gateway.settings import Settings

app = typer.Typer(
    no_args_is_help=True,
    help="Roles of the database: a group for each kind of process, and a login in it for each process.",
)


def _login(text: str) -> roles.Login:
    group, _, file = text.partition("=")
    if not group or not file:
        raise typer.BadParameter("write GROUP=FILE, such as ingest=/etc/quantrac/consumer-address")
    try:
        return roles.login_of(group, Path(file).read_text(encoding="utf-8"))
    except OSError as error:
        raise typer.BadParameter(f"{file} cannot be read ({type(error).__name__})") from None


@app.command()
def create(
    login: Annotated[
        list[str] | None,
        typer.Option(
            "--login",
            metavar="GROUP=FILE",
            help="Also make the user of the database address in FILE, with its password, a member of ingest, staff, "
            "watch or reader. May be repeated.",
        ),
    ] = None,
) -> None:
    """Make the groups and logins that are missing, and grant exactly the rights of this version; safe to run again.

    Run it with the address that `quantrac migrate` uses. Its role needs CREATEROLE, unless the groups are there
    already and no login is asked for.
    """
    logins = [_login(text) for text in login or ()]
    settled = roles.create(Settings().dsn, logins)
    for made in logins:
        typer.echo(f"{made.name} logs in with the rights of {made.group}")
    typer.echo(f"{settled} rights are granted.")


@app.command()
def show() -> None:
    """Show the groups, who logs in with their rights, and what these are."""
    groups = roles.show(Settings().dsn)
    for group in groups:
        state = f"logins: {', '.join(group.logins) or 'none'}" if group.there else "not made: quantrac roles create"
        typer.echo(f"{group.name}  ({state})")
    typer.echo()
    relations = sorted({relation for group in groups for relation in group.rights})
    names = [group.name.removeprefix("quantrac_") for group in groups]
    printing.print_rows(
        ["relation", *names], [[name, *(group.rights.get(name) for group in groups)] for name in relations]
    )
