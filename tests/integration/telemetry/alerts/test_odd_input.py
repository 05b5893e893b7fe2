"""Nothing that anybody can send about alerts that are there is answered with a server's error, or half done."""

from typing import Any

from core import instants
from tests.fixtures.alerts import Office
from tests.fixtures.applications import TOKEN

# As bytes, because no client would write some of them.
_TEXTS = [
    b'"\\u0000"',
    b'"\\ud800"',
    b'"a\\udfffb"',
    b'"\\u202e\\u2066"',
    b'"' + b"x" * 100_000 + b'"',
    b'"' + "đ̛".encode() * 300 + b'"',
    b"1e400",
    b"NaN",
    b"null",
    b"true",
    b"[]",
    b"{}",
    b"-0",
]
_TIMES = [
    b'"0001-01-01T00:00:00Z"',
    b'"9999-12-31T23:59:59.999999-14:00"',
    b'"2200-12-31T23:59:59Z"',
    b'"2026-11-23"',
    b'"2026-11-23T08:00:00"',
    b"1767225600",
    b"1e308",
    b"null",
]


async def _status(office: Office, method: str, path: str, content: bytes | None = None, match: str = "*") -> int:
    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
    if match:
        headers["If-Match"] = match
    answer = await office.gateway.client.request(method, path, content=content, headers=headers)
    assert answer.status_code < 500, (method, path, content, answer.text)
    if answer.status_code >= 400:
        assert answer.headers["content-type"] == "application/problem+json"
    return answer.status_code


async def test_whatever_is_sent_about_an_alert_is_taken_or_refused(office: Office) -> None:
    alert = await office.raise_one()
    path = f"/v1/alerts/{alert.id}"
    done = 0
    for move, member in (
        ("acknowledge", b"comment"),
        ("comments", b"text"),
        ("assignee", b"assignee"),
        ("unshelve", b"reason"),
        ("clear", b"reason"),
        ("reraise", b"reason"),
    ):
        for text in _TEXTS:
            done += await _status(office, "POST", f"{path}/{move}", b'{"%b":%b}' % (member, text)) == 200
    for text in (*_TEXTS, b'"x"'):
        for time in _TIMES:
            done += await _status(office, "POST", f"{path}/shelve", b'{"reason":%b,"until":%b}' % (text, time)) == 200
    for body in (b"", b"{", b"[]", b'"x"', b"\xff\xfe", b'{"text":"a","text":"b"}', b"[" * 10_000):
        done += await _status(office, "POST", f"{path}/comments", body) == 200
    for match in ("", '"0"', "W/x", '"99999999999"', "*, *", '"1"' * 100):
        done += await _status(office, "POST", f"{path}/acknowledge", b"{}", match) == 200
    assert len(await office.moves(alert.id)) == 1 + done, "what was taken is in the timeline, what was refused is not"
    assert (await office.alert(alert.id)).revision == 1 + done


async def test_whatever_is_sent_about_windows_and_rules_is_taken_or_refused(office: Office) -> None:
    now = instants.text(instants.now()).encode()
    for text in _TEXTS:
        for member in (b"kind", b"station", b"symbol", b"reason", b"standards", b"tolerance", b"from", b"to", b"draft"):
            members = {
                b"kind": b'"calibration"',
                b"station": b'"TH-NT-001"',
                b"from": b'"%b"' % now,
                b"to": b'"2027-01-01T00:00:00Z"',
                b"reason": b'"x"',
            } | {member: text}
            body = b"{" + b",".join(b'"%b":%b' % item for item in members.items()) + b"}"
            await _status(office, "POST", "/v1/windows", body)
        for member in (b"kind", b"station", b"symbol", b"parameters", b"source", b"raiseAfterSeconds", b"hysteresis"):
            members = {b"kind": b'"tendency"', b"severity": b'"notice"'} | {member: text}
            body = b"{" + b",".join(b'"%b":%b' % item for item in members.items()) + b"}"
            await _status(office, "POST", "/v1/alert-rules", body)
        body = b'{"kind":"tendency","severity":"notice","parameters":{"share":%b}}' % text
        await _status(office, "POST", "/v1/alert-rules", body)
        body = b'{"kind":"tendency","severity":"notice","parameters":{%b:1}}' % (text if text[:1] == b'"' else b'"x"')
        await _status(office, "POST", "/v1/alert-rules", body)


async def test_whatever_is_asked_for_is_answered(office: Office) -> None:
    await office.raise_one()
    odd: list[Any] = ["%00", "%ED%A0%80", "%FF", "'", "--", "x" * 5_000, "-1", "9" * 40, "1.0", "true", "", "*"]
    for value in odd:
        for parameter in (
            *("state", "kind", "severity", "station", "organization", "symbol", "from", "to"),
            *("historical", "muted", "assignee", "cursor", "limit", "format"),
        ):
            await _status(office, "GET", f"/v1/alerts?{parameter}={value}")
        for parameter in ("station", "kind", "state", "from", "to", "cursor", "limit"):
            await _status(office, "GET", f"/v1/windows?{parameter}={value}")
        for parameter in ("station", "kind", "stationKind", "symbol"):
            await _status(office, "GET", f"/v1/alert-rules?{parameter}={value}")
        await _status(office, "GET", f"/v1/alert-rules/effective?station=TH-NT-001&symbol={value}")
        await _status(office, "GET", f"/v1/alert-rules/effective?station={value}")
        await _status(office, "GET", f"/v1/alerts/counts?organization={value}")
        if value:
            for path in ("alerts", "windows", "alert-rules"):
                await _status(office, "GET", f"/v1/{path}/{value}")
                await _status(office, "DELETE", f"/v1/{path}/{value}")
