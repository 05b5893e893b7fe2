"""The codec for NDJSON: each line is a packet or columns; a bad line is a flaw and hurts no other line."""

from collections.abc import Sequence
from functools import partial

from telemetry.codecs import json_bodies
from telemetry.codecs.context import Context
from telemetry.codecs.flaws import unreadable
from telemetry.codecs.joining import Joining
from telemetry.readings import Decoded

LINE_CAP = 1 << 20


class Lines:
    """Cuts a stream of bytes into lines, in memory bounded by the cap of one line.

    A line beyond the cap is given out as its first `cap` bytes, which makes it unreadable, and the rest of it is passed
    over.
    """

    def __init__(self, cap: int = LINE_CAP) -> None:
        self._cap = cap
        self._kept = bytearray()

    def feed(self, chunk: bytes) -> list[bytes]:
        """The lines that end in this chunk, without their line ends."""
        first, *others = chunk.split(b"\n")
        self._keep(first)
        if not others:
            return []
        *middle, last = others
        lines = [bytes(self._kept), *middle]
        self._kept.clear()
        self._keep(last)
        return [line[: self._cap + 1].removesuffix(b"\r") for line in lines]

    def end(self) -> list[bytes]:
        """The last line, where the stream did not end with a line end."""
        last = [bytes(self._kept).removesuffix(b"\r")] if self._kept else []
        self._kept.clear()
        return last

    def _keep(self, piece: bytes) -> None:
        # One byte more than the cap is kept, by which a line that is too long is known.
        self._kept += piece[: self._cap + 1 - len(self._kept)]


class NdjsonCodec:
    name = "ndjson"

    def decode(self, body: bytes, context: Context) -> Decoded:
        # The body is bounded already, and a stream may have had longer lines than other senders.
        cap = max(LINE_CAP, len(body))
        lines = Lines(cap)
        decoded = decode(lines.feed(body) + lines.end(), context, cap=cap)
        if not decoded.count:
            raise unreadable("body", "no lines with readings", "one JSON packet on each line")
        return decoded


def decode(
    lines: Sequence[bytes], context: Context, first_index: int = 0, first_line: int = 1, cap: int = LINE_CAP
) -> Decoded:
    """What the lines say, at positions first_index, first_index + 1, …; empty lines say nothing."""
    joining = Joining(first_index)
    for number, line in enumerate(lines, start=first_line):
        if line and not line.isspace():
            joining.add(f"line {number}: ", partial(_line, line, context, cap))
    return joining.decoded()


def _line(line: bytes, context: Context, cap: int, first: int) -> Decoded:
    if len(line) > cap:
        raise unreadable("body", f"more than {cap} bytes", f"lines of at most {cap} bytes")
    return json_bodies.document(line.removeprefix(json_bodies.BOM), context, first)
