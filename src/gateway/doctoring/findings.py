"""What a check says: what it looked at, what it found, and what to do about it."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from enum import StrEnum


class Level(StrEnum):
    """How a finding stands; only a fault makes the examination fail."""

    OK = "ok"
    SKIPPED = "skipped"
    NOTICE = "notice"
    FAULT = "fault"


@dataclass(frozen=True, slots=True)
class Finding:
    check: str
    level: Level
    looked_at: str
    found: str
    advice: str = ""

    def document(self) -> dict[str, str]:
        """The finding as `--json` writes it."""
        plain = asdict(self)
        return {"check": plain["check"], "level": plain["level"], "lookedAt": plain["looked_at"]} | {
            name: plain[name] for name in ("found", "advice")
        }


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that is looked at; its methods are the ways in which it can stand."""

    check: str
    looked_at: str

    def ok(self, found: str) -> Finding:
        return Finding(self.check, Level.OK, self.looked_at, found)

    def skipped(self, why: str) -> Finding:
        return Finding(self.check, Level.SKIPPED, self.looked_at, why)

    def notice(self, found: str, advice: str) -> Finding:
        return Finding(self.check, Level.NOTICE, self.looked_at, found, advice)

    def fault(self, found: str, advice: str) -> Finding:
        return Finding(self.check, Level.FAULT, self.looked_at, found, advice)


def failed(findings: Iterable[Finding]) -> bool:
    return any(finding.level is Level.FAULT for finding in findings)
