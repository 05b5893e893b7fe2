"""Denials as the brokers write them into their logs."""

import pytest

from telemetry.mqtt.denials import Denial, read

NATS = '[18257] 2026/11/23 07:11:51.162358 [ERR] 127.0.0.1:57455 - mid:5 - "st_aaaaaaaa" - '


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (
            NATS + 'Publish Violation - Subject "v1.TH-NT-002.observations.a//txt"',
            Denial("st_aaaaaaaa", "publish", "v1/TH-NT-002/observations/a.txt"),
        ),
        (
            NATS + 'Subscription Violation - Subject "v1.*.observations", SID v1.*.observations',
            Denial("st_aaaaaaaa", "subscribe", "v1/*/observations"),
        ),
        (
            "1795417912: Denied PUBLISH from st_aaaaaaaa (d0, q1, r0, m1, 'v1/TH-NT-002/observations', ... (1 bytes))",
            Denial("st_aaaaaaaa", "publish", "v1/TH-NT-002/observations"),
        ),
        ("[18257] 2026/11/23 07:11:50.139359 [INF] Server is ready", None),
        ("1795417912: Client st_aaaaaaaa disconnected.", None),
        ("", None),
    ],
)
def test_a_line_tells_of_a_denial_or_not(line: str, expected: Denial | None) -> None:
    assert read(line) == expected
