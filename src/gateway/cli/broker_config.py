"""`quantrac broker-config nats|mosquitto`: writes the broker's configuration from the catalogue."""

import asyncio
import grp
import os
import pwd
import shlex
import signal
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import structlog
import typer

from core import errors, log
from gateway import resources, stop_signals
from gateway.settings import MissingSetting, Settings
from telemetry.mqtt import broker_files, broker_mosquitto, broker_nats, store
from telemetry.mqtt.brokers import BrokerUser, TlsFiles

_log = structlog.get_logger(__name__)

app = typer.Typer(no_args_is_help=True, help="Write the MQTT broker's configuration from the station keys.")

_Render = Callable[[Sequence[BrokerUser]], Mapping[Path, str]]
_Listen = Annotated[str, typer.Option("--listen", help="Address and port that stations connect to.")]
_Certificate = Annotated[Path | None, typer.Option("--tls-certificate", help="Certificate chain; switches TLS on.")]
_Key = Annotated[Path | None, typer.Option("--tls-key", help="Private key of the certificate.")]
_Authority = Annotated[Path | None, typer.Option("--tls-authority", help="Also ask clients for a certificate of this.")]
_Named = Annotated[bool, typer.Option("--certificate-names", help="The user is whom the certificate names.")]
_Pid = Annotated[Path | None, typer.Option("--pid-file", help="File in which the broker writes its process id.")]
_LogFile = Annotated[Path | None, typer.Option("--log-file", help="Log of the broker; standard error without it.")]
_Owner = Annotated[str | None, typer.Option("--owner", help="USER or USER:GROUP that shall own the files.")]
_Watch = Annotated[bool, typer.Option("--watch", help="Stay, and renew the files when keys or stations change.")]
_ReloadPid = Annotated[Path | None, typer.Option("--reload-pid-file", help="Send SIGHUP to this process after it.")]
_ReloadCommand = Annotated[str | None, typer.Option("--reload-command", help="Run this program after it, no shell.")]


class NotReloaded(errors.Unavailable):
    slug = "broker-not-reloaded"
    title = "The broker could not be told to read its files again"


@dataclass(frozen=True, slots=True)
class _Reload:
    """How the broker is told that its files changed."""

    pid_file: Path | None
    command: str | None

    async def __call__(self) -> None:
        if self.pid_file is not None:
            try:
                os.kill(int(self.pid_file.read_text(encoding="utf-8").strip()), signal.SIGHUP)
            except (OSError, ValueError) as error:
                # A broker that does not run reads the files when it starts.
                _log.warning("broker.not_running", pid_file=str(self.pid_file), error=str(error))
        if self.command is not None:
            process = await asyncio.create_subprocess_exec(*shlex.split(self.command))
            if await process.wait() != 0:
                raise NotReloaded(f"{self.command!r} ended with code {process.returncode}.")


@app.command()
def nats(
    output: Annotated[Path, typer.Option("--output", help="Configuration file to write.")],
    store_dir: Annotated[Path, typer.Option("--store-dir", help="Folder of the broker's messages.")],
    listen: _Listen = "127.0.0.1:1883",
    client_listen: Annotated[
        str, typer.Option("--client-listen", help="Address of NATS's own protocol, which nobody may speak.")
    ] = "127.0.0.1:4222",
    monitor_listen: Annotated[
        str | None, typer.Option("--monitor-listen", help="Address of the broker's own health pages.")
    ] = None,
    sync: Annotated[
        str, typer.Option("--sync", help="`always`: each message is on disk before its PUBACK; or a time such as 2m.")
    ] = "always",
    tls_certificate: _Certificate = None,
    tls_key: _Key = None,
    tls_authority: _Authority = None,
    certificate_names: _Named = False,
    pid_file: _Pid = None,
    log_file: _LogFile = None,
    owner: _Owner = None,
    watch: _Watch = False,
    reload_pid_file: _ReloadPid = None,
    reload_command: _ReloadCommand = None,
) -> None:
    """Configuration of a NATS server as MQTT 3.1.1 broker (nats-server -c FILE)."""
    settings = Settings()
    if certificate_names and settings.mqtt.accounts != 1:
        raise typer.BadParameter("a certificate names one user; leave QUANTRAC_MQTT__ACCOUNTS at 1 with it")
    options = broker_nats.NatsOptions(
        store_dir=store_dir,
        gateway_bcrypt=broker_nats.hash_password(_gateway_password(settings)),
        gateway_user=settings.mqtt.username,
        listen=listen,
        client_listen=client_listen,
        monitor_listen=monitor_listen,
        sync=sync,
        accounts=settings.mqtt.accounts,
        max_ack_pending=settings.mqtt.in_flight_of_account,
        tls=_tls(tls_certificate, tls_key, tls_authority, named=certificate_names),
        pid_file=pid_file,
        log_file=log_file,
    )
    reload = _Reload(reload_pid_file, reload_command)
    _run(settings, lambda users: {output: broker_nats.render(users, options)}, reload, owner, watch=watch)


