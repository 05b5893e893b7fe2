"""What ingestion asks of whoever lets stations in: whether one may send now. And what it tells about what was sent."""

from typing import Protocol

from telemetry.intake.reception import Speaker
from telemetry.readings import Outcome


class Gate(Protocol):
    """Lets stations through, one request after the other; the staff is not asked anything here."""

    def enter(self, speaker: Speaker, address: str) -> None:
        """Before anything of a body is read. Raises an error where the station has to wait, and for how long."""

    def took(self, speaker: Speaker, readings: int, size: int) -> None:
        """A body was read and decoded: so many readings in so many bytes, which count against what comes next."""

    async def pace(self, speaker: Speaker, readings: int, size: int, address: str) -> None:
        """As `took` for a part of a long stream; returns when the next part may be read.

        Raises `errors.Unauthorized` once the station's key opens nothing any more.
        """

    def answered(self, speaker: Speaker, outcome: Outcome, address: str) -> None:
        """Something of the body was not simply stored."""


class Open:
    """A gate that lets everybody through, as often as they come."""

    def enter(self, speaker: Speaker, address: str) -> None:
        """Nobody waits."""

    def took(self, speaker: Speaker, readings: int, size: int) -> None:
        """Nothing is counted."""

    async def pace(self, speaker: Speaker, readings: int, size: int, address: str) -> None:
        """Nobody waits."""

    def answered(self, speaker: Speaker, outcome: Outcome, address: str) -> None:
        """Nothing is noted."""
