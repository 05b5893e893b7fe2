"""Makes the database's roles: groups with the rights that the migrations lay down, and a login for each process.

Roles belong to the whole cluster and outlive a database, so everything here may run again, and beside itself.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urlsplit

import psycopg
from psycopg.rows import DictRow, dict_row

from core import errors, queries

_sql = queries.load(__file__, "roles")
_PREFIX = "quantrac_"


class RolesRefused(errors.Forbidden):
    slug = "roles-refused"
    title = "The database does not let this role make others"


class UnusableLogin(errors.Invalid):
    slug = "unusable-login"
    title = "No login can be made from this address"


@dataclass(frozen=True, slots=True)
class Login:
    """A role that a process logs in as, and the group whose rights it has."""

    group: str
    name: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Group:
    """rights: what GRANT was given, by relation."""

    name: str
    there: bool
    logins: Sequence[str]
    rights: Mapping[str, str]


def login_of(group: str, address: str) -> Login:
    """The login that a process with this database address needs. Raises UnusableLogin; never tells of the password."""
    parts = urlsplit(address.strip())
    if not parts.username or not parts.password:
        raise UnusableLogin(f"The address for {group} names no user, or no password, of which a login could be made.")
    return Login(_PREFIX + group.removeprefix(_PREFIX), unquote(parts.username), unquote(parts.password))


def create(dsn: str, logins: Sequence[Login] = ()) -> int:
    """Make what is missing and grant what is due; how many rights there are. Needs the tables' owner.

    Making roles needs CREATEROLE beside; where the groups are there already and no login is asked for, it does not.
    Raises RolesRefused, UnusableLogin.
    """
    with _connected(dsn) as connection:
        known = {group.name for group in _groups(connection)}
        _run(connection, _sql["roles_create_groups"])
        for login in logins:
            if login.group not in known:
                raise UnusableLogin(f"There is no group {login.group}; there are {', '.join(sorted(known))}.")
            _make(connection, login)
        settled: int = _run(connection, _sql["roles_settle"])[0]["settle_rights"]
        return settled


def show(dsn: str) -> list[Group]:
    with _connected(dsn) as connection:
        return _groups(connection)


@contextmanager
def _connected(dsn: str) -> Iterator[psycopg.Connection[DictRow]]:
    """One transaction."""
    try:
        with psycopg.connect(
            dsn, connect_timeout=10, application_name="quantrac-roles", row_factory=dict_row
        ) as connection:
            connection.execute("SET lock_timeout = '4s'")
            yield connection
    except psycopg.errors.InsufficientPrivilege as error:
        raise RolesRefused(
            f"The role of the settings may not do this ({error.diag.message_primary}). Use the tables' owner with the "
            "attribute CREATEROLE, or let a superuser create the roles; deploy/README.md says how."
        ) from error
    except (psycopg.errors.UndefinedTable, psycopg.errors.UndefinedFunction) as error:
        raise RolesRefused("The database is not of this version yet: run `quantrac migrate` first.") from error


def _run(connection: psycopg.Connection[DictRow], query: str, *parameters: Any) -> list[DictRow]:
    with psycopg.RawCursor(connection, row_factory=dict_row) as cursor:
        cursor.execute(query.encode(), parameters or None)
        return cursor.fetchall() if cursor.description is not None else []


def _groups(connection: psycopg.Connection[DictRow]) -> list[Group]:
    return [
        Group(row["name"], row["there"], row["logins"], dict(zip(row["relations"], row["privileges"], strict=True)))
        for row in _run(connection, _sql["roles_shown"])
    ]


def _make(connection: psycopg.Connection[DictRow], login: Login) -> None:
    """The server is given the verifier of the password, so that neither its log nor its statistics see the password."""
    if any(row["powerful"] for row in _run(connection, _sql["roles_powers"], login.name)):
        raise UnusableLogin(
            f"{login.name} is a superuser or owns the tables, so no right could be kept from it; choose another user."
        )
    verifier = connection.pgconn.encrypt_password(login.password.encode(), login.name.encode(), b"scram-sha-256")
    _run(connection, _sql["roles_login"], login.name, verifier.decode(), login.group)
    _run(connection, _sql["roles_make_login"])
