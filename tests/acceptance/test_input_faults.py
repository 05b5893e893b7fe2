"""Bodies that no station should send, against the running gateway: never a 5xx, good neighbours are stored.

What each codec makes of each kind of nonsense is told by its own tests; these hold the whole way to it, from the socket
to the tables, with the memory of the process.
"""

import asyncio
import gzip
import itertools
import json
import select
import socket
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core import instants
from tests.fixtures.invariants import MIB, Vitals, assert_logs_give_nothing_away, one_row_a_key
from tests.fixtures.ledger import STAFF_TOKEN, Centre

pytestmark = pytest.mark.fault
STATION, OTHER = "TH-NT-001", "TH-NT-002"
PATH = "/v1/observations"
JSON, NDJSON, ROWS, CSV = "application/json", "application/x-ndjson", "text/tab-separated-values", "text/csv"
_minutes = itertools.count(1)
# Above this, memory grew with what was sent and not with what is allowed.
GROWN = 80 * MIB


def a_time() -> str:
    """A time of its own for each packet, some days ago."""
    day = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=3)
    return instants.text(day - timedelta(minutes=next(_minutes)))


@pytest.fixture(scope="module")
def client(standing_centre: Centre) -> Iterator[httpx.Client]:
    """A station with its key."""
    headers = {"Authorization": f"Bearer {standing_centre.credentials[STATION]}"}
    with httpx.Client(base_url=standing_centre.url, headers=headers, timeout=60, trust_env=False) as opened:
        yield opened


def post(client: httpx.Client, body: bytes, kind: str = JSON, **headers: str) -> httpx.Response:
    answer = client.post(PATH, content=body, headers={"Content-Type": kind, **headers})
    assert answer.status_code < 500, (answer.text, body[:300])
    if answer.is_error:
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["status"] == answer.status_code
    return answer


def packet(time: str | None = None, **results: Any) -> dict[str, Any]:
    return {"station": STATION, "phenomenonTime": time or a_time(), "readings": results}


async def stored(centre: Centre, time: str) -> dict[str, float]:
    """Results at this time, by symbol."""
    rows = await centre.database.fetch(
        "SELECT p.symbol, o.result FROM observation o JOIN datastream d ON d.id = o.datastream_id"
        " JOIN station s ON s.id = d.station_id JOIN observed_property p ON p.id = d.observed_property_id"
        " WHERE s.code = $1 AND o.phenomenon_time = $2::timestamptz",
        STATION,
        datetime.fromisoformat(time),
    )
    return {row["symbol"]: row["result"] for row in rows}


async def assert_tables_are_sound(centre: Centre) -> None:
    """No value that is no number, one row a key, and nothing under a station that did not send."""
    assert await centre.database.fetchval("SELECT count(*) FROM observation WHERE result - result <> 0") == 0
    assert await one_row_a_key(centre.database)
    senders = await centre.database.fetch(
        "SELECT DISTINCT s.code FROM observation o JOIN datastream d ON d.id = o.datastream_id"
        " JOIN station s ON s.id = d.station_id"
    )
    assert {row["code"] for row in senders} <= {STATION}
    assert_logs_give_nothing_away(centre)


NONSENSE = {
    "nothing": b"",
    "bytes": bytes(range(256)),
    "a truncated packet": json.dumps(packet(pH=7.0)).encode()[:-9],
    "not UTF-8": b'{"station":"\xff\xfe","phenomenonTime":"2026-11-23T08:00:00Z","readings":{"pH":7}}',
    "deep arrays": b"[" * 100_000 + b"]" * 100_000,
    "deep objects": b'{"readings":' * 100_000 + b"1" + b"}" * 100_000,
    "deep and never closed": b'[{"readings":' * 50_000,
    "a scalar": b"17",
    "null": b"null",
    "many nulls": b"[" + b"null," * 50_000 + b"null]",
    "a long name": b'{"' + b"x" * 2_000_000 + b'":1}',
}


@pytest.mark.parametrize("name", NONSENSE)
async def test_nonsense_is_refused_and_kept_in_quarantine(
    client: httpx.Client, standing_centre: Centre, name: str
) -> None:
    for kind in (JSON, NDJSON, CSV, ROWS):
        answer = post(client, NONSENSE[name], kind)
        if answer.status_code == 200 and kind != NDJSON:
            assert answer.json()["counts"]["stored"] == 0
        if answer.status_code == 422 and "receipt" in answer.json():
            kept = await standing_centre.database.fetchval(
                "SELECT count(*) FROM quarantine WHERE receipt_id = $1", answer.json()["receipt"]
            )
            assert kept == 1


