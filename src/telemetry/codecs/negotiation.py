"""Which codec reads a body: by its media type, by its file name, or by its first bytes."""

import re
from collections.abc import Mapping
from functools import lru_cache

from core.errors import Fault
from telemetry.codecs import errors
from telemetry.codecs.circular10 import Circular10Codec
from telemetry.codecs.context import Codec, Context
from telemetry.codecs.csv_tables import CsvCodec
from telemetry.codecs.json_bodies import JsonCodec
from telemetry.codecs.ndjson import NdjsonCodec

__all__ = ["Codec", "Context", "codec_for", "sniff"]

_CHARSETS = ("", "utf-8", "utf8", "us-ascii")
_SNIFFED = 4096
# No JSON document holds this: between two objects of a list there is a comma, and a text holds no line end.
_NEXT_OBJECT = re.compile(rb"\}[ \t\r]*\n\s*\{")

_JSON = JsonCodec()
_NDJSON = NdjsonCodec()
_CSV = CsvCodec()
_CIRCULAR10 = Circular10Codec()
_BY_MEDIA_TYPE: Mapping[str, Codec] = {
    "application/json": _JSON,
    "application/x-ndjson": _NDJSON,
    "application/ndjson": _NDJSON,
    "application/jsonl": _NDJSON,
    "application/x-jsonlines": _NDJSON,
    "text/csv": _CSV,
    "text/tab-separated-values": _CIRCULAR10,
}
_BY_EXTENSION: Mapping[str, Codec] = {
    "json": _JSON,
    "ndjson": _NDJSON,
    "jsonl": _NDJSON,
    "csv": _CSV,
    "txt": _CIRCULAR10,
}
# Media types that say nothing of the format: the file name decides.
_VAGUE = ("", "text/plain", "application/octet-stream", "application/x-www-form-urlencoded")
_EXPECTED = (
    "application/json, application/x-ndjson, text/csv, text/tab-separated-values, or text/plain with a file name"
)


def codec_for(content_type: str | None, file_name: str | None) -> Codec:
    """The codec of a media type, or of the file name where that is vague or missing; raises UnknownMediaType."""
    media_type, charset = _parts(content_type or "")
    if charset not in _CHARSETS:
        raise _unknown(f"charset {charset}", "UTF-8")
    codec = _BY_MEDIA_TYPE.get(media_type)
    if codec is None and media_type in _VAGUE:
        codec = _BY_EXTENSION.get(_extension(file_name))
    if codec is None:
        beside = f" and the file name {file_name!r}" if file_name else ""
        raise _unknown((media_type or "none") + beside, _EXPECTED)
    return codec


def sniff(body: bytes, file_name: str | None = None) -> Codec:
    """The codec of a message that carries no media type: by the file name's extension, else by how the body begins.

    `{` and `[` begin JSON, and lines of JSON where an object ends before a line end and another begins behind it. A
    first line with `phenomenonTime` in it is the header of CSV. Anything else is the regulator's text, whose first line
    may be `#` and its file name.
    """
    codec = _BY_EXTENSION.get(_extension(file_name))
    if codec is not None:
        return codec
    start = body[:_SNIFFED].removeprefix(b"\xef\xbb\xbf").lstrip()
    if start.startswith((b"{", b"[")):
        return _NDJSON if start.startswith(b"{") and _NEXT_OBJECT.search(body) else _JSON
    return _CSV if b"phenomenontime" in start.partition(b"\n")[0].lower().replace(b"_", b"") else _CIRCULAR10


@lru_cache(maxsize=256)
def _parts(content_type: str) -> tuple[str, str]:
    """Media type and charset, in lower case."""
    media_type, *parameters = content_type.lower().split(";")
    charset = ""
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "charset":
            charset = value.strip().strip('"')
    return media_type.strip(), charset


def _extension(file_name: str | None) -> str:
    return (file_name or "").rpartition(".")[2].lower()


def _unknown(found: str, expected: str) -> errors.UnknownMediaType:
    return errors.UnknownMediaType(
        f"Content-Type: found {found}, expected {expected}.", faults=[Fault("Content-Type", found, expected)]
    )
