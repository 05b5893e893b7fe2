"""Log lines: one JSON object a line, and no secret in any of them."""

import io
import json
import logging
from pathlib import Path
from typing import Any

import pytest
import structlog

from core import log

KEY = "st_k3v9q2ab." + "aB3_-" * 8 + "xyz"
TOKEN = "s" * 30 + "ecret"


def _lines(log_stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log_stream.getvalue().splitlines()]


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        (KEY, "st_k3v9q2ab.***"),
        (f"key={KEY}, next", "key=st_k3v9q2ab.***, next"),
        (f"Authorization: Bearer {TOKEN}", "Authorization: Bearer ***"),
        (f"authorization: bearer {TOKEN}", "authorization: bearer ***"),
        (f"Bearer {KEY}", "Bearer st_k3v9q2ab.***"),
        ("postgresql://quantrac:hunter2@db/quantrac", "postgresql://quantrac:***@db/quantrac"),
        ("postgresql://:hunter2@db", "postgresql://:***@db"),
        ("mqtt://user:p@ss@broker and more", "mqtt://user:***@broker and more"),
        (f"secret=whsec_{TOKEN}/+=, next", "secret=whsec_***, next"),
        (f"id_token=eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJsYW4ifQ.{TOKEN}, next", "id_token=eyJ***, next"),
        ("eyJhbGciOiJSUzI1NiJ9 is a header alone", "eyJhbGciOiJSUzI1NiJ9 is a header alone"),
        (KEY.replace("st_", "qt_"), "qt_k3v9q2ab.***"),
        (f"cookie=__Host-quantrac=qs_{TOKEN * 2}; x", "cookie=__Host-quantrac=qs_***; x"),
        (f"/sign-in#link=ql_{TOKEN * 2}", "/sign-in#link=ql_***"),
        ("st_k3v9q2ab", "st_k3v9q2ab"),
        ("http://127.0.0.1:8000/v1/latest", "http://127.0.0.1:8000/v1/latest"),
        ("08:00 at TH-NT-001", "08:00 at TH-NT-001"),
    ],
)
def test_secrets_go_and_the_rest_stays(text: str, redacted: str) -> None:
    assert log.redact(text) == redacted


@pytest.mark.parametrize("at", [*range(1_880, 2_010, 10), 900, 1_000, 5_000])
def test_a_secret_is_not_saved_by_being_cut_in_two(log_stream: io.StringIO, at: int) -> None:
    address = f"postgresql://quantrac:{TOKEN}@db/quantrac"
    structlog.get_logger("test").info("x", text="." * at + KEY + " " + address + "." * 3_000)
    (line,) = _lines(log_stream)
    assert "ecret" not in line["text"]
    assert "aB3_" not in line["text"]


def test_values_at_any_depth_are_cleaned(log_stream: io.StringIO) -> None:
    structlog.get_logger("test").warning(
        "event.name", nested={"keys": [KEY, (KEY,)]}, path=Path("var/log"), error=OSError(KEY), raw=KEY.encode()
    )
    (line,) = _lines(log_stream)
    assert KEY.partition(".")[2] not in json.dumps(line)
    assert line["nested"] == {"keys": ["st_k3v9q2ab.***", ["st_k3v9q2ab.***"]]}
    assert line["path"] == "var/log"


def test_numbers_stay_numbers(log_stream: io.StringIO) -> None:
    structlog.get_logger("test").info("event.name", count=3, share=0.5, done=True, nothing=None)
    (line,) = _lines(log_stream)
    assert (line["count"], line["share"], line["done"], line["nothing"]) == (3, 0.5, True, None)


def test_a_line_says_when_who_and_how_bad(log_stream: io.StringIO) -> None:
    structlog.get_logger("quantrac.test").error("event.name")
    (line,) = _lines(log_stream)
    assert (line["event"], line["logger"], line["level"]) == ("event.name", "quantrac.test", "error")
    assert line["timestamp"].endswith("Z")


def test_a_line_begins_with_when_how_bad_and_what(log_stream: io.StringIO) -> None:
    structlog.get_logger("quantrac.test").info("event.name", before="a", path="/x")
    logging.getLogger("library").warning("said by a library", extra={"broker": "nats"})
    ours, theirs = _lines(log_stream)
    assert list(ours)[:3] == list(theirs)[:3] == ["timestamp", "level", "event"]
    assert {*ours} == {"timestamp", "level", "event", "logger", "before", "path"}


def test_the_servers_lines_carry_no_colours(log_stream: io.StringIO) -> None:
    coloured = "Started server process [\x1b[36m%d\x1b[0m]"
    logging.getLogger("uvicorn.error").info("Started server process [%d]", 7, extra={"color_message": coloured})
    (line,) = _lines(log_stream)
    assert line["event"] == "Started server process [7]"
    assert "color_message" not in line


def test_loggers_of_libraries_write_the_same_lines(log_stream: io.StringIO) -> None:
    logging.getLogger("library").warning("key %s", KEY, extra={"broker": f"Bearer {TOKEN}"})
    (line,) = _lines(log_stream)
    assert (line["event"], line["broker"], line["level"]) == ("key st_k3v9q2ab.***", "Bearer ***", "warning")


def test_an_event_is_one_line_whatever_it_says(log_stream: io.StringIO) -> None:
    structlog.get_logger("test").info("a\nb\r\x1b[31m", text="line\nbreak\x00")
    assert len(log_stream.getvalue().splitlines()) == 1
    assert not set(log_stream.getvalue()[:-1]) & set(map(chr, range(32)))


def _deep(levels: int) -> None:
    if levels:
        _deep(levels - 1)
    raise RuntimeError(f"the end of it: postgresql://quantrac:{TOKEN}@db/quantrac")


def _fail(levels: int) -> None:
    # Not plain recursion, whose repeated frames tracebacks leave out.
    namespace: dict[str, Any] = {"deep": _deep}
    source = "\n".join(f"def f{n}(): {'deep(0)' if n == 0 else f'f{n - 1}()'}  # {'.' * 60}" for n in range(levels))
    exec(compile(source, "made_for_a_long_traceback.py", "exec"), namespace)  # noqa: S102 - our own source
    namespace[f"f{levels - 1}"]()


@pytest.mark.parametrize("levels", [1, 300])
def test_of_a_traceback_the_end_is_kept_which_says_what_happened(log_stream: io.StringIO, levels: int) -> None:
    try:
        _fail(levels)
    except RuntimeError:
        structlog.get_logger("test").exception("event.failed")
    (line,) = _lines(log_stream)
    assert line["exception"].startswith("Traceback")
    assert line["exception"].endswith("RuntimeError: the end of it: postgresql://quantrac:***@db/quantrac")
    assert len(line["exception"]) < 8_100


def test_a_long_value_is_shortened_in_its_middle(log_stream: io.StringIO) -> None:
    structlog.get_logger("test").info("x", text="a" * 5_000 + "z")
    (line,) = _lines(log_stream)
    assert (line["text"][:2], line["text"][-1], len(line["text"])) == ("aa", "z", 2_003)


def test_requests_of_http_libraries_make_no_lines(log_stream: io.StringIO) -> None:
    logging.getLogger("httpx").info("GET https://user:password@host")
    logging.getLogger("uvicorn.access").info("GET /")
    assert log_stream.getvalue() == ""
