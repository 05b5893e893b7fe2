"""`quantrac hooks`: webhooks, straight in the database, and a look at what a receiver answers."""

import asyncio
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, get_args

import typer

from core import instants
from core.database import Database
from gateway import hooking
from gateway.cli import asking, options, printing
from gateway.settings import Settings
from telemetry.hooks import filters
from telemetry.hooks.webhooks import delivery_store, explaining, managing, signing, store
from telemetry.hooks.webhooks.managing import Desk
from telemetry.hooks.webhooks.schemas import Delivery, NewWebhook, Webhook, WebhookWithSecret
from telemetry.hooks.webhooks.sending import Resolver
from telemetry.hooks.webhooks.signing import NotASecret, Secret

app = typer.Typer(no_args_is_help=True, help="Webhooks: who is told of what, and what became of it.")

_BY = "command line"
_MOST = 10_000


def _several(kind: Any) -> str:
    return f"{', '.join(get_args(kind))}; give it several times for several."


Id = Annotated[int, typer.Argument(min=1, help="Id of the webhook.")]
Many = list[str] | None


def _desk() -> Desk:
    return hooking.desk(Settings())


@app.command("list")
def list_webhooks(as_json: options.AsJson = False) -> None:
    """List webhooks and how each receiver is doing."""
    found = asking.asked(lambda database: store.page(database, None, _MOST))
    if as_json:
        printing.print_json(found)
        return
    printing.print_rows(
        ("id", "state", "failed in a row", "pending", "dead", "address", "description"),
        [(w.id, _state(w), w.failures_in_row, w.pending, w.dead, w.url, w.description) for w in found],
    )


def _state(webhook: Webhook) -> str:
    if not webhook.enabled:
        return f"disabled: {webhook.disabled_reason}"
    if webhook.paused_until is not None and webhook.paused_until > instants.now():
        return f"paused until {printing.written(webhook.paused_until)}"
    return "enabled"


@app.command()
def create(
    url: Annotated[str, typer.Argument(help="Address that deliveries are posted to.")],
    description: Annotated[str, typer.Option(help="Whose it is.")] = "",
    event: Annotated[Many, typer.Option(help=f"Type of event: {_several(filters.EventType)}")] = None,
    kind: Annotated[Many, typer.Option(help=f"Kind of alert: {_several(filters.AlertKind)}")] = None,
    severity: Annotated[
        str | None, typer.Option(help=f"Least severity: {', '.join(get_args(filters.Severity))}.")
    ] = None,
    station: Annotated[Many, typer.Option(help="Code of a station; give it several times for several.")] = None,
    station_kind: Annotated[
        Many, typer.Option(help="Kind of station, such as wastewater; give it several times for several.")
    ] = None,
    organization: Annotated[Many, typer.Option(help="Code of an organization; several times for several.")] = None,
    history: Annotated[bool, typer.Option("--history", help="Tell also what was over long before.")] = False,
    as_json: options.AsJson = False,
) -> None:
    """Add a webhook; its secret is shown once."""
    new: NewWebhook = options.checked(
        NewWebhook,
        {
            "url": url,
            "description": description,
            "event_types": event or None,
            "alert_kinds": kind or None,
            "least_severity": severity,
            "stations": station or None,
            "station_kinds": station_kind or None,
            "organizations": organization or None,
            "history": history,
        },
    )
    desk = _desk()
    made = asking.asked(lambda database: managing.create(database, desk, new, _BY))
    _tell_secret(made, f"Webhook {made.webhook.id} is added.", as_json=as_json)


def _tell_secret(made: WebhookWithSecret, what: str, *, as_json: bool) -> None:
    if as_json:
        printing.print_json([made])
        return
    typer.echo(what)
    typer.echo(f"secret: {made.secret}")
    typer.echo("It is not shown again. The receiver verifies deliveries with it, by any library of Standard Webhooks.")


@app.command()
def show(webhook: Id, as_json: options.AsJson = False) -> None:
    """Show a webhook with its filters."""
    found = asking.asked(lambda database: managing.get(database, webhook))
    if as_json:
        printing.print_json([found])
        return
    printing.print_members(found)
    for name in ("event_types", "alert_kinds", "stations", "station_kinds", "organizations"):
        if chosen := getattr(found, name):
            typer.echo(f"{name.replace('_', ' ')}: {', '.join(chosen)}")


@app.command()
def disable(webhook: Id) -> None:
    """Send nothing more. What waits becomes dead letters; what happens meanwhile is not written down."""
    now = asking.asked(lambda database: managing.disable(database, webhook))
    typer.echo(f"Webhook {webhook} is disabled; it has {now.dead} dead letters.")


@app.command()
def enable(webhook: Id) -> None:
    """Send again from now on; `quantrac hooks replay` sends dead letters."""
    now = asking.asked(lambda database: managing.enable(database, webhook))
    typer.echo(f"Webhook {webhook} is enabled; it has {now.dead} dead letters.")


@app.command()
def delete(webhook: Id, yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False) -> None:
    """Take out a webhook with its secrets, what waits for it and its log."""
    if not yes:
        typer.confirm(f"Delete webhook {webhook} with its log?", abort=True)
    asking.asked(lambda database: managing.delete(database, webhook, None))
    typer.echo(f"Webhook {webhook} is deleted.")


