"""Runs the gateway process: uvicorn around the application."""

import signal
from types import FrameType

import uvicorn

from core import log
from gateway import application
from gateway.settings import Settings

_GRACE_SECONDS = 15


class Server(uvicorn.Server):
    """Says "not ready" from the moment of the stop signal, before connections are closed."""

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        state = getattr(self.config.app, "state", None)
        if state is not None:
            state.stopping = True
        super().handle_exit(sig, frame)


def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT; what was taken is committed and answered before the process ends."""
    log.configure(settings.log.level)
    config = uvicorn.Config(
        application.create(settings),
        host=settings.http.host,
        port=settings.http.port,
        loop="uvloop",
        http="httptools",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        timeout_graceful_shutdown=_GRACE_SECONDS,
        # Long enough that a logger's pause between two packets of its backlog does not cost it the connection.
        timeout_keep_alive=75,
    )
    server = Server(config)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    server.run()
