"""Finds out what format an MQTT payload has, since MQTT 3.1.1 messages carry no content type."""

import zlib
from dataclasses import dataclass

from telemetry.mqtt.topics import Source

_GZIP = b"\x1f\x8b"
_JSON = "application/json"
_TABLE = "text/tab-separated-values"


@dataclass(frozen=True, slots=True)
class Format:
    content_type: str | None
    content_encoding: str | None


def sniff(payload: bytes, source: Source | None, content_type: str | None = None) -> Format:
    """The format of a payload.

    gzip is known by its first two bytes. An MQTT 5 content type is believed. A file name in the topic decides by its
    ending, as it does over HTTP. Otherwise `{` or `[` begins JSON, and anything else is the regulator's table.
    """
    encoding = "gzip" if payload.startswith(_GZIP) else None
    if content_type is not None:
        return Format(content_type, encoding)
    if source is not None and source.file_name is not None:
        return Format(None, encoding)
    return Format(_JSON if _first_sign(payload, encoding) in b"{[" else _TABLE, encoding)


def _first_sign(payload: bytes, encoding: str | None) -> bytes:
    """The first byte that is not white space; `{` where none is seen, so that the JSON codec says what is wrong."""
    head = payload[:4096]
    if encoding:
        try:
            head = zlib.decompressobj(wbits=31).decompress(head, 256)
        except zlib.error:
            return b"{"
    return head.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] or b"{"
