"""One event is one line of the log, whatever strangers wrote into it."""

import io
import json
import logging

import pytest
import structlog

HOSTILE = [
    '\r\n{"event":"forged","level":"error"}',
    "\x1b[31mred\x1b[0m\x1b]0;title\x07",
    "\x00\x08\x7f\x85\x9b31m",
    "\u2028\u2029\u202e",
    "%s %(name)s {0} {event!r}",
    "\ud800",
]


@pytest.mark.parametrize("member", ["station", "topic", "user_agent", "file_name", "request_id", "path", "sender"])
@pytest.mark.parametrize("text", HOSTILE)
def test_a_member_that_a_stranger_wrote_stays_within_its_line(log_stream: io.StringIO, member: str, text: str) -> None:
    structlog.get_logger("test").warning("message.refused", **{member: text, "more": {text: [text]}})
    logging.getLogger("library").warning("it said %s", text)
    lines = log_stream.getvalue().split("\n")
    assert (len(lines), lines[-1]) == (3, "")
    assert log_stream.getvalue().isascii()
    assert not any(
        (character < " " and character != "\n") or character == "\x7f" for character in log_stream.getvalue()
    )
    told, library = (json.loads(line) for line in lines[:2])
    assert (told["event"], told[member], told["more"]) == ("message.refused", text, {text: [text]})
    assert library["event"] == f"it said {text}"
