"""Runs the gateway process: uvicorn around the application."""

import gc
import signal
from types import FrameType

import uvicorn

from core import log
from gateway import application
from gateway.edges import connections, front
from gateway.settings import Settings
from telemetry.intake.endpoint import ObservationEndpoint

_GRACE_SECONDS = 15


class Server(connections.Server):
    """Says "not ready" from the moment of the stop signal, before connections are closed."""

    def __init__(self, config: uvicorn.Config, entrance: ObservationEndpoint) -> None:
        super().__init__(config)
        self.entrance = entrance

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self.entrance.app.state.stopping = True
        super().handle_exit(sig, frame)


def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT; what was taken is committed and answered before the process ends."""
    log.configure(settings.log.level)
    entrance = application.entrance(settings)
    config = uvicorn.Config(
        front.in_front_of(entrance, settings),
        host=settings.http.host,
        port=settings.http.port,
        loop="uvloop",
        http=connections.Protocol,
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=_GRACE_SECONDS,
        # Long enough that a logger's pause between two packets of its backlog does not cost it the connection.
        timeout_keep_alive=75,
    )
    _calm_collector()
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    Server(config, entrance).run()


def _calm_collector() -> None:
    """Let the cycle collector pass over what lives as long as the process, and come more rarely.

    A reading makes no cycles; at the default threshold the collector takes a tenth of the hot path.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
