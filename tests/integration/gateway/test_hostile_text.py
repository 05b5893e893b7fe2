"""Text that means something to a database, a spreadsheet or a log: everywhere it is text and nothing else."""

import base64
import csv
import io
import json
import logging
from collections.abc import AsyncIterator, Iterator
from copy import deepcopy
from typing import Any
from urllib.parse import quote

import pytest

from core import log
from core.database import Database
from tests.fixtures.applications import TOKEN, Gateway, opened
from tests.fixtures.databases import cloned
from tests.fixtures.wires import Wire, tapped

MARK = "qprobe"
# What ends a string, a statement or a comment, what names a parameter, and what a pattern is made of.
PROBES = [f"{MARK}'\"\\;--", f"{MARK}' OR '1'='1'; DROP TABLE observation; SELECT $1::text, pg_sleep(9) /* %_ \\' -- "]
# The live stream does not end, and a mail that is tried needs a server that takes it.
ELSEWHERE = {"/v1/events", "/v1/mail-subscriptions/{number}/test", "/v1/observations"}
# Things that are there, so that a request gets beyond them.
THERE = {"code": "TH-NT-001", "symbol": "COD", "report": "month", "station": "TH-NT-001"}
FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "＝1", "＋1", "－1", "＠1"]

Place = tuple[str, ...]


@pytest.fixture(scope="module")
async def wired(server_dsn: str, template: str) -> AsyncIterator[tuple[Gateway, Wire]]:
    """The whole application with hooks and mail set up, whose every word to the database is heard."""
    async with cloned(server_dsn, template) as dsn, tapped(dsn) as (wire, address):
        with pytest.MonkeyPatch.context() as monkeypatch:
            monkeypatch.setenv("QUANTRAC_HOOKS__SECRET_KEY", base64.urlsafe_b64encode(bytes(32)).decode())
            monkeypatch.setenv("QUANTRAC_MAIL__HOST", "127.0.0.1")
            monkeypatch.setenv("QUANTRAC_MAIL__SENDER", "quantrac@example.vn")
            for name in ("FAILURES_PER_ADDRESS", "FAILURES_PER_NAME", "REQUESTS_PER_MINUTE"):
                monkeypatch.setenv(f"QUANTRAC_LIMITS__{name}", "0")
            async with Database(dsn, application_name="quantrac-test") as database, opened(database, address) as made:
                yield made, wire


@pytest.fixture(scope="module")
def document(wired: tuple[Gateway, Wire]) -> dict[str, Any]:
    return wired[0].app.openapi()


