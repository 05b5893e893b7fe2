"""`quantrac migrate`: brings the database to the schema of this version."""

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from gateway import migrating
from gateway.settings import Settings


def migrate(
    status: Annotated[bool, typer.Option("--status", help="Only show what is applied and what is pending.")] = False,
) -> None:
    """Apply the pending migrations, one process at a time; safe to run again and beside a running gateway.

    With --status nothing is changed, and the exit code is 1 when something is pending.
    """
    dsn = Settings().dsn
    if status:
        _show(migrating.state(dsn))
        return
    applied = migrating.migrate(dsn)
    for name in applied:
        typer.echo(f"applied {name}")
    if not applied:
        typer.echo("The database is up to date.")


def _show(state: migrating.MigrationState) -> None:
    table = Table("migration", "state")
    for name in state.applied:
        table.add_row(name, "applied")
    for name in state.pending:
        table.add_row(name, "pending", style="yellow")
    Console().print(table)
    if state.pending:
        raise typer.Exit(1)
