"""Logs as JSON lines: one event a line, UTC, no control characters, no secrets."""

import logging
import re
import sys
from typing import Any, TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

# A station key, a token, a webhook's secret, a session, a link or a bearer token anywhere in a value: the public half
# stays, the secret goes.
_KEYS = r"((?:st|qt)_[a-z0-9]{8})\.[A-Za-z0-9_-]{20,}|(?<=whsec_)[A-Za-z0-9+/=_-]{20,}|(?<=q[sl]_)[A-Za-z0-9_-]{40,}"
# A token that the identity provider signed: it begins with the same letters, as does what it says.
_KEYS += r"|(?<=\beyJ)[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_.-]+"
_KEY = re.compile(_KEYS, re.IGNORECASE)
_SECRET = re.compile(_KEYS + r"|(?<=Bearer )\S+|(?<=://)([^:/@\s]*):\S+(?=@)", re.IGNORECASE)
_FIRST = ("timestamp", "level", "event")
# uvicorn's own event once more, with colours for a terminal.
_LEFT_OUT = frozenset({"color_message"})
_LONGEST = 2_000
# A traceback says at its end what went wrong, and at its beginning where.
_LONGEST_TRACEBACK = 8_000


def _hidden(match: re.Match[str]) -> str:
    if match.group(1):
        return f"{match.group(1)}.***"
    if match.re is _KEY:
        return "***"
    return f"{match.group(2)}:***" if match.group(2) is not None else "***"


def redact(text: str) -> str:
    """The text without secrets of stations, tokens and sessions, bearer tokens, and passwords in addresses."""
    return _SECRET.sub(_hidden, text)


def without_keys(text: str) -> str:
    """The text without the secret halves of what this service hands out; what else looks like a secret stays."""
    return _KEY.sub(_hidden, text)


def _shortened(text: str, longest: int) -> str:
    """Both ends of a text that is too long."""
    half = longest // 2
    return text if len(text) <= longest else f"{text[:half]} … {text[-half:]}"


def _clean(value: Any, longest: int) -> Any:
    """The value as it may be written; what JSON has no form for is written as text."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, dict):
        return {str(key): _clean(item, longest) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(item, longest) for item in value]
    # Redacted first: a secret that is cut in two would no longer be known as one.
    return _shortened(redact(str(value)), longest)


def _clean_event(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    # Names that begin with an underscore are structlog's own, and are taken out before the event is written.
    return {
        key: value if key.startswith("_") else _clean(value, _LONGEST_TRACEBACK if key == "exception" else _LONGEST)
        for key, value in event.items()
        if key not in _LEFT_OUT
    }


def _in_order(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """What a person looks for first comes first."""
    return {key: event[key] for key in _FIRST if key in event} | dict(event)


def configure(level: str = "INFO", stream: TextIO | None = None) -> None:
    """Send structlog and the standard library's loggers through one JSON writer."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
        _clean_event,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[structlog.stdlib.ExtraAdder(), *shared],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            _in_order,
            structlog.processors.JSONRenderer(),
        ],
    )
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    # One line a request is the access log of the proxy; ours are events.
    logging.getLogger("uvicorn.access").setLevel(logging.WARNING)
    logging.getLogger("httpx").setLevel(logging.WARNING)
