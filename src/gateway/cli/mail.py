"""`quantrac mail`: who is written to, straight in the database, and a test of the mail server."""

import asyncio
from typing import Annotated, Any, get_args

import typer

from core import instants
from gateway import mailing
from gateway.cli import asking, options, printing
from gateway.settings import MissingSetting, Settings
from telemetry.hooks import filters
from telemetry.hooks.mail import addresses, messages, outbox, schemas, sending, store, subscriptions
from telemetry.hooks.mail.messages import Envelope
from telemetry.hooks.mail.schemas import MailSubscription, NewMailSubscription
from telemetry.hooks.mail.sending import Reply, Server
from telemetry.hooks.mail.wording import Wording

app = typer.Typer(no_args_is_help=True, help="E-mail: who is written to about what, and whether the server takes it.")

_BY = "command line"
_MOST = 10_000


def _one_of(kind: Any) -> str:
    return ", ".join(get_args(kind))


Id = Annotated[int, typer.Argument(min=1, help="Id of the subscription.")]
Many = list[str] | None


@app.command("list")
def list_subscriptions(as_json: options.AsJson = False) -> None:
    """List subscriptions and what waits for each."""
    found = asking.asked(lambda database: store.page(database, None, _MOST))
    if as_json:
        printing.print_json(found)
        return
    printing.print_rows(
        ("id", "address", "language", "when", "waiting", "pending", "dead", "description"),
        [(s.id, s.address, s.language, _when(s), s.waiting, s.pending, s.dead, s.description) for s in found],
    )


def _when(subscription: MailSubscription) -> str:
    if not subscription.enabled:
        return "disabled"
    parts = ["at once" if subscription.digest_minutes is None else f"every {subscription.digest_minutes} min"]
    if subscription.quiet_from is not None and subscription.quiet_to is not None:
        parts.append(f"quiet {subscription.quiet_from:%H:%M}-{subscription.quiet_to:%H:%M}")
    if subscription.break_through is not None:
        parts.append(f"{subscription.break_through} at any time")
    return ", ".join(parts)


@app.command()
def add(
    address: Annotated[str, typer.Argument(help="Whom to write to.")],
    description: Annotated[str, typer.Option(help="Whose it is.")] = "",
    language: Annotated[str, typer.Option(help="vi or en.")] = "vi",
    event: Annotated[
        Many, typer.Option(help=f"Type of event: {_one_of(filters.EventType)}; several times for several.")
    ] = None,
    kind: Annotated[
        Many, typer.Option(help=f"Kind of alert: {_one_of(filters.AlertKind)}; several times for several.")
    ] = None,
    severity: Annotated[str | None, typer.Option(help=f"Least severity: {_one_of(filters.Severity)}.")] = None,
    station: Annotated[Many, typer.Option(help="Code of a station; several times for several.")] = None,
    station_kind: Annotated[Many, typer.Option(help="Kind of station; several times for several.")] = None,
    organization: Annotated[Many, typer.Option(help="Code of an organization; several times for several.")] = None,
    history: Annotated[bool, typer.Option("--history", help="Tell also what was over long before.")] = False,
    digest: Annotated[
        int | None, typer.Option(min=1, max=10_080, metavar="MINUTES", help="One mail for all that came in this time.")
    ] = None,
    quiet: Annotated[
        str | None, typer.Option(metavar="FROM-TO", help="Quiet hours in Vietnam, such as 22:00-06:00.")
    ] = None,
    break_through: Annotated[
        str | None, typer.Option(metavar="SEVERITY", help="From this severity on alerts wait for nothing.")
    ] = None,
    as_json: options.AsJson = False,
) -> None:
    """Write to an address from now on; `quantrac mail test ADDRESS` first tells whether mail arrives."""
    members: dict[str, Any] = {
        "address": address,
        "description": description,
        "language": language,
        "alert_kinds": kind or None,
        "least_severity": severity,
        "stations": station or None,
        "station_kinds": station_kind or None,
        "organizations": organization or None,
        "history": history,
        "digest_minutes": digest,
        "break_through": break_through,
    }
    if event:
        members["event_types"] = event
    if quiet is not None:
        members["quiet_from"], _, members["quiet_to"] = quiet.partition("-")
    new = options.checked(NewMailSubscription, members)
    made = asking.asked(lambda database: subscriptions.create(database, new, _BY))
    if as_json:
        printing.print_json([made])
        return
    typer.echo(f"Subscription {made.id}: {made.address} is written to, {_when(made)}.")
    if Settings().mail.host is None:
        typer.echo("No mail server is set up: set QUANTRAC_MAIL__HOST for `quantrac watch`.", err=True)