SEEDS = [
    (JSON, json.dumps([packet(pH=7.1, COD=40.5), packet(TSS=20)]).encode()),
    (
        JSON,
        json.dumps(
            {"station": STATION, "phenomenonTime": [a_time(), a_time()], "results": {"COD": [1.5, None], "pH": [7, 8]}}
        ).encode(),
    ),
    (NDJSON, b"\n".join(json.dumps(packet(pH=7.1, COD=number)).encode() for number in range(4))),
    (ROWS, b"COD\t48.6\tmg/l\t20261120080000\t00\npH\t7.21\t\t20261120080000\t00\n"),
    (CSV, b"phenomenonTime,COD [mg/l],pH\n2026-11-20T08:00:00+07:00,48.6,7.21\n"),
]
_PIECES = [b"\x00", b"\xff", b"\\ud800", b"NaN", b"1e400", b"-", b'"', b"{", b"]", b",", b"\r\n", b"9" * 400, b"\t"]
_SPOILS = st.tuples(
    st.sampled_from(["cut", "drop", "insert", "replace", "double"]),
    st.floats(0, 1, exclude_max=True),
    st.integers(1, 30),
    st.one_of(st.sampled_from(_PIECES), st.binary(min_size=1, max_size=8)),
)


def spoiled(body: bytes, how: str, place: float, length: int, piece: bytes) -> bytes:
    """The body with one thing done to it at a place."""
    at = int(place * len(body))
    match how:
        case "cut":
            return body[:at]
        case "drop":
            return body[:at] + body[at + length :]
        case "insert":
            return body[:at] + piece + body[at:]
        case "replace":
            return body[:at] + piece + body[at + len(piece) :]
        case _:
            return body[:at] + body[at : at + length] * 2 + body[at + length :]


