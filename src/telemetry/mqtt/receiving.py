"""Turns a message into a submission, whatever a station may send; what says nothing goes to quarantine."""

import hashlib
from collections.abc import Callable

import structlog

from core import errors, instants
from telemetry.catalog.snapshot import Snapshot
from telemetry.intake import reception
from telemetry.mqtt import topics
from telemetry.mqtt.acknowledging import Delivery
from telemetry.readings import Channel, Decoded, Flaw, Reason, Submission

_log = structlog.get_logger(__name__)

_GZIP = b"\x1f\x8b"


class Receiver:
    """Receives in the name of the topic's station, the only one that a message may speak for.

    The broker lets a key publish on the topics of its own station alone; which of its keys it was is not told. A
    station all of whose keys were revoked or have expired is not believed, whatever the broker still lets through.
    """

    def __init__(self, snapshot: Callable[[], Snapshot], *, inflated_cap: int) -> None:
        self._snapshot = snapshot
        self._inflated_cap = inflated_cap

    def __call__(self, delivery: Delivery) -> Submission:
        source = topics.parse(delivery.topic)
        station = self._snapshot().stations.get(source.station) if source else None
        if source is None or station is None:
            flaw = Flaw(
                None,
                Reason.UNKNOWN_STATION,
                field="topic",
                found=delivery.topic[:200],
                expected="v1/<code of a station in the catalogue>/observations, with or without a file name",
            )
            return _put_away(delivery, flaw, sender="mqtt")
        if not self._snapshot().may_report(station.id, instants.now_us()):
            # The broker closes such a connection within seconds; what it had acknowledged before is kept for the staff.
            flaw = Flaw(
                None,
                Reason.NO_LIVE_KEY,
                field="topic",
                found=delivery.topic[:200],
                expected="a station one of whose keys is neither revoked nor expired",
                station_id=station.id,
            )
            return _put_away(delivery, flaw, sender=f"mqtt:{station.code}", station_id=station.id, station=station.code)
        form = reception.Form(
            content_type=delivery.content_type,
            # gzip is known by its first two bytes, which begin no text.
            content_encoding="gzip" if delivery.payload.startswith(_GZIP) else None,
            file_name=source.file_name,
            source=delivery.topic,
            sniffed=delivery.content_type is None,
        )
        speaker = reception.Speaker(
            sender=f"mqtt:{station.code}", station_id=station.id, station=station.code, file_code=station.file_code
        )
        try:
            return reception.receive(
                delivery.payload,
                form,
                speaker,
                Channel.MQTT,
                delivery.received_us,
                inflated_cap=self._inflated_cap,
            )
        except errors.Error as error:
            return _put_away(delivery, _told(error), sender=speaker.sender, station_id=station.id, station=station.code)
        except Exception as error:  # noqa: BLE001 - nobody else is there to be told; the bytes are kept as evidence
            _log.exception("mqtt.codec_failed", topic=delivery.topic)
            flaw = _unreadable("body", type(error).__name__, "a body that the codec can read")
            return _put_away(delivery, flaw, sender=speaker.sender, station_id=station.id, station=station.code)


def _unreadable(field: str, found: str, expected: str) -> Flaw:
    return Flaw(None, Reason.UNREADABLE, field=field, found=found, expected=expected)


def _told(error: errors.Error) -> Flaw:
    """What HTTP would have answered 4xx, as a flaw of the whole message."""
    if error.faults:
        fault = error.faults[0]
        return _unreadable(fault.field, fault.found, fault.expected)
    return _unreadable("body", error.slug, error.detail)


def _put_away(
    delivery: Delivery, flaw: Flaw, *, sender: str, station_id: int | None = None, station: str | None = None
) -> Submission:
    """A submission that holds no reading, only its bytes and what is wrong with them."""
    return Submission(
        channel=Channel.MQTT,
        format="unknown",
        raw=delivery.payload[: reception.KEPT_OF_UNREADABLE],
        raw_length=len(delivery.payload),
        sha256=hashlib.sha256(delivery.payload).digest(),
        sender=sender,
        received_us=delivery.received_us,
        decoded=Decoded((), (flaw,), 1),
        station_id=station_id,
        station=station,
        source=delivery.topic[:300],
    )