def resolved(document: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in schema:
        found: Any = document
        for part in schema["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        schema = found
    choices = [one for key in ("anyOf", "oneOf", "allOf") for one in schema.get(key, []) if one.get("type") != "null"]
    return resolved(document, choices[0]) if choices else schema


def example(document: dict[str, Any], schema: dict[str, Any], name: str = "", depth: int = 0) -> Any:
    """A value that the schema describes; of things, those that are there."""
    own = schema
    schema = resolved(document, schema)
    given = [*own.get("examples", []), *schema.get("examples", []), *schema.get("enum", [])]
    if name in THERE or given:
        return THERE.get(name) or deepcopy(given[0])
    if depth > 6:
        return None
    if schema.get("type") == "array":
        return [example(document, schema.get("items", {}), name, depth + 1)]
    if "properties" in schema:
        return {key: example(document, part, key, depth + 1) for key, part in schema["properties"].items()}
    by_format = {"date-time": "2026-11-23T08:00:00+07:00", "date": "2026-11-23"}
    by_type = {"integer": 1, "number": 1.5, "boolean": False, "object": {}}
    return by_format.get(schema.get("format", ""), by_type.get(schema.get("type", ""), "text"))


def texts(value: Any, here: Place = ()) -> Iterator[Place]:
    """Where the strings are in a body."""
    if isinstance(value, str):
        yield here
    elif isinstance(value, dict):
        for key, part in value.items():
            yield from texts(part, (*here, key))
    elif isinstance(value, list):
        for number, part in enumerate(value):
            yield from texts(part, (*here, str(number)))


def with_text(body: Any, place: Place, text: str) -> Any:
    made = deepcopy(body)
    inner = made
    for key in place[:-1]:
        inner = inner[int(key)] if isinstance(inner, list) else inner[key]
    last = place[-1]
    inner[int(last) if isinstance(inner, list) else last] = text
    return made


def requests_of(document: dict[str, Any], path: str, operation: dict[str, Any]) -> Iterator[tuple[str, Any, Any, Any]]:
    """Path, query, headers and body, with the probe in one place after another."""
    parameters = [
        (one["name"], one["in"], example(document, one["schema"], one["name"])) for one in operation["parameters"]
    ]
    content = operation.get("requestBody", {}).get("content", {}).get("application/json")
    body = None
    if content is not None:
        body = deepcopy(content["example"]) if "example" in content else example(document, content["schema"])

    def made(of: str, probe: str) -> tuple[str, Any, Any]:
        values = {name: probe if name == of else value for name, _, value in parameters}
        filled = path
        for name, where, _ in parameters:
            if where == "path":
                filled = filled.replace(f"{{{name}}}", quote(str(values[name]), safe=""))
        query = {name: values[name] for name, where, _ in parameters if where == "query" and name == of}
        header = {name: values[name] for name, where, _ in parameters if where == "header"}
        return filled, query, header | ({"if-match": "*"} if "if-match" in header else {})

    for probe in PROBES:
        for name, where, _ in parameters:
            if where != "header":
                yield *made(name, probe), body
        for place in texts(body) if body is not None else ():
            yield *made("", probe), with_text(body, place, probe)


async def test_what_would_be_sql_is_text_everywhere(wired: tuple[Gateway, Wire], document: dict[str, Any]) -> None:
    gateway, wire = wired
    failed, asked, kept = [], 0, 0
    for path, item in document["paths"].items():
        if path in ELSEWHERE or not path.startswith("/v1/"):
            continue
        for method, operation in item.items():
            operation.setdefault("parameters", [])
            for filled, query, headers, body in requests_of(document, path, operation):
                shown = {**headers, "Authorization": f"Bearer {TOKEN}"}
                answer = await gateway.client.request(method, filled, params=query, headers=shown, json=body)
                asked += 1
                kept += answer.is_success
                if answer.status_code >= 500:
                    failed.append(f"{method} {filled} {query} {body}: {answer.status_code}")
    assert failed == []
    assert asked > 300
    # Some of it was taken as the text that it is, and reached the database as a value.
    assert kept > 20
    assert any(MARK.encode() in value for value in wire.values)
    assert [text for text in wire.statements if MARK.encode() in text] == []
    assert await gateway.database.fetchval("SELECT count(*) FROM observation") == 0


async def test_what_would_be_sql_is_text_in_readings_and_names_of_files(wired: tuple[Gateway, Wire]) -> None:
    gateway, wire = wired
    for probe in PROBES:
        packets: list[dict[str, Any]] = [
            {"station": probe, "phenomenonTime": "2026-11-23T01:00:00Z", "readings": {"COD": 1}},
            {"station": "TH-NT-001", "phenomenonTime": probe, "readings": {"COD": 1}},
            {"station": "TH-NT-001", "phenomenonTime": "2026-11-23T01:00:00Z", "readings": {probe: 1, "COD": probe}},
        ]
        for packet in packets:
            headers = {"Authorization": f"Bearer {TOKEN}"}
            params = {"fileName": probe}
            answer = await gateway.client.post("/v1/observations", json=packet, headers=headers, params=params)
            assert answer.status_code < 500, answer.text
    assert [text for text in wire.statements if MARK.encode() in text] == []


# Spreadsheets.


async def test_no_export_has_a_cell_that_a_spreadsheet_executes(
    wired: tuple[Gateway, Wire], document: dict[str, Any]
) -> None:
    gateway, _ = wired
    for text in FORMULAS:
        changes = {"nameVi": text, "nameEn": text}
        headers = {"Authorization": f"Bearer {TOKEN}", "If-Match": "*", "Quantrac-Reason": quote(text)}
        answer = await gateway.client.patch("/v1/stations/TH-KK-01", json=changes, headers=headers)
        assert answer.status_code == 200, answer.text
    await gateway.app.state.catalog.refresh()
    await gateway.report(await gateway.key_of("TH-NT-011"), COD=48.6, pH=7)
    exports, guarded = 0, 0
    for path, item in document["paths"].items():
        answers = item.get("get", {}).get("responses", {}).get("200", {}).get("content", {})
        if "text/csv" not in answers or path.endswith("/raw"):
            continue
        parameters = {one["name"] for one in item["get"]["parameters"]}
        wanted = {"format": "csv", "from": "2026-11-01T00:00:00Z", "to": "2026-12-01T00:00:00Z", "month": "2026-11"}
        if path == "/v1/observations":
            wanted["station"] = "TH-NT-011"
        query = {name: value for name, value in wanted.items() if name in parameters}
        answer = await gateway.get(path.format(code="TH-KK-01", report="month"), **query)
        if answer.status_code == 422 and "month" in query:
            # A month, or a span, but not both.
            answer = await gateway.get(path.format(report="month"), format="csv", month="2026-11")
        assert answer.status_code == 200, f"{path}: {answer.text}"
        exports += 1
        assert answer.headers["content-disposition"].startswith("attachment")
        for cell in (cell for row in csv.reader(io.StringIO(answer.text, newline=""), strict=True) for cell in row):
            guarded += cell.startswith("'")
            assert not cell.startswith(tuple("=+@\t\r＝＋－＠")), f"{path}: {cell!r}"
            assert not cell.startswith("-") or _is_number(cell), f"{path}: {cell!r}"
    assert exports >= 7
    assert guarded >= len(FORMULAS)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


# Logs.


async def test_whatever_a_request_says_one_event_is_one_line(wired: tuple[Gateway, Wire]) -> None:
    gateway, _ = wired
    forged = '\r\n{"event":"forged","level":"info"}\n\x1b[31mred\x1b[0m\x00\x85\u2028"'
    key = await gateway.key_of("TH-NT-012")
    stream, root = io.StringIO(), logging.getLogger()
    handlers, level = root.handlers[:], root.level
    log.configure("INFO", stream)
    try:
        packet = {"phenomenonTime": "2026-11-23T01:00:00Z", "readings": {f"COD{forged}": 1}}
        marked = {"User-Agent": "x\x1b[31m{}", "X-Request-ID": '{"a":1}\x1b[2J', "X-Forwarded-For": "\x1b[31m"}
        params = {"fileName": forged}
        for credential in (key, f"st_nobody00.{forged.encode().hex()}", f"nobody {forged.encode().hex()}"):
            headers = {"Authorization": f"Bearer {credential}"} | marked
            await gateway.client.post("/v1/observations", json=packet, headers=headers, params=params)
            await gateway.client.post(f"/v1/stations/{quote(forged, safe='')}/retire", headers=headers)
            await gateway.client.get("/v1/receipts", headers=headers, params={"station": forged})
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
    text = stream.getvalue()
    events = [json.loads(line) for line in text.split("\n") if line]
    assert {event["event"] for event in events} == {"access.refused", "access.denied", "observations.not_all_stored"}
    assert any(event.get("path") == f"/v1/stations/{forged}/retire" for event in events)
    assert not any(character < " " and character != "\n" for character in text)
    assert text.isascii()