@settings(max_examples=150, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(seed=st.sampled_from(SEEDS), spoils=st.lists(_SPOILS, min_size=1, max_size=3))
def test_spoiled_bytes_are_answered_in_every_format(
    client: httpx.Client, seed: tuple[str, bytes], spoils: list[tuple[str, float, int, bytes]]
) -> None:
    kind, body = seed
    for spoil in spoils:
        body = spoiled(body, *spoil)
    answer = post(client, body, kind)
    assert answer.status_code in {200, 400, 403, 413, 422}
    if kind == NDJSON and answer.status_code == 200:
        last = json.loads(answer.text.splitlines()[-1])
        assert "complete" in last


async def test_after_spoiled_bytes_the_tables_are_sound(client: httpx.Client, standing_centre: Centre) -> None:
    time = a_time()
    assert post(client, json.dumps(packet(time, pH=7.5)).encode()).json()["counts"]["stored"] == 1
    assert await stored(standing_centre, time) == {"pH": 7.5}
    await assert_tables_are_sound(standing_centre)


LITERALS = ["NaN", "Infinity", "-Infinity", "1e400", "-1e400", '"NaN"', "true", '"1e5000"', "9" * 400, "[1]", "{}"]


@pytest.mark.parametrize("literal", LITERALS, ids=lambda text: text[:12])
async def test_what_is_no_finite_number_is_never_stored_and_its_neighbours_are(
    client: httpx.Client, standing_centre: Centre, literal: str
) -> None:
    time = a_time()
    body = json.dumps(packet(time, pH=7.25, COD=0, TSS=21)).replace('"COD": 0', f'"COD": {literal}').encode()
    answer = post(client, body)
    assert answer.status_code == 200, answer.text
    assert answer.json()["counts"]["quarantined"] == 1
    assert await stored(standing_centre, time) == {"pH": 7.25, "TSS": 21}


async def test_mismatches_go_to_quarantine_with_their_reason_and_are_not_converted(
    client: httpx.Client, standing_centre: Centre
) -> None:
    time = a_time()
    readings = [
        {"symbol": "COD", "result": 48.6, "unit": "µg/l"},
        {"symbol": "XYZ", "result": 1},
        {"symbol": "pH", "result": 99},
        {"symbol": "TSS", "result": 30, "status": "77"},
        {"symbol": "Temp", "result": 25},
    ]
    document = {"station": STATION, "phenomenonTime": time, "readings": readings}
    answer = post(client, json.dumps(document).encode()).json()
    reasons = {each["index"]: each["reason"] for each in answer["readings"]}
    assert reasons == {0: "unit-mismatch", 1: "unknown-symbol", 2: "out-of-range", 3: "unknown-status"}
    assert await stored(standing_centre, time) == {"Temp": 25}


async def test_a_packet_of_another_station_is_not_stored_under_either(
    client: httpx.Client, standing_centre: Centre
) -> None:
    time = a_time()
    good, foreign = packet(time, pH=7.0), packet(time, COD=40.0) | {"station": OTHER}
    answer = post(client, json.dumps([good, foreign]).encode())
    assert answer.json()["readings"][0]["reason"] == "wrong-station"
    assert await stored(standing_centre, time) == {"pH": 7.0}
    await assert_tables_are_sound(standing_centre)


async def test_the_same_bytes_sent_two_hundred_times_at_once_are_one_row(standing_centre: Centre) -> None:
    time = a_time()
    body = json.dumps([packet(time, pH=7.0, COD=40.5), packet(time, COD=40.5)]).encode()
    headers = {"Authorization": f"Bearer {standing_centre.credentials[STATION]}", "Content-Type": JSON}
    limits = httpx.Limits(max_connections=32)
    async with httpx.AsyncClient(
        base_url=standing_centre.url, headers=headers, limits=limits, timeout=60, trust_env=False
    ) as many:
        answers = await asyncio.gather(*(many.post(PATH, content=body) for _ in range(200)))
    assert {answer.status_code for answer in answers} == {200}
    counts = [answer.json()["counts"] for answer in answers]
    assert sum(count["stored"] for count in counts) == 2
    assert sum(count["duplicate"] for count in counts) == 200 * 3 - 2
    assert await stored(standing_centre, time) == {"pH": 7.0, "COD": 40.5}


async def test_the_first_value_of_a_key_stays_and_the_second_is_kept_beside_it(
    client: httpx.Client, standing_centre: Centre
) -> None:
    time = a_time()
    assert post(client, json.dumps(packet(time, COD=40.5)).encode()).json()["counts"]["stored"] == 1
    for other in (41.5, 41.5, 42.5):
        again = post(client, json.dumps(packet(time, COD=other)).encode()).json()
        assert again["counts"]["conflict"] == 1
    assert await stored(standing_centre, time) == {"COD": 40.5}
    kept = await standing_centre.database.fetch(
        "SELECT result FROM reading_conflict WHERE phenomenon_time = $1 ORDER BY result", datetime.fromisoformat(time)
    )
    assert [row["result"] for row in kept] == [41.5, 42.5]


async def test_a_captured_request_that_is_played_back_changes_nothing(
    client: httpx.Client, standing_centre: Centre
) -> None:
    month_ago = instants.text(datetime.now(UTC).replace(microsecond=0) - timedelta(days=30))
    body = json.dumps(packet(month_ago, pH=7.0, COD=40.5)).encode()
    assert post(client, body).json()["counts"]["stored"] == 2
    rows = await standing_centre.database.fetchval("SELECT count(*) FROM observation")
    assert post(client, body).json()["counts"] == {
        "stored": 0, "duplicate": 2, "conflict": 0, "quarantined": 0, "rejected": 0,
    }  # fmt: skip
    assert await standing_centre.database.fetchval("SELECT count(*) FROM observation") == rows


TIMES = [
    "1970-01-01T00:00:00Z",
    "2038-01-19T03:14:08Z",
    "9999-12-31T23:59:59Z",
    "0001-01-01T00:00:00Z",
    "2026-11-20T08:00:00",
    "2026-06-30T23:59:60Z",
    "2026-11-20T08:00:00+99:00",
    "+292277026596-12-04T15:30:08Z",
    "yesterday",
    1767225600,
]


async def test_times_that_cannot_be_go_to_quarantine_and_open_no_partition(
    client: httpx.Client, standing_centre: Centre
) -> None:
    chunks = "SELECT count(*) FROM pg_class WHERE relname ~ '^_hyper_.*_chunk$'"
    good = a_time()
    post(client, json.dumps(packet(good, COD=1)).encode())
    before = await standing_centre.database.fetchval(chunks)
    for number, time in enumerate(TIMES):
        document = {
            "station": STATION,
            "phenomenonTime": good,
            "readings": [
                {"symbol": "pH", "result": 7, "phenomenonTime": time},
                {"symbol": "TSS", "result": 20, "phenomenonTime": a_time()},
            ],
        }
        counts = post(client, json.dumps(document).encode()).json()["counts"]
        assert (counts["stored"], counts["quarantined"]) == (1, 1), (number, time)
    assert await stored(standing_centre, good) == {"COD": 1}
    assert await standing_centre.database.fetchval(chunks) == before


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def exchange(centre: Centre, head: str, parts: Iterator[bytes], *, path: str = PATH, token: str = STAFF_TOKEN) -> bytes:
    """Send a request part by part until something is answered; what was answered."""
    lines = [f"POST {path} HTTP/1.1", "Host: centre", f"Authorization: Bearer {token}", head, "", ""]
    answer = b""
    with socket.create_connection(("127.0.0.1", centre.port), timeout=60) as connection:
        connection.sendall("\r\n".join(lines).encode())
        for part in parts:
            if select.select([connection], [], [], 0)[0]:
                break
            try:
                connection.sendall(part)
            except OSError:
                break
        try:
            while data := connection.recv(65_536):
                answer += data
                if answer.endswith((b"}", b"0\r\n\r\n")):
                    break
        except ConnectionResetError:
            pass
    return answer


def test_fifty_megabytes_are_refused_before_they_are_read(standing_centre: Centre) -> None:
    gateway = standing_centre.programs[0]
    base = Vitals.of(gateway)
    declared = exchange(standing_centre, f"Content-Type: {JSON}\r\nContent-Length: {50 * MIB}", iter(()))
    assert declared.startswith(b"HTTP/1.1 413 "), declared
    parts = [_chunk(b" " * MIB)] * 50
    told = exchange(standing_centre, f"Content-Type: {JSON}\r\nTransfer-Encoding: chunked", iter(parts))
    assert told.startswith(b"HTTP/1.1 413 "), told
    assert Vitals.of(gateway).rss < base.rss + GROWN


def test_a_line_of_fifty_megabytes_is_passed_over_and_the_next_one_is_stored(standing_centre: Centre) -> None:
    gateway = standing_centre.programs[0]
    base = Vitals.of(gateway)
    good = b"\n" + json.dumps(packet(pH=7.0)).encode() + b"\n"
    parts = [_chunk(b"x" * MIB)] * 50 + [_chunk(good), b"0\r\n\r\n"]
    told = exchange(standing_centre, f"Content-Type: {NDJSON}\r\nTransfer-Encoding: chunked", iter(parts))
    assert told.startswith(b"HTTP/1.1 200 "), told
    counts = '"stored":1,"duplicate":0,"conflict":0,"quarantined":1'
    assert counts.encode() in told.replace(b" ", b"")
    assert Vitals.of(gateway).rss < base.rss + GROWN


def test_the_body_of_a_stranger_is_not_read_and_that_of_an_edit_is_bounded(standing_centre: Centre) -> None:
    gateway = standing_centre.programs[0]
    base = Vitals.of(gateway)
    declared = f"Content-Type: {JSON}\r\nContent-Length: {50 * MIB}"
    stranger = exchange(standing_centre, declared, iter(()), path="/v1/stations", token="of-nobody")  # noqa: S106
    assert stranger.startswith(b"HTTP/1.1 401 "), stranger
    staff = exchange(standing_centre, declared, iter(()), path="/v1/stations")
    assert staff.startswith(b"HTTP/1.1 413 "), staff
    parts = [_chunk(b" " * MIB)] * 50
    chunked = f"Content-Type: {JSON}\r\nTransfer-Encoding: chunked"
    assert exchange(standing_centre, chunked, iter(parts), path="/v1/stations").startswith(b"HTTP/1.1 413 ")
    assert Vitals.of(gateway).rss < base.rss + GROWN


@pytest.fixture(scope="module")
def bomb() -> bytes:
    """Half a gigabyte of spaces in half a megabyte."""
    packer = zlib.compressobj(1, wbits=31)
    block = b" " * (4 * MIB)
    return b"".join(packer.compress(block) for _ in range(128)) + packer.flush()


def test_a_gzip_bomb_is_refused_without_being_unpacked(
    client: httpx.Client, standing_centre: Centre, bomb: bytes
) -> None:
    gateway = standing_centre.programs[0]
    base = Vitals.of(gateway)
    encoding = {"Content-Encoding": "gzip"}
    assert post(client, bomb, **encoding).status_code == 413
    assert post(client, bomb, NDJSON, **encoding).status_code in {200, 413, 422}
    assert post(client, gzip.compress(bomb), **encoding).status_code == 422
    assert Vitals.of(gateway).rss < base.rss + GROWN


async def test_damaged_gzip_is_refused_as_a_whole(client: httpx.Client, standing_centre: Centre) -> None:
    time = a_time()
    whole = gzip.compress(json.dumps(packet(time, pH=7.0)).encode())
    encoding = {"Content-Encoding": "gzip"}
    for damaged in (whole[:-6], whole + whole, whole + b"x", b"plain", whole[:-8] + b"\0" * 8, b""):
        assert post(client, damaged, **encoding).status_code in {400, 422}
        assert post(client, damaged, NDJSON, **encoding).status_code in {200, 400, 422}
    assert await stored(standing_centre, time) in ({}, {"pH": 7.0})
    assert post(client, whole, **encoding).status_code == 200
    assert await stored(standing_centre, time) == {"pH": 7.0}
    assert post(client, whole, **{"Content-Encoding": "br"}).status_code == 415
    await assert_tables_are_sound(standing_centre)
