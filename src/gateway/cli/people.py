"""`quantrac people`: who may sign in and what they may do, straight in the database."""

import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from core import access, instants
from core.access import Staff
from core.database import Database
from core.rights import Role
from gateway import identity_sources, welcoming
from gateway.cli import asking, options, printing
from gateway.settings import Settings
from identity.oidc import linking
from identity.people import credentials_store, links, managing, passwords, store
from identity.people.errors import person_not_found
from identity.people.links import Link
from identity.people.schemas import KeptGrant, NewGrant, NewPerson, Person
from identity.people.store import PersonRow
from identity.sessions import store as session_store

app = typer.Typer(
    no_args_is_help=True,
    help="People of the centre and of the enterprises. A change holds in running gateways within seconds.",
)

_MOST = 100_000

Name = Annotated[str, typer.Argument(help="User name, such as nguyen.an.")]
Kinds = Annotated[list[str] | None, typer.Option("--station-kind", help="Only stations of this kind; may be repeated.")]
Organizations = Annotated[
    list[str] | None, typer.Option("--organization", help="Only of this organization, by its code; may be repeated.")
]
Districts = Annotated[list[str] | None, typer.Option("--district", help="Only in this district; may be repeated.")]
Domains = Annotated[list[str] | None, typer.Option("--domain", help="Only records of this domain; may be repeated.")]


def _operator() -> Staff:
    return access.unlimited(asking.operator().actor)


def _grant(
    role: Role,
    kinds: list[str] | None,
    organizations: list[str] | None,
    districts: list[str] | None,
    domains: list[str] | None,
) -> NewGrant:
    members = {
        "role": role,
        "station_kinds": kinds or None,
        "organizations": organizations or None,
        "districts": districts or None,
        "domains": domains or None,
    }
    return options.checked(NewGrant, members)


@app.command("list")
def list_people(
    disabled: Annotated[
        bool | None, typer.Option("--disabled/--active", help="Only who is disabled, or only who is not.")
    ] = None,
    as_json: options.AsJson = False,
) -> None:
    """List people by user name, with what they were given."""
    found = asking.asked(lambda database: managing.listed(database, disabled, None, _MOST))
    if as_json:
        printing.print_json(found)
        return
    printing.print_rows(
        ("user name", "name", "state", "signs in with", "last", "roles"),
        [
            (
                person.user_name,
                person.display_name,
                person.state,
                ", ".join(person.signs_in_with),
                "" if person.signed_in_time is None else printing.written(person.signed_in_time),
                "; ".join(_written(grant) for grant in person.grants),
            )
            for person in found
        ],
    )


@app.command()
def add(
    name: Name,
    display_name: Annotated[str, typer.Option("--name", help="As people call them: 'Nguyễn Văn An'.")],
    email: Annotated[str | None, typer.Option(help="Address for mail.")] = None,
    role: Annotated[list[Role] | None, typer.Option(help="A role everywhere; narrow it with `people roles`.")] = None,
    as_json: options.AsJson = False,
) -> None:
    """Add somebody, and show the link by which they choose a password."""
    grants = [{"role": one} for one in role or []]
    new = options.checked(
        NewPerson, {"user_name": name, "display_name": display_name, "email": email, "grants": grants}
    )

    async def made(database: Database) -> tuple[Person, Link]:
        person = await managing.add(database, _operator(), new)
        return person, await links.make(database, asking.operator().actor, person.user_name)

    person, link = asking.asked(made)
    if as_json:
        printing.print_json([person])
    _show(link, f"{person.user_name} chooses a password there, once, within a day.")


@app.command()
def disable(name: Name) -> None:
    """Let somebody in no more: sessions end, tokens open nothing, within seconds. Nothing of what they did is lost."""
    asking.asked(lambda database: managing.disable(database, name, None))
    typer.echo(f"{name} is disabled.")


@app.command()
def enable(name: Name) -> None:
    """Take a disabled person back, with what they were given."""
    asking.asked(lambda database: managing.enable(database, name, None))
    typer.echo(f"{name} is enabled.")


@app.command()
def link(
    name: Annotated[str | None, typer.Argument(help="User name; without one, for the first administrator.")] = None,
) -> None:
    """Show a link for a new password, or for the first administrator; it works once, within a day."""

    async def made(database: Database) -> Link:
        if name is None and not await credentials_store.nobody_manages(database):
            raise typer.BadParameter("there is an administrator already; name the person whom the link is for")
        return await links.make(database, asking.operator().actor, name)

    _show(asking.asked(made), f"{name or 'The first administrator'} chooses a password there, once, within a day.")


