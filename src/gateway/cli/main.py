"""Entry point `quantrac`: names every command and loads the module of the one that is called."""

import importlib
import importlib.metadata
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

import typer
import typer.core
import typer.main

OPERATE = "Operate"
PRODUCTION = "Run the parts one by one"
TRY = "Try it out"


@dataclass(frozen=True, slots=True)
class Command:
    """Where a command lives (`module:attribute`, a function or a `typer.Typer`) and what the list says about it."""

    target: str
    help: str
    panel: str = OPERATE


# One line for each command; the module is imported only when the command is called, which keeps `--help` fast.
COMMANDS: dict[str, Command] = {
    "run": Command("gateway.cli.run:run", "Start database, broker, gateway and stations on this machine.", TRY),
    "serve": Command("gateway.cli.serve:serve", "Run the HTTP gateway.", PRODUCTION),
    "consume": Command("gateway.cli.consume:consume", "Take readings from the MQTT broker.", PRODUCTION),
    "watch": Command(
        "gateway.cli.watch:watch", "Judge averages, raise alerts, tell those who want to know.", PRODUCTION
    ),
    "broker-config": Command(
        "gateway.cli.broker_config:app", "Write the MQTT broker's configuration from the station keys.", PRODUCTION
    ),
    "migrate": Command("gateway.cli.migrate:migrate", "Bring the database to the schema of this version.", PRODUCTION),
    "seed": Command("gateway.cli.seed:seed", "Write the demonstration network into the catalogue.", TRY),
    "station": Command("gateway.cli.station:app", "Add, edit, import stations; issue and revoke their keys."),
    "people": Command("gateway.cli.people:app", "Add people, give them roles, make links for passwords, end sessions."),
    "alerts": Command("gateway.cli.alerts:app", "Show what is wrong; acknowledge, assign, shelve and clear it."),
    "verdicts": Command("gateway.cli.verdicts:app", "Show averages and their verdicts; have them judged again."),
    "windows": Command("gateway.cli.windows:app", "Ask for maintenance and calibration windows, and decide on them."),
    "receipts": Command("gateway.cli.receipts:app", "Show what came in, and its bytes."),
    "report": Command(
        "gateway.cli.report:report", "Write days, months, availability, exceedances, disconnections as CSV or JSON."
    ),
    "quarantine": Command("gateway.cli.quarantine:app", "Show, replay or dismiss readings that were not stored."),
    "hooks": Command("gateway.cli.hooks:app", "Add and watch webhooks; try a receiver."),
    "mail": Command("gateway.cli.mail:app", "Add and remove who is written to; try the mail server."),
    "events": Command("gateway.cli.events:events", "Follow what happens, live."),
    "audit": Command("gateway.cli.audit:app", "Show who changed what; verify and export that record."),
    "token": Command("gateway.cli.token:app", "Make, list and revoke tokens of programs."),
    "roles": Command(
        "gateway.cli.roles:app", "Make the database's roles, so that no process can do too much.", PRODUCTION
    ),
    "doctor": Command("gateway.cli.doctor:doctor", "Examine this deployment and say what to mend."),
    "openapi": Command("gateway.cli.openapi:openapi", "Print the description of the HTTP interface."),
    "access-matrix": Command(
        "gateway.cli.access_matrix:access_matrix", "Print which role may ask which route of the HTTP interface."
    ),
    "simulate": Command("gateway.cli.simulate:simulate", "Let the network's stations report to a gateway.", TRY),
    "replay": Command("gateway.cli.replay:replay", "Send recorded series and files to a gateway.", TRY),
    "check-ledger": Command(
        "gateway.cli.check_ledger:check_ledger", "Compare a sender's ledger with the database.", TRY
    ),
}


def _loaded(name: str) -> Any:
    """The real command behind a name."""
    module, _, attribute = COMMANDS[name].target.partition(":")
    found: typer.Typer | Callable[..., Any] = getattr(importlib.import_module(module), attribute)
    if not isinstance(found, typer.Typer):
        function, found = found, typer.Typer(add_completion=False)
        found.command(name)(function)
    command = typer.main.get_command(found)
    command.name = name
    return command


class LazyGroup(typer.core.TyperGroup):
    """Lists the commands from their table and loads the one that is called."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        for name, command in COMMANDS.items():
            self.commands[name] = typer.core.TyperCommand(name, help=command.help, rich_help_panel=command.panel)

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        name, command, rest = super().resolve_command(ctx, args)
        return name, _loaded(name) if name in COMMANDS else command, rest


app = typer.Typer(
    cls=LazyGroup,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="quantrac takes readings from environmental monitoring stations, judges them and keeps them as evidence.",
    epilog="Settings are read from the environment (QUANTRAC_<SECTION>__<NAME>); the README lists them.",
)


def _version(asked: bool) -> None:
    if not asked:
        return
    try:
        number = importlib.metadata.version("quantrac")
    except importlib.metadata.PackageNotFoundError:
        number = "(not installed)"
    typer.echo(f"quantrac {number}")
    raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Options that stand before the command."""
    del version


def complete() -> typer.core.TyperGroup:
    """The whole command line with every module loaded, for whoever looks through all of it."""
    group = typer.main.get_group(app)
    group.commands.update({name: _loaded(name) for name in COMMANDS})
    return group


def main() -> None:
    """Run the command line; what goes wrong in a known way is told in one line, never as a traceback."""
    try:
        app(prog_name="quantrac")
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:  # the outermost loop of the command line
        failures = importlib.import_module("gateway.cli.failures")
        failure = failures.told(error)
        if failure is None:
            raise
        typer.echo(f"quantrac: {failure.line}", err=True)
        sys.exit(failure.code)


if __name__ == "__main__":
    main()
