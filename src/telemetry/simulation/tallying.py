"""Counts what was sent and what came of it, for the line on the screen and the tally at the end."""

from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from telemetry.readings import Fate
from telemetry.simulation.parcels import Acceptance, Answer, Parcel

_LATENCIES = 20_000


@dataclass(slots=True)
class Tally:
    """Sendings by acceptance, readings by fate and reason, faults by kind, seconds until the newest answers."""

    sendings: Counter[str] = field(default_factory=Counter)
    readings: int = 0
    fates: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    injected: Counter[str] = field(default_factory=Counter)
    troubles: Counter[str] = field(default_factory=Counter)
    seconds: deque[float] = field(default_factory=lambda: deque(maxlen=_LATENCIES))
    buffered: int = 0

    def sent(self, parcel: Parcel) -> None:
        """A parcel goes out for the first time."""
        self.readings += parcel.count
        self.injected.update(kind.value for kind, _ in parcel.injected)

    def answered(self, answer: Answer, seconds: float) -> None:
        self.sendings[answer.acceptance] += 1
        if answer.acceptance is Acceptance.UNKNOWN:
            self.troubles[answer.detail] += 1
            return
        self.seconds.append(seconds)
        if answer.acceptance is Acceptance.REFUSED:
            self.troubles[answer.detail] += 1
        if answer.receipt is not None:
            self.receipted(answer.receipt)

    def receipted(self, receipt: Mapping[str, Any]) -> None:
        """What the gateway says became of the readings of one message."""
        counts = receipt.get("counts")
        if not isinstance(counts, Mapping):
            return
        for fate in Fate:
            self.fates[fate] += int(counts.get(fate.value, 0))
        self.reasons.update(str(each.get("reason")) for each in receipt.get("readings", ()))

    def percentile(self, share: float) -> float | None:
        """Seconds within which this share of the newest answers came."""
        ordered = sorted(self.seconds)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else None

    def document(self) -> dict[str, Any]:
        """The counts as one event of a log."""
        p99 = self.percentile(0.99)
        return {
            "acked": self.sendings[Acceptance.ACKED],
            "refused": self.sendings[Acceptance.REFUSED],
            "unknown": self.sendings[Acceptance.UNKNOWN],
            "buffered": self.buffered,
            "readings": self.readings,
            "fates": {fate.value: self.fates[fate] for fate in Fate if self.fates[fate]},
            "reasons": dict(self.reasons.most_common(8)),
            "injected": dict(self.injected),
            "troubles": dict(self.troubles.most_common(5)),
            "p99_ms": None if p99 is None else round(p99 * 1000, 1),
        }
