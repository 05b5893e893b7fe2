"""Counts what no receipt tells: refusals and qualities from the processes' metrics, denials from the broker's log."""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from prometheus_client.parser import text_string_to_metric_families

from telemetry.mqtt import denials
from telemetry.readings import Channel

REFUSED, DENIED, SUSPECT, FAILED = "refused", "denied", "suspect", "fail"
_REFUSALS, _JUDGED = "quantrac_refusals", "quantrac_judged"


@dataclass
class Counts:
    """Differences since the last look. pages: addresses of metrics with the headers that open them."""

    pages: dict[str, dict[str, str]]
    broker_log: Path
    _seen: dict[str, Counter[str]] = field(default_factory=dict)
    _read: int = 0

    def __post_init__(self) -> None:
        self._read = self._size()

    async def since_last_look(self) -> Counter[str]:
        """Submissions refused, publishes and subscriptions denied, stored readings that are suspect or failed."""
        found = Counter({DENIED: self._denied()})
        async with httpx.AsyncClient(timeout=3, trust_env=False) as client:
            for page, headers in self.pages.items():
                found.update(await self._news(client, page, headers))
        return found

    async def _news(self, client: httpx.AsyncClient, page: str, headers: dict[str, str]) -> Counter[str]:
        """Nothing while the page cannot be had; the next look then covers this time too."""
        try:
            answer = await client.get(page, headers=headers)
        except httpx.HTTPError:
            return Counter()
        if not answer.is_success:
            return Counter()
        now = _totals(answer.text)
        before = self._seen.get(page, Counter())
        self._seen[page] = now
        # A process that was started again counts from nought.
        return now if any(now[name] < before[name] for name in before) else now - before

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


def _totals(text: str) -> Counter[str]:
    """Refusals, and stored readings by quality without those that the staff replayed."""
    starts = tuple(f"{start}{name}" for name in (_REFUSALS, _JUDGED) for start in ("", "# TYPE "))
    own = "\n".join(line for line in text.splitlines() if line.startswith(starts))
    found: Counter[str] = Counter()
    for family in text_string_to_metric_families(own + "\n"):
        for sample in family.samples:
            if sample.name == f"{_REFUSALS}_total":
                found[REFUSED] += int(sample.value)
            elif sample.name == f"{_JUDGED}_total" and sample.labels["channel"] != Channel.REPLAY:
                found[sample.labels["quality"]] += int(sample.value)
    return found
