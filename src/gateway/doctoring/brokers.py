"""Checks of the MQTT broker: whether it answers, lets strangers in, and what its acknowledgement is worth."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gateway.doctoring.findings import Finding, Line
from telemetry.mqtt.probing import Answer

_MONITOR = "QUANTRAC_MQTT__MONITOR_URL"


def reachable(where: str, error: str | None) -> Finding:
    line = Line("broker", f"MQTT broker at {where}")
    if error is not None:
        return line.fault(error, "Does the broker run, and are QUANTRAC_MQTT__HOST, __PORT and __TLS right?")
    return line.ok("it answers")


def strangers(answer: Answer) -> Finding:
    line = Line("broker", "MQTT without a credential")
    if answer.lets_strangers_in:
        return line.fault(
            "the broker lets anybody in", "Use the configuration that `quantrac broker-config` writes, and no other."
        )
    return line.ok("refused")


def monitored(address: str, page: Mapping[str, Any] | None) -> Finding:
    line = Line("broker", f"the broker's own page at {address}")
    if page is None:
        return line.notice("nothing answers there", f"Is {_MONITOR} what the broker was given as its monitor address?")
    return line.ok("it answers")


def folders(page: Mapping[str, Any] | None) -> dict[str, Path | None]:
    """Where a NATS server keeps its messages, as far as its page tells."""
    place = (page or {}).get("jetstream", {}).get("config", {}).get("store_dir")
    return {"the broker's messages": Path(place)} if place else {}


def durability(answer: Answer, monitor: Mapping[str, Any] | None) -> Finding:
    """monitor: what a NATS server tells of itself under /varz; None where it was not asked or did not answer."""
    line = Line("broker", "what the broker's acknowledgement is worth")
    if monitor is not None:
        return _of_nats(line, monitor)
    if answer.speaks_5:
        return line.notice(
            "no NATS server; with Mosquitto an acknowledged message may be in memory only",
            "Let stations delete a reading when its receipt has come, not before; or use NATS.",
        )
    return line.skipped(f"only a NATS server's own page tells; name it in {_MONITOR}")


def _of_nats(line: Line, monitor: Mapping[str, Any]) -> Finding:
    version = monitor.get("version", "of unknown version")
    storage = monitor.get("jetstream", {}).get("config", {})
    if not storage:
        return line.fault(f"NATS {version} without JetStream keeps nothing", "Use `quantrac broker-config nats`.")
    if storage.get("sync_always"):
        return line.ok(f"NATS {version} has each message on its disk before it acknowledges")
    seconds = storage.get("sync_interval", 0) / 1e9
    return line.notice(
        f"NATS {version} syncs its disk every {seconds:.0f} s: a power cut loses what it acknowledged since",
        "Leave `--sync always` with `quantrac broker-config nats`, or keep it in a cluster.",
    )
