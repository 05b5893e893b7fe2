"""A request that came whole is answered in the same way, whether it is taken as an exchange or goes the ASGI way."""

import asyncio
import copy
import gzip
import io
import json
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest
from structlog.testing import capture_logs

from core.throttling import Throttle
from telemetry.admission.admitting import Admission
from telemetry.admission.quotas import Quota, Quotas
from telemetry.admission.sightings import Kind, Sightings
from telemetry.catalog import keys
from telemetry.intake.endpoint import EndpointLimits, ObservationEndpoint
from telemetry.intake.submitting import IntakeLimits
from telemetry.readings import Submission
from tests.fixtures.entrances import STAFF_TOKEN, Answer, Entrance, Offered, part, raw, refusals
from tests.fixtures.intakes import session_of

Way = Callable[[ObservationEndpoint, "Request"], Awaitable[Answer]]


@dataclass(frozen=True)
class Request:
    headers: dict[str, str]
    body: bytes
    query: bytes = b""


@dataclass(frozen=True)
class Case:
    """What is sent in a minute of its own, what was sent in that minute before, and what is answered."""

    name: str
    request: Callable[[Entrance, int], Request]
    status: int
    slug: str = ""
    before: dict[str, Any] | None = None

    def __str__(self) -> str:
        return self.name


def packet(entrance: Entrance, minute: int, **results: Any) -> Request:
    return Request(entrance.headers(), json.dumps(entrance.packet(minute, **results)).encode())


def simple(**results: Any) -> Callable[[Entrance, int], Request]:
    return lambda entrance, minute: packet(entrance, minute, **results)


def altered(**changes: Any) -> Callable[[Entrance, int], Request]:
    """A packet that would be stored, but for these headers, this body or this query."""

    def made(entrance: Entrance, minute: int) -> Request:
        request = packet(entrance, minute, COD=1.0)
        headers = request.headers | {name: value for name, value in changes.items() if name not in {"body", "query"}}
        body = changes.get("body", request.body)
        return Request(headers, body(request.body) if callable(body) else body, changes.get("query", b""))

    return made


def wrong_secret(entrance: Entrance, minute: int) -> Request:
    request = packet(entrance, minute, COD=1.0)
    return replace(request, headers=entrance.headers(entrance.key[:-1] + "#"))


def atomic(**results: Any) -> Callable[[Entrance, int], Request]:
    return lambda entrance, minute: replace(packet(entrance, minute, **results), query=b"atomic=1")


def gzipped(body: bytes) -> bytes:
    return gzip.compress(body)


CASES = [
    Case("stored", simple(COD=1.0, pH=7.0), 200),
    Case("duplicate", simple(COD=1.0, pH=7.0), 200, before={"COD": 1.0}),
    Case("conflict", simple(COD=2.0, pH=7.0), 200, before={"COD": 1.0}),
    Case("quarantined", simple(COD=1.0, CODx=2.0), 200),
    Case("no readings", simple(), 422, "unreadable-submission"),
    Case("unreadable", altered(body=b'{"station": '), 422, "unreadable-submission"),
    Case("empty", altered(body=b""), 422, "unreadable-submission"),
    Case("wrong secret", wrong_secret, 401, "unauthorized"),
    Case("unknown key", altered(Authorization="Bearer st_zzzzzzzz." + "A" * 43), 401, "unauthorized"),
    Case("half a key", altered(Authorization="Bearer st_"), 401, "unauthorized"),
    Case("unknown parameter", altered(query=b"atmoic=1"), 422, "unknown-parameter"),
    Case("bad flag", altered(query=b"atomic=perhaps"), 422, "invalid-request"),
    Case("atomic", atomic(COD=1.0, pH=7.0), 200),
    Case("atomic with a duplicate", atomic(COD=1.0, pH=7.0), 200, before={"COD": 1.0}),
    Case("atomic refused", atomic(COD=1.0, CODx=2.0), 422, "not-atomic"),
    Case("atomic in conflict", atomic(COD=2.0, pH=7.0), 422, "not-atomic", before={"COD": 1.0}),
    Case("atomic unreadable", altered(body=b"{", query=b"atomic=1"), 422, "not-atomic"),
    Case("media type", altered(**{"Content-Type": "image/png"}), 415, "unknown-media-type"),
    Case("encoding", altered(**{"Content-Encoding": "br"}), 415, "unknown-content-encoding"),
    Case("gzip", altered(**{"Content-Encoding": "gzip"}, body=gzipped), 200),
    Case("broken gzip", altered(**{"Content-Encoding": "gzip"}, body=b"no gzip"), 422, "broken-compression"),
    Case(
        "gzip too large",
        altered(**{"Content-Encoding": "gzip"}, body=gzip.compress(b" " * 200_000)),
        413,
        "inflated-too-large",
    ),
]


