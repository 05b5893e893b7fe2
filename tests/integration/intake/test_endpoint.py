"""`POST /v1/observations`, one body at a time: who may speak, what is answered, and what no answer promises."""

import asyncio
import gzip
import json
import time
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core import instants
from telemetry.catalog import keys
from telemetry.intake.endpoint import EndpointLimits, ObservationEndpoint
from telemetry.intake.submitting import IntakeLimits
from tests.fixtures.entrances import LIMITS, STAFF_TOKEN, Entrance, part, raw, refusals
from tests.fixtures.intakes import session_of
from tests.fixtures.submissions import FIRST, SECOND

PROBLEM = "application/problem+json"


def refused(answer: httpx.Response, status: int, slug: str) -> dict[str, Any]:
    """The problem details, once they are the expected ones."""
    assert (answer.status_code, answer.headers["content-type"]) == (status, PROBLEM), answer.text
    problem: dict[str, Any] = answer.json()
    assert (problem["type"], problem["status"]) == (f"urn:quantrac:problem:{slug}", status)
    assert problem["instance"] == "/v1/observations"
    assert problem["title"]
    assert problem["detail"]
    assert answer.headers["x-request-id"]
    return problem


# --- Who speaks.


async def test_a_station_is_answered_with_its_receipt(entrance: Entrance) -> None:
    answer = await entrance.post(entrance.packet(COD=48.6, pH=7.2, CODx=1.0))
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    receipt = answer.json()
    assert receipt["station"] == FIRST
    assert receipt["counts"] == {"stored": 2, "duplicate": 0, "conflict": 0, "quarantined": 1, "rejected": 0}
    assert [(entry["index"], entry["symbol"], entry["reason"]) for entry in receipt["readings"]] == [
        (2, "CODx", "unknown-symbol")
    ]
    (kept,) = await entrance.works.receipts()
    assert (kept["id"], kept["sender"], kept["station_id"]) == (receipt["receipt"], entrance.key.partition(".")[0], 1)


@pytest.mark.parametrize(
    "authorization",
    [None, "", "Bearer", "Bearer ", "Basic eDp5", "Bearer nobody", "Bearer st_aaaaaaaa.x", "st_aaaaaaaa.x"],
)
async def test_without_a_known_key_nothing_is_read(entrance: Entrance, authorization: str | None) -> None:
    headers = {"Content-Type": "application/json"}
    if authorization is not None:
        headers["Authorization"] = authorization
    sent = await raw(entrance.endpoint, headers, [])
    assert sent[0]["status"] == 401
    names = dict(sent[0]["headers"])
    assert (names[b"www-authenticate"], names[b"content-type"]) == (b"Bearer", PROBLEM.encode())
    assert await entrance.works.counts() == (0, 0, 0, 0)


async def test_two_credentials_are_none(entrance: Entrance) -> None:
    headers = [("Content-Type", "application/json"), ("Authorization", f"Bearer {entrance.key}")]
    headers.append(("Authorization", "Bearer nobody"))
    for order in (headers, headers[::-1]):
        refused(await entrance.client.post("/v1/observations", content=b"{}", headers=order), 401, "unauthorized")


async def test_a_wrong_secret_and_an_unknown_key_get_the_same_answer(entrance: Entrance) -> None:
    answers = [
        await entrance.post(entrance.packet(COD=1.0), key, X_Request_ID="same")
        for key in (entrance.key[:-1] + "#", "st_zzzzzzzz" + entrance.key[11:], "st_zzzzzzzz")
    ]
    assert len({answer.text for answer in answers}) == 1
    assert {tuple(answer.headers.items()) for answer in answers} == {tuple(answers[0].headers.items())}
    refused(answers[0], 401, "unauthorized")


async def test_a_revoked_key_opens_no_more(entrance: Entrance) -> None:
    assert (await entrance.post(entrance.packet(COD=1.0))).status_code == 200
    await keys.revoke(entrance.works.database, FIRST, entrance.key.partition(".")[0])
    await entrance.works.catalog.refresh()
    refused(await entrance.post(entrance.packet(1, COD=1.0)), 401, "unauthorized")


