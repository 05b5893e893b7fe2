"""Joins what the parts of one submission say (the packets of a list, the lines of a stream) into one `Decoded`."""

from collections.abc import Callable
from dataclasses import replace

from telemetry.codecs.errors import Unreadable
from telemetry.codecs.flaws import check_number
from telemetry.readings import Decoded, Flaw, Readings


class Joining:
    """A part that cannot be read takes one position and hurts no other part."""

    def __init__(self, first: int = 0) -> None:
        self._first = first
        self._next = first
        self._readings: list[Readings] = []
        self._flaws: list[Flaw] = []

    def add(self, where: str, decode: Callable[[int], Decoded]) -> None:
        """Decode the next part, which is told its first position; `where` goes before the fields of its flaws."""
        try:
            part = decode(self._next)
        except Unreadable as error:
            part = Decoded((), (replace(error.flaw, index=self._next),), 1)
        self._readings.extend(part.readings)
        if part.flaws:
            self._flaws.extend(replace(flaw, field=where + flaw.field) for flaw in part.flaws)
            check_number(self._flaws)
        self._next += part.count

    def decoded(self) -> Decoded:
        return Decoded(self._readings, self._flaws, self._next - self._first)
