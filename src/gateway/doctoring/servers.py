"""Checks of the database server: its versions, what it promises about a commit, and who is let in how."""

import ipaddress

from gateway.doctoring.findings import Finding, Line
from gateway.doctoring.store import Extension, Role, Server

# What the schema is written for, and what it was tried on.
_LEAST_SERVER = 150_000
_LEAST_EXTENSION = (2, 22)
# A statement over a hypertable locks each of its chunks.
_LEAST_LOCKS = 1024


def version(server: Server) -> Finding:
    line = Line("server-version", "version of PostgreSQL")
    if server.version_number < _LEAST_SERVER:
        return line.fault(server.version, f"Upgrade to {_LEAST_SERVER // 10_000} or newer; the schema needs it.")
    return line.ok(server.version)


def extension(found: Extension | None) -> Finding:
    line = Line("extension-version", "TimescaleDB")
    if found is None:
        return line.ok("not installed: plain tables are used")
    return _unused(line, found) if found.installed is None else _used(line, found, found.installed)


def _unused(line: Line, found: Extension) -> Finding:
    if found.preloaded:
        return line.notice(
            f"{found.offered} is there, but this database does not use it",
            "It is taken at the first `quantrac migrate` only: migrate a new database and restore the data into it.",
        )
    return line.ok(f"{found.offered} is there and not preloaded: plain tables are used")


def _used(line: Line, found: Extension, version: str) -> Finding:
    if _parts(version) < _LEAST_EXTENSION:
        least = ".".join(map(str, _LEAST_EXTENSION))
        return line.fault(version, f"Upgrade to {least} or newer: ALTER EXTENSION timescaledb UPDATE.")
    if not found.preloaded:
        return line.fault(
            f"{version}, not preloaded", "Add timescaledb to shared_preload_libraries and restart the server."
        )
    if found.offered != version:
        return line.notice(
            f"{version}; the server has {found.offered}",
            "Run ALTER EXTENSION timescaledb UPDATE as the first statement of a new session.",
        )
    return line.ok(version)


def _parts(text: str) -> tuple[int, ...]:
    numbers = text.partition("-")[0].split(".")
    return tuple(int(part) for part in numbers if part.isdecimal())


def durability(server: Server) -> list[Finding]:
    """A committed row survives a crash only with all three."""
    found = []
    for name in ("fsync", "full_page_writes", "synchronous_commit"):
        line, value = Line("durability", name), getattr(server, name)
        if value == "off":
            found.append(
                line.fault("off", f"Set {name} = on: an answered reading could be lost. Nothing starts before.")
            )
        else:
            found.append(line.ok(value))
    return found


def locks(server: Server, used: Extension | None) -> Finding:
    line, number = Line("locks", "max_locks_per_transaction"), server.max_locks_per_transaction
    if used is None or used.installed is None:
        return line.ok(f"{number}; enough without TimescaleDB")
    if number < _LEAST_LOCKS:
        return line.fault(
            str(number),
            f"Set it to {_LEAST_LOCKS} and restart the server: each chunk that a statement touches is locked.",
        )
    return line.ok(str(number))


def role(found: Role) -> Finding:
    line = Line("role", f"rights of the database role {found.name}")
    advice = "Give each process a role of its own that can do less: `quantrac roles --help`."
    if found.superuser:
        return line.notice("it is a superuser", f"Fit for trying out. {advice}")
    if found.owns_tables:
        return line.notice("it owns the tables", f"Right for `quantrac migrate` alone. {advice}")
    much = {
        "changes stored observations": found.changes_observations,
        "may change the schema": found.changes_schema,
        "creates roles": found.creates_roles,
        "creates databases": found.creates_databases,
    }
    wrong = [text for text, is_so in much.items() if is_so]
    if wrong:
        return line.notice(f"it {', '.join(wrong)}", advice)
    return line.ok("it is neither superuser nor owner, and changes no stored observation")


def transport(server: Server, ssl_mode: str | None) -> Finding:
    """ssl_mode: what the address says, None where it says nothing."""
    line = Line("database-tls", "encryption of the connection to the database")
    if server.is_local:
        return line.ok("not needed: the database is on this machine")
    if not server.encrypted:
        advice = "Switch TLS on in the server and write `?sslmode=verify-full` behind the address."
        if ipaddress.ip_address(server.server_address or "").is_private:
            return line.notice("none, inside a private network", advice)
        return line.fault("none: passwords and readings can be read on the way", advice)
    if ssl_mode not in {"verify-ca", "verify-full"}:
        return line.notice(
            "TLS, but nobody asks whether it is the right server",
            "Write `?sslmode=verify-full` (and sslrootcert=…) behind the address.",
        )
    return line.ok(f"TLS, {ssl_mode}")