@app.command()
def password(name: Name) -> None:
    """Set a password for the first sign-in, read from the terminal or a pipe; it must be changed there."""
    text = _typed("Password")

    async def keep(database: Database) -> None:
        person = await _person(database, name)
        passwords.check(text, person.user_name, person.display_name, person.email or "")
        with passwords.Hasher() as hasher:
            hashed = await hasher.hash(text)
        now = instants.now()
        async with database.transaction() as connection:
            await credentials_store.set_password(connection, person.id, hashed, now, must_change=True)
            await session_store.end(connection, person.id, now, "password-changed")

    asking.asked(keep)
    typer.echo(f"{name} signs in with it once, and chooses another.")


@app.command()
def provider(
    name: Name,
    subject: Annotated[str | None, typer.Option(help="Claim `sub` of the person there; without one, nobody's.")] = None,
) -> None:
    """Say whom somebody is at the identity provider of the settings, so that they sign in with it. Sessions end."""
    issuer = Settings().oidc.issuer
    if subject is not None and issuer is None:
        raise typer.BadParameter("the settings name no identity provider: QUANTRAC_OIDC__ISSUER")

    async def done(database: Database) -> None:
        if subject is None:
            number = await linking.unlink(database, name)
        else:
            number = await linking.link(database, name, issuer or "", subject)
        await session_store.end(database, number, instants.now(), "ended")

    asking.asked(done)
    typer.echo(f"{name} signs in with the identity provider{' no more' if subject is None else f' as {subject}'}.")


@app.command()
def roles(
    name: Name,
    give: Annotated[Role | None, typer.Option(help="Give this role, narrowed by the options below.")] = None,
    take: Annotated[int | None, typer.Option(help="Take away what was given, by its number.")] = None,
    kinds: Kinds = None,
    organizations: Organizations = None,
    districts: Districts = None,
    domains: Domains = None,
    as_json: options.AsJson = False,
) -> None:
    """Show what somebody was given; give a role, or take one away."""
    wanted = None if give is None else _grant(give, kinds, organizations, districts, domains)

    async def done(database: Database) -> Sequence[KeptGrant]:
        if wanted is not None:
            await managing.give(database, _operator(), name, wanted.grant())
        if take is not None:
            await managing.withdraw(database, name, take)
        return (await managing.get(database, name)).grants

    found = asking.asked(done)
    if as_json:
        printing.print_json(found)
        return
    printing.print_rows(
        ("number", "role", "origin", "by", "since"),
        [(g.id, _written(g), g.origin, g.granted_by, printing.written(g.granted_time)) for g in found],
    )


@app.command()
def sessions(name: Name, end: Annotated[bool, typer.Option("--end", help="End all of them.")] = False) -> None:
    """Show where somebody is signed in, or end it."""
    idle = identity_sources.lasting(Settings()).idle

    async def asked(database: Database) -> list[session_store.SessionRow]:
        person = await _person(database, name)
        now = instants.now()
        if end:
            await session_store.end(database, person.id, now, "ended")
        return await session_store.listed(database, person.id, now, now - idle)

    found = asking.asked(asked)
    if end:
        typer.echo(f"{name} is signed in nowhere any more.")
        return
    printing.print_rows(
        ("id", "with", "from", "since", "last used", "browser"),
        [
            (s.id, s.method, s.address, printing.written(s.created_time), printing.written(s.seen_time), s.user_agent)
            for s in found
        ],
    )


def _typed(what: str) -> str:
    """One line, from the terminal without showing it, or from a pipe."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    text: str = typer.prompt(what, hide_input=True, err=True)
    return text


async def _person(database: Database, name: str) -> PersonRow:
    found = await store.find(database, name)
    if found is None:
        raise person_not_found(name)
    return found


def _written(grant: NewGrant) -> str:
    """The role, and behind it where it holds."""
    where = [
        *(grant.station_kinds or ()),
        *(grant.organizations or ()),
        *(grant.districts or ()),
        *(grant.domains or ()),
    ]
    return f"{grant.role} ({', '.join(where)})" if where else str(grant.role)


def _show(made: Link, what: str) -> None:
    typer.echo(welcoming.address(Settings(), made))
    typer.echo(f"Keep it to yourself and give it to nobody else: {what}", err=True)
