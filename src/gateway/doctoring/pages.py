"""Checks of the processes' own health pages, where they answer."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway.doctoring.findings import Finding, Line
from gateway.settings import Settings

_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "[::1]", "": "127.0.0.1"}  # noqa: S104 - compared with, not listened on


@dataclass(frozen=True, slots=True)
class Page:
    """What a health page said; status is None where nothing answered."""

    status: int | None
    checks: Mapping[str, str] = field(default_factory=dict)


def addresses(settings: Settings) -> dict[str, str]:
    """Where each process of this machine would tell whether it is ready."""
    places = {
        "gateway": (settings.http.host, settings.http.port),
        "consumer": (settings.mqtt.health_host, settings.mqtt.health_port),
        "watch": (settings.watch.health_host, settings.watch.health_port),
    }
    return {
        name: f"http://{_EVERYWHERE.get(host, host)}:{port}/readyz" for name, (host, port) in places.items() if port
    }


def standing(name: str, address: str, page: Page) -> Finding:
    line = Line("processes", f"{name} at {address}")
    if page.status is None:
        return line.notice("nothing answers there", f"Right where no {name} runs on this machine.")
    told = ", ".join(f"{what}: {state}" for what, state in sorted(page.checks.items()))
    if page.status != 200:
        return line.fault(f"{page.status}: {told or 'no word why'}", f"Read the log of the {name}.")
    return line.ok(told or "ready")