async def test_a_station_speaks_for_itself_only_whether_the_other_exists_or_not(entrance: Entrance) -> None:
    for station in (SECOND, "TH-NT-999"):
        receipt = (await entrance.post(entrance.packet(0, station, COD=1.0))).json()
        (entry,) = receipt["readings"]
        assert (entry["reason"], entry["expected"]) == ("wrong-station", f"the sender's own station, {FIRST}")
    assert await entrance.works.observations() == []


async def test_a_packet_without_a_station_is_the_senders_own(entrance: Entrance) -> None:
    assert (await entrance.post(entrance.packet(0, None, COD=1.0), entrance.other_key)).status_code == 200
    assert await entrance.works.results() == [(SECOND, "COD", 0, 1.0)]


async def test_the_staff_may_speak_for_any_station(entrance: Entrance) -> None:
    body = [entrance.packet(0, FIRST, COD=1.0), entrance.packet(0, SECOND, COD=2.0)]
    receipt = (await entrance.post(body, STAFF_TOKEN)).json()
    assert (receipt["station"], receipt["counts"]["stored"]) == (None, 2)


async def test_what_is_not_a_post_of_observations_goes_to_the_application(entrance: Entrance) -> None:
    assert (await entrance.client.get("/v1/observations")).json() == {"answered": "by the application"}
    assert (await entrance.client.post("/v1/other", json={})).status_code == 404
    refused = await entrance.client.put("/v1/observations", json={})
    assert (refused.status_code, refused.headers["allow"]) == (405, "GET, POST")
    assert (await entrance.client.put("/v1/other", json={})).status_code == 404


async def test_a_parameter_that_nobody_reads_is_refused(entrance: Entrance) -> None:
    answer = await entrance.post(entrance.packet(COD=1.0), query={"atmoic": "1"})
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:quantrac:problem:unknown-parameter")
    assert answer.json()["errors"] == [
        {"field": "query.atmoic", "found": "a parameter", "expected": "one of atomic, fileName"}
    ]
    assert await entrance.works.observations() == []


# --- Request ids.


async def test_the_callers_request_id_comes_back_when_it_is_harmless(entrance: Entrance) -> None:
    answer = await entrance.post(entrance.packet(COD=1.0), X_Request_ID="station-7-0001")
    assert answer.headers["x-request-id"] == "station-7-0001"
    for hostile in ("a b", "x" * 65, "<script>", "a\tb"):
        assert (await entrance.post(b"[", X_Request_ID=hostile)).headers["x-request-id"] not in {hostile, ""}
    first, second = [(await entrance.post(b"[")).headers["x-request-id"] for _ in range(2)]
    assert first != second


# --- Size and encoding.


async def test_a_body_that_says_it_is_too_large_is_not_read(entrance: Entrance) -> None:
    answer = await entrance.post(b" " * (LIMITS.body_bytes + 1))
    problem = refused(answer, 413, "body-too-large")
    assert answer.headers["connection"] == "close"
    assert problem["errors"][0]["expected"].startswith("at most 20000 bytes")
    headers = entrance.headers() | {"Content-Length": str(10**15)}
    assert (await raw(entrance.endpoint, headers, []))[0]["status"] == 413


@pytest.mark.parametrize("size", [100, 7_000, 20_001])
async def test_a_body_without_a_length_is_cut_off_when_it_gets_too_large(entrance: Entrance, size: int) -> None:
    read = 0

    async def chunks() -> AsyncIterator[bytes]:
        nonlocal read
        for _ in range(10**6):
            read += size
            yield b" " * size

    refused(await entrance.post(chunks()), 413, "body-too-large")
    assert read <= LIMITS.body_bytes + 2 * size


async def test_a_length_that_is_no_number_is_not_believed(entrance: Entrance) -> None:
    headers = entrance.headers() | {"Content-Length": "many"}
    assert (await raw(entrance.endpoint, headers, [part(b" " * 20_001, more=False)]))[0]["status"] == 413


async def test_a_gzip_body_is_inflated_and_kept_as_it_came(entrance: Entrance) -> None:
    body = gzip.compress(json.dumps(entrance.packet(COD=48.6)).encode())
    assert (await entrance.post(body, Content_Encoding="GZip")).json()["counts"]["stored"] == 1
    (kept,) = await entrance.works.receipts()
    assert (kept["raw"], kept["raw_encoding"]) == (body, "gzip")


