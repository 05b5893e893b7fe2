"""The codec for application/json: a packet, columns, or a list of them."""

from collections.abc import Callable, Iterator
from functools import partial

import msgspec

from telemetry.codecs import columns, documents, packets, tolerant
from telemetry.codecs.context import Context
from telemetry.codecs.flaws import unreadable
from telemetry.codecs.joining import Joining
from telemetry.readings import Decoded

BOM = b"\xef\xbb\xbf"
_raw_list = msgspec.json.Decoder(list[msgspec.Raw])


class JsonCodec:
    name = "json"

    def decode(self, body: bytes, context: Context) -> Decoded:
        decoded = packets.decode(body, context)
        return decoded if decoded is not None else _closer(body, context)


def document(body: bytes, context: Context, first: int = 0) -> Decoded:
    """One packet or one object of columns, at positions first, first + 1, …; raises Unreadable."""
    decoded = packets.decode(body, context, first)
    if decoded is None and b'"results"' in body:
        decoded = columns.decode(body, context, first)
    return decoded if decoded is not None else tolerant.document(documents.read(body), context, first)


def _closer(body: bytes, context: Context) -> Decoded:
    # Windows programs put a byte order mark before UTF-8, which RFC 8259 lets a reader pass over.
    body = body.removeprefix(BOM).strip(b" \t\r\n")
    return _list(body, context) if body.startswith(b"[") else document(body, context)


def _list(body: bytes, context: Context) -> Decoded:
    joining = Joining()
    for number, decode in enumerate(_elements(body, context)):
        joining.add(f"[{number}].", decode)
    decoded = joining.decoded()
    if not decoded.count:
        raise unreadable("body", "no readings", "a list of packets with at least one reading")
    return decoded


def _elements(body: bytes, context: Context) -> Iterator[Callable[[int], Decoded]]:
    """How each element is decoded, given its first position: as written, or as a tree where NaN is in the list."""
    try:
        raws = _raw_list.decode(body)
    except (msgspec.DecodeError, RecursionError):
        tree = documents.read(body)
        return (partial(tolerant.document, element, context) for element in (tree if isinstance(tree, list) else ()))
    return (partial(document, bytes(raw), context) for raw in raws)
