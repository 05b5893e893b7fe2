"""Runs every check that can be run from here, each as far as what it needs can be had."""

import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import asyncpg
import httpx

from core import instants, log
from core.database import DRIVER_ERRORS, Database, DatabaseUnavailable, PoolLimits
from gateway import migrating, oidc
from gateway.doctoring import (
    brokers,
    clocks,
    disks,
    keeping,
    listening,
    migrations,
    pages,
    providers,
    servers,
    station_keys,
    store,
    upkeep,
)
from gateway.doctoring.findings import Finding, Line
from gateway.settings import MissingSetting, Settings, UnusableSetting
from identity.oidc.errors import ProviderFault
from identity.oidc.outbound import Outbound
from identity.oidc.provider import Told, ask
from telemetry.mqtt.probing import Door, NoBroker, probe

_LIMITS = PoolLimits(min_size=0, max_size=1, acquire_seconds=5, connect_seconds=5, command_seconds=10)
_UNANSWERED = (DatabaseUnavailable, *DRIVER_ERRORS)
_PAGE_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class Options:
    """folders: more places whose free disk is looked at; migrations: the files of this version."""

    folders: tuple[Path, ...] = ()
    migrations: Path = migrating.FOLDER


async def examine(settings: Settings, options: Options) -> list[Finding]:
    """Every finding, in the order in which one would mend things. No secret stands in any of them."""
    secrets = keeping.read(settings.secrets())
    found = [
        *await _database(settings, options),
        migrations.files(options.migrations),
        clocks.synchronisation(clocks.synchronised()),
        *disks.look({f"the folder {path.name}": path for path in options.folders}),
        *keeping.examined(secrets),
        *listening.addresses(settings),
        *await _broker(settings),
        *await _provider(settings),
        *[pages.standing(name, where, await _page(where)) for name, where in pages.addresses(settings).items()],
    ]
    return [_without_secrets(finding, secrets) for finding in found]


def _without_secrets(finding: Finding, secrets: Sequence[keeping.Read]) -> Finding:
    def told(text: str) -> str:
        return keeping.hidden(log.redact(text), secrets)

    return replace(finding, looked_at=told(finding.looked_at), found=told(finding.found), advice=told(finding.advice))


async def _database(settings: Settings, options: Options) -> list[Finding]:
    line = Line("database", "database of the settings")
    try:
        dsn = settings.dsn
    except (MissingSetting, OSError) as error:
        return [
            line.fault(
                f"no address ({type(error).__name__})", "Name a file that holds it in QUANTRAC_DATABASE__DSN_FILE."
            )
        ]
    if urlsplit(dsn).scheme not in {"postgresql", "postgres"}:
        return [line.fault("its address is not one", "Write `postgresql://user:password@host:port/name`.")]
    found: list[Finding] = []
    try:
        async with Database(dsn, application_name="quantrac-doctor", limits=_LIMITS) as database:
            await _ask(database, dsn, options, found)
            days = settings.stations.notice_days
            found += station_keys.standing(await store.keys(database, timedelta(days=days)), days)
    except _UNANSWERED as error:
        found.append(line.fault(_why(error), "Does the server run, and are address, user and password right?"))
    return found


def _why(error: BaseException) -> str:
    """What kind of error it was; not its words, in which the address might stand."""
    cause = error.__cause__ if isinstance(error, DatabaseUnavailable) else error
    if isinstance(cause, asyncpg.PostgresError):
        return f"it refuses: {cause.sqlstate} {type(cause).__name__.removesuffix('Error')}"
    return f"it does not answer ({type(cause or error).__name__})"


async def _ask(database: Database, dsn: str, options: Options, found: list[Finding]) -> None:
    """Adds to `found` as answers come in: what was found before a connection breaks is kept."""
    server, extension = await store.server(database), await store.extension(database)
    used = extension is not None and extension.installed is not None
    found += [
        Line("database", "database of the settings").ok("it answers"),
        servers.version(server),
        servers.extension(extension),
        *servers.durability(server),
        servers.locks(server, extension),
        servers.transport(server, _ssl_mode(dsn)),
        *disks.look(disks.folders_of(server.data_directory, server.tablespaces, local=server.is_local)),
    ]
    found.append(migrations.state(await store.applied(database), migrations.known(options.migrations)))
    found.append(servers.role(await store.role(database)))
    found.append(await _clock(database))
    found += upkeep.jobs(await store.jobs(database)) if used else []
    found += upkeep.feeds(await store.feeds(database))


def _ssl_mode(dsn: str) -> str | None:
    modes = parse_qs(urlsplit(dsn).query).get("sslmode")
    return modes[-1] if modes else None


async def _clock(database: Database) -> Finding:
    before = instants.now()
    theirs = await store.time(database)
    after = instants.now()
    middle = before + (after - before) / 2
    return clocks.agreement((theirs - middle).total_seconds(), (after - before).total_seconds())


async def _broker(settings: Settings) -> list[Finding]:
    mqtt = settings.mqtt
    where = f"{mqtt.host}:{mqtt.port}"
    try:
        tls = ssl.create_default_context(cafile=mqtt.ca_file) if mqtt.tls else None
        if tls is not None and mqtt.certificate_file is not None:
            tls.load_cert_chain(mqtt.certificate_file, mqtt.key_file)
        answer = await probe(Door(mqtt.host, mqtt.port, tls))
    except (NoBroker, OSError) as error:
        return [brokers.reachable(where, str(error))]
    page = None if mqtt.monitor_url is None else await _document(f"{mqtt.monitor_url.rstrip('/')}/varz")
    return [
        brokers.reachable(where, None),
        brokers.strangers(answer),
        *([] if mqtt.monitor_url is None else [brokers.monitored(mqtt.monitor_url, page)]),
        brokers.durability(answer, page),
        *disks.look(brokers.folders(page)),
    ]


async def _provider(settings: Settings) -> list[Finding]:
    try:
        plan = oidc.plan(settings)
    except (UnusableSetting, OSError) as failure:
        return [providers.unusable(failure)]
    if plan is None:
        return []
    before = instants.now()
    try:
        async with Outbound(plan.tls, plan.seconds) as outbound:
            told: Told | ProviderFault = await ask(outbound, plan.issuer)
    except ProviderFault as fault:
        told = fault
    return providers.examined(plan, told, before + (instants.now() - before) / 2)


async def _document(address: str) -> Mapping[str, Any] | None:
    try:
        async with httpx.AsyncClient(timeout=_PAGE_SECONDS, trust_env=False) as client:
            document = (await client.get(address)).json()
    except (httpx.HTTPError, ValueError):
        return None
    return document if isinstance(document, dict) else None


async def _page(address: str) -> pages.Page:
    try:
        async with httpx.AsyncClient(timeout=_PAGE_SECONDS, trust_env=False) as client:
            answer = await client.get(address)
    except httpx.HTTPError:
        return pages.Page(None)
    try:
        checks = answer.json().get("checks", {})
    except (ValueError, AttributeError):
        checks = {}
    return pages.Page(answer.status_code, checks if isinstance(checks, dict) else {})