async def test_a_gzip_bomb_is_refused_quickly_in_bounded_memory(entrance: Entrance) -> None:
    bomb = gzip.compress(b"\0" * 2**24, 9)
    started = time.monotonic()
    refused(await entrance.post(bomb, Content_Encoding="gzip"), 413, "inflated-too-large")
    assert time.monotonic() - started < 1
    nested = gzip.compress(bomb)
    refused(await entrance.post(nested, Content_Encoding="gzip"), 422, "unreadable-submission")


async def test_a_damaged_gzip_body_is_refused_and_leaves_nothing(entrance: Entrance) -> None:
    good = gzip.compress(json.dumps(entrance.packet(COD=48.6)).encode())
    for body in (good[:-3], good + good, good + b"\0", good[:20] + b"\xff" + good[21:], b"", b"no gzip"):
        refused(await entrance.post(body, Content_Encoding="gzip"), 422, "broken-compression")
    assert await entrance.works.counts() == (0, 0, 0, 0)


@pytest.mark.parametrize("content_type", ["application/json", "application/x-ndjson"])
async def test_an_encoding_other_than_gzip_is_refused(entrance: Entrance, content_type: str) -> None:
    answer = await entrance.post(b"{}", content_type=content_type, Content_Encoding="br")
    refused(answer, 415, "unknown-content-encoding")
    assert await entrance.works.counts() == (0, 0, 0, 0)


async def test_a_media_type_without_a_codec_is_refused(entrance: Entrance) -> None:
    problem = refused(await entrance.post(b"x", content_type="image/png"), 415, "unknown-media-type")
    assert problem["errors"][0]["field"] == "Content-Type"


# --- What cannot be read.


async def test_an_unreadable_body_is_kept_in_quarantine_and_the_answer_names_its_receipt(entrance: Entrance) -> None:
    problem = refused(await entrance.post(b'{"station": '), 422, "unreadable-submission")
    (receipt,) = await entrance.works.receipts()
    (entry,) = await entrance.works.quarantine()
    assert problem["receipt"] == receipt["id"] == entry["receipt_id"]
    assert (receipt["raw"], receipt["quarantined"]) == (b'{"station": ', 1)
    assert (entry["reading_index"], entry["reason"], entry["station_id"]) == (None, "unreadable", 1)
    (fault,) = problem["errors"]
    assert (fault["field"], fault["found"], fault["expected"]) == ("body", entry["found"], entry["expected"])


@pytest.mark.parametrize(
    "literal", ["NaN", "Infinity", "-Infinity", "1e400", "-1e400", '"NaN"', '"1e5x"', "true", "null", "[]", "{}"]
)
async def test_what_is_no_number_is_in_no_table_and_its_neighbour_is_stored(entrance: Entrance, literal: str) -> None:
    body = f'{{"phenomenonTime":"{entrance.time()}","readings":[{{"symbol":"COD","result":{literal}}},'
    body += '{"symbol":"pH","result":7.0}]}'
    receipt = (await entrance.post(body.encode())).json()
    assert receipt["counts"] == {"stored": 1, "duplicate": 0, "conflict": 0, "quarantined": 1, "rejected": 0}
    assert await entrance.works.results() == [(FIRST, "pH", 0, 7.0)]


async def test_an_integer_of_400_digits_and_very_deep_nesting_do_no_harm(entrance: Entrance) -> None:
    body = f'{{"phenomenonTime":"{entrance.time()}","readings":{{"COD":{"9" * 400},"pH":7}}}}'
    assert (await entrance.post(body.encode())).json()["counts"]["quarantined"] == 1
    for deep in (b"[" * 19_000, b'{"a":' * 3_900, b"[" * 9_000 + b"]" * 9_000):
        refused(await entrance.post(deep), 422, "unreadable-submission")


@settings(
    derandomize=True,
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.data())
def _mutated(data: st.DataObject) -> None:
    """Collects its examples in `_BODIES`; sending them is the test's work, because it has a loop."""
    body = bytearray(_GOOD)
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(body) - 1))
        piece = data.draw(st.binary(max_size=4) | st.sampled_from([b"\0", b"\\u0000", b"\\ud83d", b"\xc0\x80", b'"']))
        body[at : at + data.draw(st.integers(0, 3))] = piece
    _BODIES.append(bytes(body))