@app.command()
def remove(subscription: Id, yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False) -> None:
    """Write to an address no more; what waits for it goes too."""
    found = asking.asked(lambda database: subscriptions.get(database, subscription))
    if not yes:
        typer.confirm(f"Delete subscription {subscription} of {found.address}?", abort=True)
    asking.asked(lambda database: subscriptions.delete(database, subscription, None))
    typer.echo(f"Subscription {subscription} is deleted.")


@app.command()
def mails(
    subscription: Id,
    dead: Annotated[bool, typer.Option("--dead", help="Dead letters only.")] = False,
    limit: options.Limit = 50,
    as_json: options.AsJson = False,
) -> None:
    """List the mails of a subscription, newest first, and what the server said."""
    sender = mailing.sender(Settings())
    domain = sender.domain if sender is not None else "localhost"
    found = asking.asked(
        lambda database: outbox.page(database, subscription, "dead" if dead else None, None, limit, domain)
    )
    if as_json:
        printing.print_json(found)
        return
    printing.print_rows(
        ("id", "state", "written", "attempts", "events", "answer"),
        [
            (m.id, m.state, printing.written(m.created_time), m.attempts, "test" if m.test else m.events, _answer(m))
            for m in found
        ],
    )


def _answer(mail: schemas.Mail) -> str:
    return f"{mail.last_code or ''} {mail.last_error}".strip()


@app.command()
def replay(
    subscription: Id,
    mail: Annotated[int | None, typer.Option(min=1, help="Only the one with this id.")] = None,
) -> None:
    """Send dead letters of a subscription again."""
    count = asking.asked(lambda database: subscriptions.replay(database, subscription, mail=mail))
    typer.echo(f"{count} {'mail is' if count == 1 else 'mails are'} due again.")


@app.command("test")
def send_test(
    address: Annotated[str, typer.Argument(help="Whom to send the test to.")],
    language: Annotated[str, typer.Option(help="vi or en.")] = "vi",
) -> None:
    """Send a test now, without the outbox, and tell what the server says at each step."""
    if language not in get_args(schemas.Language):
        raise typer.BadParameter(f"found {language!r}, expected vi or en", param_hint="--language")
    try:
        checked = addresses.checked(address)
    except ValueError as failure:
        raise typer.BadParameter(f"found {address!r}: {failure}") from None
    server = mailing.server(Settings())
    if server is None:
        raise MissingSetting("Set QUANTRAC_MAIL__HOST and QUANTRAC_MAIL__SENDER.")
    reply = asyncio.run(_sent(server, checked, language))
    if not reply.taken:
        wanted = "for good; check the address" if reply.permanent else "for now; it would be tried again"
        typer.echo(f"refused {wanted}: {reply.code or ''} {reply.text}", err=True)
        raise typer.Exit(1)
    typer.echo(f"taken: {reply.code} {reply.text}. Look into the inbox, and into the folder for spam.")


async def _sent(server: Server, address: str, language: str) -> Reply:
    envelope = Envelope(server.sender, address, outbox.new_token(), instants.now(), 0)
    message = messages.test(envelope, Wording(language, None))
    async with sending.connected(server) as session:
        who = "without a password" if server.user is None else f"as {server.user}"
        typer.echo(f"connected to {server.host}:{server.port}, {session.told()}, {who}")
        return await session.send(address, messages.as_bytes(message))
