"""Puts what happened into the words of a subscriber's language: one line of a mail, with its facts."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from core import instants

_WORDS: Mapping[str, Mapping[str, Any]] = tomllib.loads(
    Path(__file__).with_name("wording.toml").read_text(encoding="utf-8")
)
# What the service did by itself has no author worth naming.
_OWN_ACTOR = "quantrac"
_TIME_FORMS = {"vi": "%H:%M %d/%m/%Y", "en": "%Y-%m-%d %H:%M"}


@dataclass(frozen=True, slots=True)
class Item:
    """An event as a mail tells it; `payload` is JSON text."""

    type: str
    occurred_time: datetime
    severity: str | None
    historical: bool
    payload: str


@dataclass(frozen=True, slots=True)
class Line:
    """What is said of one event; `facts` are names and values in their order, `link` where to see more."""

    label: str
    severity: str
    severity_label: str
    title: str
    facts: tuple[tuple[str, str], ...]
    link: str | None
    # What belongs together: all moves of one alert.
    thread: str | None


class Wording:
    """The words of one language."""

    def __init__(self, language: str, base_url: str | None) -> None:
        self.language = language
        self._words = _WORDS[language]
        self._base_url = base_url.rstrip("/") if base_url else None

    def say(self, name: str, **values: object) -> str:
        text: str = self._words[name]
        return text.format(**values) if values else text

    def time(self, instant: datetime) -> str:
        """By the clock of Vietnam, to the minute."""
        return instant.astimezone(instants.VIETNAM).strftime(_TIME_FORMS[self.language])

    def line(self, item: Item) -> Line:
        """What is said of an event; of one whose document is not known, what every event has."""
        document = msgspec.json.decode(item.payload)
        alert, verdict = document.get("alert"), document.get("verdict") or document.get("former")
        severity = item.severity or "notice"
        if isinstance(alert, dict):
            title, facts, link, thread = self._alert(alert, document.get("change"))
        elif isinstance(verdict, dict):
            title, facts, link, thread = self._verdict(verdict, document.get("former"))
        else:
            title, facts, link, thread = self._other(item, document)
        if item.historical:
            facts.append((self.say("historical"), self.time(item.occurred_time)))
        return Line(
            label=self._words["events"].get(item.type, item.type),
            severity=severity,
            severity_label=self._words["severities"].get(severity, severity),
            title=title,
            facts=tuple((name, value) for name, value in facts if value),
            link=link,
            thread=thread,
        )

    def _alert(self, alert: dict[str, Any], change: Any) -> tuple[str, list[tuple[str, str]], str | None, str | None]:
        title = alert.get("title") or {}
        number = alert.get("id")
        facts = [
            (self.say("station"), _text(alert.get("station"))),
            (self.say("organization"), _text(alert.get("organization"))),
            (self.say("began"), self._moment(alert.get("raisedTime"))),
            (self.say("ended"), self._moment(alert.get("clearedTime"))),
            (self.say("found"), self._moment(alert.get("detectedTime"))),
        ]
        if isinstance(change, dict) and change.get("actor") not in {None, _OWN_ACTOR}:
            facts.append((self.say("actor"), _text(change.get("actor"))))
            facts.append((self.say("happened"), self._moment(change.get("time"))))
        if isinstance(change, dict):
            facts.append((self.say("reason"), _text(change.get("reason"))))
        link = f"{self._base_url}/alerts?id={number}" if self._base_url else None
        return str(title.get(self.language) or _text(alert.get("kind"))), facts, link, f"alert-{number}"

    def _verdict(
        self, verdict: dict[str, Any], former: Any
    ) -> tuple[str, list[tuple[str, str]], str | None, str | None]:
        title = self.say(
            "verdict_title",
            station=_text(verdict.get("station")),
            symbol=_text(verdict.get("symbol")),
            window=_text(verdict.get("window")),
            verdict=self._verdict_name(verdict.get("verdict")),
        )
        unit, limit = _text(verdict.get("unit")), verdict.get("limit") or {}
        bounds = [self._number(limit[side]) for side in ("lower", "upper") if limit.get(side) is not None]
        facts = [
            (self.say("period"), " – ".join(self._moment(verdict.get(side)) for side in ("periodStart", "periodEnd"))),
            (self.say("mean"), _with_unit(self._number(verdict.get("mean")), unit)),
            (self.say("limit"), _with_unit(" – ".join(bounds), unit)),
        ]
        if verdict.get("validN") is not None:
            counts = {"valid": verdict["validN"], "expected": verdict.get("expectedN")}
            facts.append((self.say("valid"), self.say("valid_of", **counts)))
        if isinstance(former, dict):
            facts.append((self.say("former"), self._verdict_name(former.get("verdict"))))
        return title, facts, self._base_url, f"verdict-{verdict.get('datastream')}-{verdict.get('periodStart')}"

    def _other(self, item: Item, document: dict[str, Any]) -> tuple[str, list[tuple[str, str]], str | None, str | None]:
        station = _text(document.get("station"))
        title = station or self._words["events"].get(item.type, item.type)
        return title, [(self.say("happened"), self.time(item.occurred_time))], self._base_url, None

    def _verdict_name(self, slug: Any) -> str:
        name: str = self._words["verdicts"].get(slug, _text(slug))
        return name

    def _moment(self, text: Any) -> str:
        if not isinstance(text, str):
            return ""
        try:
            return self.time(instants.parse(text))
        except ValueError:
            return text

    def _number(self, value: Any) -> str:
        if isinstance(value, bool) or not isinstance(value, int | float):
            return ""
        figure = format(value, ".6g")
        return figure.replace(".", ",") if self.language == "vi" else figure


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def _with_unit(figure: str, unit: str) -> str:
    return f"{figure} {unit}".rstrip() if figure else ""