_GOOD = (
    b'{"station":"TH-NT-001","phenomenonTime":"2026-11-23T08:00:00+07:00",'
    b'"readings":[{"symbol":"COD","result":48.6,"unit":"mg/l","status":"00"},{"symbol":"pH","result":7.2}]}'
)
_BODIES: list[bytes] = []


async def test_no_mutation_of_a_body_is_an_error_of_the_server(entrance: Entrance) -> None:
    _BODIES.clear()
    _mutated()
    for body in _BODIES:
        for content_type in ("application/json", "application/x-ndjson", "text/csv"):
            answer = await entrance.post(body, content_type=content_type)
            assert answer.status_code in {200, 422}, (answer.status_code, body)
            if answer.status_code == 200 and content_type != "application/x-ndjson":
                counts = answer.json()["counts"]
                assert sum(counts.values()) >= 1
    for row in await entrance.works.observations():
        assert abs(row["result"]) < 1e100


# --- All or nothing, file names.


async def test_all_or_nothing_by_query(entrance: Entrance) -> None:
    body = entrance.packet(COD=1.0, CODx=2.0)
    for query in ({"atomic": "1"}, {"atomic": "true"}):
        problem = refused(await entrance.post(body, query=query), 422, "not-atomic")
        assert problem["errors"][0]["field"] == "readings.1.symbol"
        (entry,) = problem["readings"]
        assert (entry["index"], entry["outcome"], entry["reason"]) == (1, "rejected", "unknown-symbol")
    assert await entrance.works.counts() == (0, 0, 0, 0)
    whole = await entrance.post(entrance.packet(COD=1.0), query={"atomic": "1"})
    assert (whole.status_code, whole.json()["counts"]["stored"]) == (200, 1)
    part_of_it = await entrance.post(body, query={"atomic": "0"})
    assert part_of_it.json()["counts"]["quarantined"] == 1


async def test_all_or_nothing_of_an_unreadable_body_keeps_nothing(entrance: Entrance) -> None:
    problem = refused(await entrance.post(b"{", query={"atomic": "1"}), 422, "not-atomic")
    assert problem["errors"][0]["field"] == "body"
    assert await entrance.works.counts() == (0, 0, 0, 0)


@pytest.mark.parametrize("value", ["yes", "2", "TRUE", "1;drop"])
async def test_all_or_nothing_is_never_guessed(entrance: Entrance, value: str) -> None:
    problem = refused(await entrance.post(entrance.packet(COD=1.0), query={"atomic": value}), 422, "invalid-request")
    assert problem["errors"] == [{"field": "atomic", "found": value, "expected": "1, true, 0 or false"}]
    assert await entrance.works.counts() == (0, 0, 0, 0)


async def test_a_stream_cannot_be_all_or_nothing(entrance: Entrance) -> None:
    answer = await entrance.post(b"{}", content_type="application/x-ndjson", query={"atomic": "1"})
    refused(answer, 422, "invalid-request")


async def test_the_regulators_file_comes_with_its_name(entrance: Entrance) -> None:
    local = f"{instants.from_us(entrance.works.time_us()).astimezone(instants.VIETNAM):%Y%m%d%H%M%S}"
    body = f"COD\t48.6\tmg/l\t{local}\t00\r\npH\t7.2\t\t{local}\t01\r\n".encode()
    name = f"2026/TH_XYZ_NUO01_{local}.txt"
    receipt = (await entrance.post(body, content_type="text/plain", query={"fileName": name})).json()
    assert receipt["counts"]["stored"] == 2, receipt
    assert (await entrance.works.receipts())[0]["source"] == name
    other = await entrance.post(body, entrance.other_key, content_type="text/plain", query={"fileName": name})
    assert {entry["reason"] for entry in other.json()["readings"]} == {"wrong-station"}


# --- When the database or the queue cannot.


