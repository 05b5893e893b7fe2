"""A service that ends by itself is started again, with a pause that grows."""

import asyncio
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from gateway.embedded.errors import CannotStart
from gateway.running import watching


@dataclass
class Flickering:
    """A service that ends right after each of its first starts."""

    lives: list[bool]
    name: str = "gateway"
    log: Path = Path("gateway.jsonl")
    alive: bool = False
    refuses: int = 0
    launches: list[float] = field(default_factory=list)
    steady: asyncio.Event = field(default_factory=asyncio.Event)

    def launch(self) -> None:
        self.launches.append(asyncio.get_running_loop().time())
        if self.refuses:
            self.refuses -= 1
            raise CannotStart("Its port is taken.")
        self.alive = self.lives.pop(0)
        if self.alive:
            self.steady.set()

    async def ready(self) -> None:
        await asyncio.sleep(0)

    def stop(self) -> None:
        self.alive = False


async def _watched(service: Flickering, until: int) -> list[str]:
    """What is told until the service was launched so often and lives."""
    told: list[str] = []
    watch = asyncio.create_task(watching.keep_running(service, told.append))
    async with asyncio.timeout(10):
        await service.steady.wait()
    await asyncio.sleep(0.05)
    watch.cancel()
    assert len(service.launches) == until
    return told


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "_FIRST_PAUSE_SECONDS", 0.05)
    monkeypatch.setattr(watching, "_LOOK_SECONDS", 0.01)


async def test_it_is_started_again_and_both_are_told() -> None:
    told = await _watched(Flickering([True]), until=1)
    assert told == [
        "The gateway ended by itself and is started again (log: gateway.jsonl).",
        "The gateway is back.",
    ]


async def test_the_pause_grows_while_it_keeps_ending() -> None:
    service = Flickering([False, False, False, True])
    await _watched(service, until=4)
    pauses = [after - before for before, after in zip(service.launches, service.launches[1:], strict=False)]
    assert pauses[1] > 1.5 * pauses[0] * 0.8
    assert pauses[2] > pauses[0] * 2


async def test_a_start_that_fails_is_told_and_tried_again() -> None:
    told = await _watched(Flickering([True], refuses=1), until=2)
    assert "Its port is taken." in told
    assert told[-1] == "The gateway is back."


async def test_the_pause_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "_LONGEST_PAUSE_SECONDS", 0.06)
    service = Flickering([False] * 6 + [True])
    await _watched(service, until=7)
    assert service.launches[-1] - service.launches[-2] < 0.5