async def taken(endpoint: ObservationEndpoint, request: Request) -> Answer:
    exchange = Offered(request.headers, request.body, request.query)
    assert endpoint.take(exchange)
    return await exchange.answered()


async def called(endpoint: ObservationEndpoint, request: Request) -> Answer:
    start, body = await raw(endpoint, request.headers, [part(request.body, more=False)], request.query)
    assert not body.get("more_body")
    return start["status"], start["headers"], body["body"]


def comparable(answer: Answer) -> tuple[int, list[tuple[bytes, bytes]], dict[str, Any]]:
    """Status, headers and document without what is another each time."""
    status, headers, body = answer
    names = [name for name, _ in headers]
    assert len(set(names)) == len(names)
    assert dict(headers)[b"content-length"] == b"%d" % len(body)
    assert dict(headers)[b"x-request-id"]
    document = json.loads(body)
    if "receipt" in document:
        assert document.pop("receipt") > 0
    document.pop("receivedTime", None)
    kept = [
        (name, b"" if name in {b"content-length", b"x-request-id", b"retry-after"} else value)
        for name, value in headers
    ]
    return status, kept, document


@dataclass
class Effect:
    """What an answer looked like, and what was counted, written and logged for it."""

    answer: tuple[int, list[tuple[bytes, bytes]], dict[str, Any]]
    refused: Counter[str]
    rows: list[int]
    logged: list[str]


async def effect(entrance: Entrance, way: Way, request: Request, endpoint: ObservationEndpoint | None = None) -> Effect:
    rows, refused = await entrance.works.counts(), refusals()
    with capture_logs() as events:
        answer = comparable(await way(endpoint or entrance.endpoint, request))
    now = await entrance.works.counts()
    written = [after - before for after, before in zip(now, rows, strict=True)]
    return Effect(answer, refusals() - refused, written, [event["event"] for event in events])


async def alike(
    entrance: Entrance, request: Callable[[int], Request], endpoint: ObservationEndpoint | None = None
) -> Effect:
    """Send a request both ways, each time in a minute of its own; what came of it, which is the same."""
    first = await effect(entrance, taken, request(1), endpoint)
    second = await effect(entrance, called, request(2), endpoint)
    assert first == second
    return first


def refused(found: Effect, status: int, slug: str) -> dict[bytes, bytes]:
    """The headers, once it is the expected problem."""
    answered, headers, document = found.answer
    assert (answered, document["type"]) == (status, f"urn:quantrac:problem:{slug}")
    assert found.refused == {slug: 1}
    return dict(headers)


@pytest.mark.parametrize("case", CASES, ids=str)
async def test_both_ways_lead_to_the_same_answer(entrance: Entrance, case: Case) -> None:
    if case.before is not None:
        for minute in (1, 2):
            assert (await entrance.post(entrance.packet(minute, **case.before))).status_code == 200
    found = await alike(entrance, lambda minute: case.request(entrance, minute))
    assert found.answer[0] == case.status
    if case.status == 200:
        assert (found.refused, found.rows[1]) == ({}, 1)
        return
    headers = refused(found, case.status, case.slug)
    assert (b"connection" in headers) == (case.status == 413)
    assert (b"www-authenticate" in headers) == (case.status == 401)
    # An unreadable body is kept, under the receipt that the answer names.
    assert found.rows == ([0, 1, 1, 0] if case.slug == "unreadable-submission" else [0, 0, 0, 0])


async def test_the_answer_names_the_receipt_under_which_a_taken_body_is_kept(entrance: Entrance) -> None:
    _, _, stored = await taken(entrance.endpoint, packet(entrance, 1, COD=1.0))
    _, _, unreadable = await taken(entrance.endpoint, Request(entrance.headers(), b"{"))
    kept = await entrance.works.receipts()
    assert [json.loads(body)["receipt"] for body in (stored, unreadable)] == [row["id"] for row in kept]
    assert kept[1]["raw"] == b"{"
    assert (await entrance.works.results())[0][2:] == (1, 1.0)


