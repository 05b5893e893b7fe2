"""`quantrac run`: everything on this machine with one command."""

import asyncio
import os
from pathlib import Path
from typing import Annotated

import typer

from core import acting, log
from gateway.cli import asking
from gateway.embedded import processes
from gateway.running.assembling import Assembly, Options
from gateway.running.supervisor import Supervisor
from gateway.settings import Settings

_Data = Annotated[Path, typer.Option("--data-dir", help="Folder of the data, keys and logs.")]
_Host = Annotated[
    str, typer.Option("--host", help="Address to listen on for HTTP and MQTT; 0.0.0.0 for the whole network.")
]
_HttpPort = Annotated[
    int | None, typer.Option("--http-port", help="Port for HTTP [default: 8000 or QUANTRAC_HTTP__PORT].")
]
_MqttPort = Annotated[
    int | None, typer.Option("--mqtt-port", help="Port for MQTT [default: 1883 or QUANTRAC_MQTT__PORT].")
]
_Stations = Annotated[bool, typer.Option("--stations/--no-stations", help="Simulate the stations of the network.")]


def run(
    data_dir: _Data = Path("var"),
    host: _Host = "127.0.0.1",
    http_port: _HttpPort = None,
    mqtt_port: _MqttPort = None,
    stations: _Stations = True,
) -> None:
    """Start database, broker, gateway, consumer and simulated stations on this machine, and stop them with Ctrl-C.

    Everything lives in one folder. The first run makes it; later ones go on with the same data. No part of it needs
    root or a system package. For production run the parts one by one: migrate, serve, consume.
    """
    settings = Settings()
    if settings.database.dsn is not None:
        raise typer.BadParameter(
            "this command starts a database of its own; unset QUANTRAC_DATABASE__DSN, or use migrate, serve and consume"
        )
    options = Options(data_dir, host, http_port or settings.http.port, mqtt_port or settings.mqtt.port, stations)
    assembly = Assembly(options, settings)
    assembly.places.make()
    with os.fdopen(processes.open_log(assembly.places.log("run.jsonl")), "a", encoding="utf-8") as stream:
        log.configure(settings.log.level, stream)
        acting.begin(asking.operator())
        asyncio.run(Supervisor(assembly).main())
