"""What the consumer counts, as plain numbers that a metrics endpoint reads."""

from dataclasses import dataclass, fields


@dataclass(slots=True)
class Counters:
    """Totals since the process started, except those from `connected` on, which are the state now.

    connected: how many of the broker's accounts deliver.
    """

    messages: int = 0
    bytes: int = 0
    redelivered: int = 0
    acknowledged: int = 0
    late_acknowledgements: int = 0
    dropped_qos0: int = 0
    retries: int = 0
    failures: int = 0
    receipts: int = 0
    receipts_lost: int = 0
    connections: int = 0
    connection_failures: int = 0
    sessions_lost: int = 0
    silences: int = 0
    pauses: int = 0
    connected: int = 0
    leading: int = 0
    standing_by: int = 0
    in_flight: int = 0
    last_message_us: int = 0

    def as_dict(self) -> dict[str, int]:
        return {item.name: getattr(self, item.name) for item in fields(self)}