async def test_a_request_id_comes_back_both_ways(entrance: Entrance) -> None:
    request = packet(entrance, 1, COD=1.0)
    request.headers["X-Request-ID"] = "station-7-0001"
    for way in (taken, called):
        _, headers, _ = await way(entrance.endpoint, request)
        assert dict(headers)[b"x-request-id"] == b"station-7-0001"


async def test_a_revoked_key_opens_no_more_either_way(entrance: Entrance) -> None:
    await keys.revoke(entrance.works.database, "TH-NT-001", entrance.key.partition(".")[0])
    await entrance.works.catalog.refresh()
    refused(await alike(entrance, lambda minute: packet(entrance, minute, COD=1.0)), 401, "unauthorized")


async def test_too_many_wrong_keys_are_told_to_wait_either_way(entrance: Entrance) -> None:
    entrance.app.state.throttle = Throttle(1, 1, 0)
    await taken(entrance.endpoint, wrong_secret(entrance, 0))
    found = await alike(entrance, lambda minute: wrong_secret(entrance, minute))
    assert b"retry-after" in refused(found, 429, "too-many-failures")


async def test_who_sends_too_much_waits_either_way(entrance: Entrance) -> None:
    catalog, sightings = entrance.works.catalog, Sightings()
    quotas = Quotas(catalog, Quota(requests=1, burst_minutes=1), time.monotonic)
    entrance.app.state.gate = Admission(catalog, quotas, sightings)
    for _ in range(2):
        assert (await taken(entrance.endpoint, packet(entrance, 0, COD=1.0)))[0] == 200
    found = await alike(entrance, lambda minute: packet(entrance, minute, COD=1.0))
    assert b"retry-after" in refused(found, 429, "quota-exceeded")
    (seen,) = sightings.drain().oddities
    assert (seen.kind, seen.times) == (Kind.OVER_QUOTA, 2)


async def test_a_full_queue_is_told_either_way(entrance: Entrance) -> None:
    async with entrance.with_limits(intake=IntakeLimits(queue_rows=1, writers=1)) as endpoint:
        async with session_of(entrance.works.dsn) as operator, operator.transaction():
            await operator.execute("LOCK TABLE receipt IN ACCESS EXCLUSIVE MODE")
            waiting = []
            for minute in (11, 12):
                # The first is taken by the writer, the second fills the queue.
                waiting.append(asyncio.ensure_future(taken(endpoint, packet(entrance, minute, COD=1.0))))
                await asyncio.sleep(0.2)
            before = refusals()
            answers = [await way(endpoint, packet(entrance, 1, COD=1.0)) for way in (taken, called)]
            assert refusals() - before == {"intake-full": 2}
        assert [status for status, _, _ in await asyncio.gather(*waiting)] == [200, 200]
    assert comparable(answers[0]) == comparable(answers[1])
    for status, headers, _ in answers:
        assert status == 503
        assert 1 <= int(dict(headers)[b"retry-after"]) <= 5


async def test_what_is_not_committed_in_time_is_told_either_way(entrance: Entrance) -> None:
    async with entrance.with_limits(EndpointLimits(answer_seconds=0.4)) as endpoint:
        async with session_of(entrance.works.dsn) as operator, operator.transaction():
            await operator.execute("LOCK TABLE observation IN ACCESS EXCLUSIVE MODE")
            before = refusals()
            answers = [await way(endpoint, packet(entrance, 1, COD=1.0)) for way in (taken, called)]
            assert refusals() - before == {"not-committed-in-time": 2}
        assert comparable(answers[0]) == comparable(answers[1])
        for status, headers, _ in answers:
            assert (status, dict(headers)[b"retry-after"]) == (503, b"5")
        # It promised nothing; the same bytes are taken afterwards.
        assert (await taken(endpoint, packet(entrance, 1, COD=1.0)))[0] == 200
    assert await entrance.works.results() == [("TH-NT-001", "COD", 1, 1.0)]