async def test_a_full_queue_is_told_before_the_body_is_read(entrance: Entrance) -> None:
    async with entrance.with_limits(intake=IntakeLimits(queue_rows=1, writers=1)) as endpoint:
        async with session_of(entrance.works.dsn) as operator, operator.transaction():
            await operator.execute("LOCK TABLE receipt IN ACCESS EXCLUSIVE MODE")
            waiting = []
            for minute in range(2):
                # The first is taken by the writer, the second fills the queue.
                waiting.append(asyncio.ensure_future(entrance.post(entrance.packet(minute, COD=1.0))))
                await asyncio.sleep(0.2)
            before = refusals()
            sent = await asyncio.wait_for(raw(endpoint, entrance.headers(), []), 1)
            answer = await entrance.post(entrance.packet(9, COD=1.0))
            assert refusals() - before == {"intake-full": 2}
        assert [response.status_code for response in await asyncio.gather(*waiting)] == [200, 200]
    assert sent[0]["status"] == 503
    refused(answer, 503, "intake-full")
    assert 1 <= int(answer.headers["retry-after"]) <= 5


async def test_a_database_that_does_not_commit_in_time_is_a_503_that_promises_nothing(entrance: Entrance) -> None:
    async with entrance.with_limits(EndpointLimits(answer_seconds=0.4)):
        async with session_of(entrance.works.dsn) as operator, operator.transaction():
            await operator.execute("LOCK TABLE observation IN ACCESS EXCLUSIVE MODE")
            started = time.monotonic()
            answers = await asyncio.gather(*(entrance.post(entrance.packet(n, COD=1.0)) for n in range(5)))
            assert time.monotonic() - started < 3
            for answer in answers:
                refused(answer, 503, "not-committed-in-time")
                assert answer.headers["retry-after"] == "5"
        await asyncio.sleep(1)
        again = await asyncio.gather(*(entrance.post(entrance.packet(n, COD=1.0)) for n in range(5)))
    assert {answer.status_code for answer in again} == {200}
    assert len(await entrance.works.observations()) == 5


async def test_a_body_that_does_not_arrive_is_given_up(entrance: Entrance) -> None:
    endpoint = ObservationEndpoint(entrance.app, EndpointLimits(body_seconds=0.3))
    for begun in ([], [part(b'{"station"')]):
        sent = await asyncio.wait_for(raw(endpoint, entrance.headers(), begun), 5)
        assert sent[0]["status"] == 408
        assert dict(sent[0]["headers"])[b"connection"] == b"close"
        assert json.loads(sent[1]["body"])["type"] == "urn:quantrac:problem:request-timeout"
    assert await entrance.works.counts() == (0, 0, 0, 0)


async def test_a_client_that_leaves_in_the_middle_of_its_body_leaves_nothing(entrance: Entrance) -> None:
    body = json.dumps(entrance.packet(COD=1.0)).encode()
    for begun in ([], [part(body[:30])], [part(body)]):
        sent = await raw(entrance.endpoint, entrance.headers(), [*begun, {"type": "http.disconnect"}])
        assert sent == []
    assert await entrance.works.counts() == (0, 0, 0, 0)


async def test_an_error_of_our_own_is_a_problem_without_internals(entrance: Entrance) -> None:
    await entrance.works.database.execute("ALTER TABLE quarantine RENAME TO elsewhere")
    answer = await entrance.post(entrance.packet(COD=1.0, CODx=1.0))
    problem = refused(answer, 500, "internal-error")
    assert "quarantine" not in answer.text
    assert "relation" not in json.dumps(problem)
    assert await entrance.works.observations() == []


async def test_large_bodies_are_decoded_beside_the_loop(entrance: Entrance) -> None:
    """While a body full of flaws is told apart, the others are answered."""
    reading = '{"symbol":"COD","result":"x"}'
    large = f'{{"phenomenonTime":"{entrance.time()}","readings":[{",".join([reading] * 9_000)}]}}'.encode()
    compressed = gzip.compress(large)
    async with entrance.with_limits(EndpointLimits(answer_seconds=50)):
        slow = [
            asyncio.ensure_future(entrance.post(large)),
            asyncio.ensure_future(entrance.post(compressed, Content_Encoding="gzip")),
        ]
        answers = [await entrance.post(entrance.packet(n, COD=1.0)) for n in range(5)]
        assert {answer.status_code for answer in answers} == {200}
        for answer in await asyncio.gather(*slow):
            assert answer.json()["counts"]["quarantined"] == 9_000
