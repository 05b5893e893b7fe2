"""Liveness, readiness and metrics of the consumer process, on a port of its own."""

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager

from prometheus_client import REGISTRY
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from gateway import probes
from gateway.settings import Settings
from telemetry.intake.submitting import Intake
from telemetry.mqtt.counters import Counters

_GAUGES = {
    "connected": "Accounts of the broker that deliver to this process; 1 where it has no more.",
    "leading": "1 while this process is the one that may consume.",
    "standing_by": "1 while another process is the one that may consume.",
    "in_flight": "Messages taken and not acknowledged yet.",
}
_TOTALS = {
    "messages": "Messages taken from the broker.",
    "bytes": "Bytes of their payloads.",
    "redelivered": "Copies that the broker sent again.",
    "acknowledged": "Messages acknowledged after COMMIT.",
    "late_acknowledgements": "Acknowledgements that came after their connection broke and were not sent.",
    "dropped_qos0": "Messages of QoS 0, which promises nothing, that found no room.",
    "retries": "Attempts that found the database away or the intake full.",
    "failures": "Faults of our own; each has a traceback in the log.",
    "receipts": "Receipts published.",
    "receipts_lost": "Receipts that found no connection.",
    "connections": "Connections to the broker that were made.",
    "connection_failures": "Connections to the broker that failed or broke.",
    "sessions_lost": "Connections at which the broker no longer knew the session: messages may be lost.",
    "silences": "Connections given up because the own heartbeat did not come back.",
    "pauses": "Times that the socket was left unread because the broker sent more than it was told to.",
}


class CounterCollector(Collector):
    """Shows the counters of the consumer as metrics."""

    def __init__(self, counters: Counters) -> None:
        self._counters = counters

    def collect(self) -> Iterable[Metric]:
        values = self._counters.as_dict()
        for name, text in _GAUGES.items():
            yield GaugeMetricFamily(f"quantrac_mqtt_{name}", text, value=values[name])
        for name, text in _TOTALS.items():
            yield CounterMetricFamily(f"quantrac_mqtt_{name}", text, value=values[name])
        seconds = values["last_message_us"] / 1e6
        yield GaugeMetricFamily(
            "quantrac_mqtt_last_message_timestamp_seconds", "When a message was last taken.", value=seconds
        )


@asynccontextmanager
async def serve(settings: Settings, counters: Counters, intake: Intake) -> AsyncIterator[None]:
    """Serve while the block runs; nothing where the port is set to 0."""

    def checks() -> tuple[Mapping[str, str], bool]:
        """A stand-by is ready too: it waits for its turn, and there is nothing to mend."""
        role = "leading" if counters.leading else "starting"
        found = {
            "broker": "ok" if counters.connected == own.accounts or counters.standing_by else "not connected",
            "intake": "ok" if intake.has_room else "the queue is full",
            "role": "standing by" if counters.standing_by else role,
        }
        return found, found["broker"] == "ok" and found["intake"] == "ok"

    own = settings.mqtt
    collector = CounterCollector(counters)
    REGISTRY.register(collector)
    try:
        health = probes.serve(own.health_host, own.health_port, checks, "consumer-health", own.metrics_networks)
        async with health:
            yield
    finally:
        REGISTRY.unregister(collector)