async def test_a_failure_that_nobody_expected_is_logged_and_told_either_way(
    entrance: Entrance, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*_: object) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr(entrance.app.state.intake, "put", failing)
    found = await alike(entrance, lambda minute: packet(entrance, minute, COD=1.0))
    refused(found, 500, "internal-error")
    assert found.logged == ["observations.failed"]
    assert "broken" not in json.dumps(found.answer[2])


async def test_a_group_that_fails_is_logged_and_told_either_way(entrance: Entrance) -> None:
    await entrance.works.database.execute("ALTER TABLE quarantine RENAME TO elsewhere")
    request = packet(entrance, 1, COD=1.0, CODx=1.0)
    with capture_logs() as events:
        answers = [comparable(await way(entrance.endpoint, request)) for way in (taken, called)]
    assert answers[0] == answers[1]
    assert answers[0][0] == 500
    assert [event["event"] for event in events] == ["intake.group_failed", "observations.failed"] * 2


async def test_what_is_logged_of_a_failed_group_does_not_grow_with_it(
    entrance: Entrance, log_stream: io.StringIO
) -> None:
    """Every submission of the group is told the same error; its traceback is that of the error, not of the others."""
    await entrance.works.database.execute("ALTER TABLE quarantine RENAME TO elsewhere")
    request = packet(entrance, 1, COD=1.0, CODx=1.0)
    answers = await asyncio.gather(*(taken(entrance.endpoint, request) for _ in range(50)))
    assert {status for status, _, _ in answers} == {500}
    lines = [json.loads(line) for line in log_stream.getvalue().splitlines()]
    tracebacks = [line["exception"] for line in lines if line["event"] == "observations.failed"]
    assert len(tracebacks) == 50
    # Those of a first group of one may be shorter than those of the second.
    assert max(map(len, tracebacks)) < 2 * min(map(len, tracebacks))


async def test_many_that_are_taken_at_once_are_answered_each_with_its_own(entrance: Entrance) -> None:
    requests = [packet(entrance, minute, COD=float(minute)) for minute in range(60)]
    answers = await asyncio.gather(
        *((taken if minute % 2 else called)(entrance.endpoint, request) for minute, request in enumerate(requests))
    )
    assert {status for status, _, _ in answers} == {200}
    receipts = [json.loads(body)["receipt"] for _, _, body in answers]
    assert len(set(receipts)) == 60
    raws = {row["id"]: row["raw"] for row in await entrance.works.receipts()}
    assert [raws[receipt] for receipt in receipts] == [request.body for request in requests]


# What is left to the ASGI way.


@pytest.mark.parametrize(
    ("changes", "members"),
    [
        ({}, {"method": "GET"}),
        ({}, {"method": "PUT"}),
        ({}, {"path": "/v1/observations/"}),
        ({}, {"path": "/v1/stations"}),
        ({"Authorization": ""}, {}),
        ({"Authorization": f"Bearer {STAFF_TOKEN}"}, {}),
        ({"Authorization": "Basic c3RfYQ=="}, {}),
        ({"Content-Type": "application/x-ndjson"}, {}),
        ({"Content-Type": "Application/JSONL; charset=utf-8"}, {}),
        ({"body": b" " * 20_001}, {}),
        ({"body": b" " * 8_193, "Content-Encoding": "gzip"}, {}),
    ],
)
async def test_what_is_not_the_short_packet_of_a_station_is_left_alone(
    entrance: Entrance, monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any], members: dict[str, Any]
) -> None:
    put: list[Submission] = []
    monkeypatch.setattr(entrance.app.state.intake, "put", put.append)
    request = altered(**changes)(entrance, 1)
    exchange = Offered(request.headers, request.body, **members)
    before = copy.deepcopy(exchange.scope), refusals()
    assert entrance.endpoint.take(exchange) is False
    await asyncio.sleep(0.05)
    assert (exchange.scope, refusals()) == before
    assert (exchange.is_answered, put) == (False, [])
    assert await entrance.works.counts() == (0, 0, 0, 0)


async def test_two_credentials_are_not_taken(entrance: Entrance) -> None:
    request = packet(entrance, 1, COD=1.0)
    exchange = Offered(request.headers, request.body)
    exchange.scope["headers"] += [(b"authorization", b"Bearer nobody")]
    assert entrance.endpoint.take(exchange) is False
    exchange.scope["headers"].reverse()
    assert entrance.endpoint.take(exchange) is False
