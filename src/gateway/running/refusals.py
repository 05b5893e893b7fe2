"""Counts what left no row in the database: submissions refused by the gateway, publishes denied by the broker."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from prometheus_client.parser import text_string_to_metric_families

from telemetry.mqtt import denials

_METRIC = "quantrac_refusals"


@dataclass
class Refusals:
    """Differences since the last look. pages: addresses of metrics with the headers that open them."""

    pages: dict[str, dict[str, str]]
    broker_log: Path
    _seen: dict[str, float] = field(default_factory=dict)
    _read: int = 0

    def __post_init__(self) -> None:
        self._read = self._size()

    async def since_last_look(self) -> tuple[int, int]:
        """Submissions refused, publishes and subscriptions denied."""
        async with httpx.AsyncClient(timeout=3, trust_env=False) as client:
            refused = sum([await self._refused(client, page, headers) for page, headers in self.pages.items()])
        return refused, self._denied()

    async def _refused(self, client: httpx.AsyncClient, page: str, headers: dict[str, str]) -> int:
        try:
            answer = await client.get(page, headers=headers)
        except httpx.HTTPError:
            return 0
        now = _total(answer.text.splitlines()) if answer.is_success else 0.0
        before = self._seen.get(page, 0.0)
        self._seen[page] = now
        # A process that was started again counts from nought.
        return int(now - before if now >= before else now)

    def _size(self) -> int:
        return self.broker_log.stat().st_size if self.broker_log.exists() else 0

    def _denied(self) -> int:
        if self._size() < self._read:
            self._read = 0
        if not self.broker_log.exists():
            return 0
        with self.broker_log.open("rb") as log:
            log.seek(self._read)
            written = log.read()
        whole = written[: written.rfind(b"\n") + 1]
        self._read += len(whole)
        return sum(denials.read(line) is not None for line in whole.decode(errors="replace").splitlines())


def _total(lines: Iterable[str]) -> float:
    own = "\n".join(line for line in lines if line.startswith((f"{_METRIC}_total", f"# TYPE {_METRIC}")))
    families = text_string_to_metric_families(own + "\n")
    return sum(sample.value for family in families for sample in family.samples if sample.name == f"{_METRIC}_total")