@app.command()
def mosquitto(
    output: Annotated[Path, typer.Option("--output", help="Folder for mosquitto.conf, passwords and rights.")],
    store_dir: Annotated[Path, typer.Option("--store-dir", help="Folder of the broker's messages.")],
    listen: _Listen = "127.0.0.1:1883",
    durability: Annotated[
        Literal["change", "second"],
        typer.Option("--durability", help="Write the store after each change, or once a second (faster)."),
    ] = "change",
    tls_certificate: _Certificate = None,
    tls_key: _Key = None,
    tls_authority: _Authority = None,
    certificate_names: _Named = False,
    pid_file: _Pid = None,
    log_file: _LogFile = None,
    run_as: Annotated[str | None, typer.Option("--run-as", help="User that the broker's process becomes.")] = None,
    owner: _Owner = None,
    watch: _Watch = False,
    reload_pid_file: _ReloadPid = None,
    reload_command: _ReloadCommand = None,
) -> None:
    """Configuration of a Mosquitto broker, MQTT 3.1.1 and 5 (mosquitto -c FOLDER/mosquitto.conf)."""
    settings = Settings()
    if settings.mqtt.accounts != 1:
        raise typer.BadParameter("Mosquitto has no accounts; leave QUANTRAC_MQTT__ACCOUNTS at 1")
    host, _, port = listen.rpartition(":")
    if not host or not port.isdecimal():
        raise typer.BadParameter("write ADDRESS:PORT, such as 127.0.0.1:1883", param_hint="--listen")
    options = broker_mosquitto.MosquittoOptions(
        folder=output.absolute(),
        store_dir=store_dir.absolute(),
        gateway_pbkdf2=broker_mosquitto.hash_password(_gateway_password(settings)),
        gateway_user=settings.mqtt.username,
        listen=(host, int(port)),
        durability=durability,
        max_in_flight=settings.mqtt.in_flight,
        tls=_tls(tls_certificate, tls_key, tls_authority, named=certificate_names),
        pid_file=pid_file,
        log_file=log_file,
        run_as=run_as,
    )

    def render(users: Sequence[BrokerUser]) -> Mapping[Path, str]:
        return {output / name: text for name, text in broker_mosquitto.render(users, options).items()}

    _run(settings, render, _Reload(reload_pid_file, reload_command), owner, watch=watch)


def _gateway_password(settings: Settings) -> str:
    if settings.mqtt_password is None:
        raise MissingSetting("Set QUANTRAC_MQTT__PASSWORD or QUANTRAC_MQTT__PASSWORD_FILE.")
    return settings.mqtt_password


def _tls(certificate: Path | None, key: Path | None, authority: Path | None, *, named: bool) -> TlsFiles | None:
    if (certificate is None) != (key is None):
        raise typer.BadParameter("give --tls-certificate and --tls-key together", param_hint="--tls-certificate")
    if named and authority is None:
        raise typer.BadParameter("it needs --tls-authority, which signs them", param_hint="--certificate-names")
    return TlsFiles(certificate, key, authority, named) if certificate and key else None


def _ids(owner: str | None) -> tuple[int, int] | None:
    """User and group id of `USER[:GROUP]`, -1 for the group that stays."""
    if owner is None:
        return None
    user, _, group = owner.partition(":")
    try:
        return pwd.getpwnam(user).pw_uid, grp.getgrnam(group).gr_gid if group else -1
    except KeyError as error:
        raise typer.BadParameter(f"{error.args[0]}", param_hint="--owner") from None


def _run(settings: Settings, render: _Render, reload: _Reload, owner: str | None, *, watch: bool) -> None:
    log.configure(settings.log.level)
    ids = _ids(owner)
    asyncio.run(_stay(settings, render, reload, ids) if watch else _once(settings, render, reload, ids))


async def _once(settings: Settings, render: _Render, reload: _Reload, owner: tuple[int, int] | None) -> None:
    async with resources.database_of(settings, "quantrac-broker-config") as database:
        users = await store.broker_users(database)
    files = render(users)
    broker_files.write(files, owner=owner)
    await reload()
    typer.echo(f"{', '.join(map(str, files))}: {len(users)} station keys")


async def _stay(settings: Settings, render: _Render, reload: _Reload, owner: tuple[int, int] | None) -> None:
    stop = stop_signals.awaited()
    async with AsyncExitStack() as stack:
        database = resources.database_of(settings, "quantrac-broker-config")
        await resources.open_patiently(stack, database)
        await broker_files.keep_current(database, render, reload, stop, owner=owner)
