"""How what travels through ingestion is written."""

from telemetry.codecs.packets import STATUSES
from telemetry.readings import DeviceStatus, status_text


def test_a_device_status_is_written_as_it_is_read() -> None:
    assert [status_text(status) for status in DeviceStatus] == ["00", "01", "02"]
    assert all(STATUSES[status_text(status)] == status for status in DeviceStatus)
