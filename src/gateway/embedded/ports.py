"""Ports of this machine's loopback: a free one, and whether a given one is free."""

import socket

from gateway.embedded.errors import PortTaken


def is_free(port: int, host: str = "127.0.0.1") -> bool:
    """Whether a server could listen there now; a port in TIME_WAIT counts as free, as servers see it."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
        return True


def free() -> int:
    """A port that nobody listened on a moment ago."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def free_after(port: int, host: str = "127.0.0.1") -> int:
    """A free port near a taken one, easy to remember; any free one where the next hundred are taken."""
    for candidate in range(port + 1, min(port + 100, 65536)):
        if is_free(candidate, host):
            return candidate
    return free()


def answers(port: int, host: str = "127.0.0.1") -> bool:
    """Whether something accepts connections there."""
    try:
        with socket.create_connection((host, port), timeout=1):
            return True
    except OSError:
        return False


def refuse_taken(port: int, purpose: str, host: str = "127.0.0.1") -> None:
    """Raise PortTaken where a server could not listen there now."""
    if not is_free(port, host):
        raise PortTaken(port, purpose, host)