@app.command()
def rotate(
    webhook: Id,
    overlap: Annotated[
        int, typer.Option(min=0, max=168, metavar="HOURS", help="How long the former secret signs too; 0 if it leaked.")
    ] = 24,
    as_json: options.AsJson = False,
) -> None:
    """Give a webhook a new secret, shown once."""
    desk = _desk()
    made = asking.asked(lambda database: managing.rotate(database, desk, webhook, timedelta(hours=overlap)))
    until = made.webhook.former_secret_until
    former = (
        "The former secret has ended." if until is None else f"The former one signs until {printing.written(until)}."
    )
    _tell_secret(made, f"Webhook {webhook} has a new secret. {former}", as_json=as_json)


@app.command("log")
def show_log(
    webhook: Id,
    delivery: Annotated[int | None, typer.Option(min=1, help="One delivery in full, with its attempts.")] = None,
    limit: options.Limit = 20,
    as_json: options.AsJson = False,
) -> None:
    """Show the deliveries of a webhook, newest first."""
    if delivery is not None:
        _show_delivery(webhook, delivery, as_json=as_json)
        return
    _print_deliveries(asking.asked(lambda database: _page(database, webhook, None, limit)), as_json=as_json)


@app.command()
def dead(webhook: Id, limit: options.Limit = 20, as_json: options.AsJson = False) -> None:
    """Show the dead letters of a webhook: what was given up, and can be replayed."""
    _print_deliveries(asking.asked(lambda database: _page(database, webhook, "dead", limit)), as_json=as_json)


async def _page(database: Database, webhook: int, state: str | None, limit: int) -> list[Delivery]:
    await managing.get(database, webhook)
    return await delivery_store.page(database, webhook, state, None, limit)


def _print_deliveries(found: list[Delivery], *, as_json: bool) -> None:
    if as_json:
        printing.print_json(found)
        return
    printing.print_rows(
        ("id", "occurred", "type", "state", "attempts", "next", "status", "error"),
        [
            (
                d.id,
                printing.written(d.occurred_time),
                d.type,
                d.state,
                d.attempts,
                d.next_time and printing.written(d.next_time),
                d.last_status,
                d.last_error,
            )
            for d in found
        ],
    )


def _show_delivery(webhook: int, delivery: int, *, as_json: bool) -> None:
    found = asking.asked(lambda database: managing.delivery(database, webhook, delivery))
    if as_json:
        printing.print_json([found])
        return
    printing.print_members(found.delivery)
    typer.echo(f"\n{found.body}\n")
    printing.print_rows(
        ("attempt", "ms", "address", "status", "error", "it said"),
        [
            (printing.written(a.started_time), a.milliseconds, a.address, a.status, a.error, a.answer)
            for a in found.attempts
        ],
    )


@app.command()
def replay(
    webhook: Id,
    delivery: Annotated[int | None, typer.Option(min=1, help="Only this delivery, whatever came of it.")] = None,
    since: Annotated[
        datetime | None,
        typer.Option(parser=options.instant, metavar="TIME", help="Dead letters given up since, with its offset."),
    ] = None,
) -> None:
    """Send one delivery again, or all dead letters since a time, under their ids."""
    if delivery is not None and since is None:
        asking.asked(lambda database: managing.replay_one(database, webhook, delivery))
        count = 1
    elif since is not None and delivery is None:
        count = asking.asked(lambda database: managing.replay(database, webhook, since))
    else:
        raise typer.BadParameter("give --delivery or --since")
    typer.echo(f"{count} {'delivery is' if count == 1 else 'deliveries are'} due again.")


@app.command("test")
def try_receiver(
    url: Annotated[
        str | None, typer.Argument(help="Address of the receiver; that of --webhook where left out.")
    ] = None,
    webhook: Annotated[int | None, typer.Option(min=1, help="Sign with the secrets of this webhook.")] = None,
    secret_file: Annotated[Path | None, typer.Option(help="File that holds the secret to sign with.")] = None,
) -> None:
    """Send a signed sample to a receiver and explain the answer: name, address, TLS, status, what to do.

    Without --webhook or --secret-file the sample is signed with a secret made for it, which is shown. Needs no database
    then.
    """
    settings = Settings()
    keys = _given_secret(secret_file)
    if webhook is not None:
        known, keys = asking.asked(lambda database: _of_webhook(database, webhook, keys))
        url = url or known
    if url is None:
        raise typer.BadParameter("give an address or --webhook")
    if not keys:
        keys = [signing.new_secret()]
        typer.echo(f"signed with {keys[0].text}, made for this sample")
    trial = asyncio.run(
        explaining.attempt(
            hooking.policy(settings), lambda resolve: hooking.sender(settings, resolve), Resolver(1), url, keys
        )
    )
    for step, found in explaining.explained(trial):
        typer.echo(f"{step:<11} {found}")
    raise typer.Exit(0 if trial.arrived else 1)


def _given_secret(file: Path | None) -> list[Secret]:
    if file is None:
        return []
    try:
        return [signing.secret_of(file.read_text(encoding="utf-8"))]
    except NotASecret as refusal:
        raise typer.BadParameter(str(refusal), param_hint="--secret-file") from None


async def _of_webhook(database: Database, number: int, keys: list[Secret]) -> tuple[str, list[Secret]]:
    found = await managing.get(database, number)
    return found.url, keys or await managing.live_secrets(database, _desk(), number)
