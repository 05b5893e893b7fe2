"""The table of limits in the README has the numbers that the code has."""

import inspect
import re
from typing import Any, get_args

import pytest

from core import paging, rates
from gateway import application, settings
from gateway.body_limits import BodyLimit
from gateway.edges import connections
from telemetry.codecs import packets
from telemetry.hooks.stream import clients
from telemetry.intake.endpoint import EndpointLimits
from telemetry.reports import scope
from tests.architecture.sources import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
TABLE = README.partition("### Limits\n")[2].partition("\n### ")[0]
PROXY = (ROOT / "deploy" / "haproxy.cfg").read_text(encoding="utf-8")
_NAMED = re.compile(r"`QUANTRAC_([A-Z]+)__([A-Z_]+)` ([0-9,]+)( MiB)?")


def _default(section: str, name: str) -> Any:
    kind: Any = settings.Settings.model_fields[section.lower()].annotation
    return kind.model_fields[name.lower()].default


def test_every_number_behind_a_setting_is_its_default() -> None:
    found = _NAMED.findall(TABLE)
    assert len(found) >= 15
    for section, name, number, unit in found:
        told = int(number.replace(",", "")) * (2**20 if unit else 1)
        assert told == _default(section, name), f"QUANTRAC_{section}__{name}"


@pytest.mark.parametrize(
    "text",
    [
        f"{connections.MOST_HEAD_BYTES // 1024} KiB, {connections.MOST_HEADERS} headers, {connections.HEAD_SECONDS} s",
        f"{application._MOST_BODY_BYTES // 2**20} MiB, 30 s to arrive",
        f"{EndpointLimits().body_seconds:.0f} s to arrive",
        f"readings in one packet | {packets.MOST_READINGS:,} ",
        f"span of a report | {scope.MOST_DAYS} days",
        f"{clients.MOST_WAITING_BYTES // 2**20} MiB waiting",
        f"hold {rates.MOST_NAMES:,} names",
    ],
)
def test_every_other_number_is_the_codes(text: str) -> None:
    assert text in TABLE


def test_bodies_and_pages_are_as_told() -> None:
    assert inspect.signature(BodyLimit).parameters["seconds"].default == 30
    assert "Le(le=10000)" in repr([getattr(part, "metadata", ()) for part in get_args(paging.PageSize)])


@pytest.mark.parametrize(
    "line",
    [
        "sc0_conn_cur gt 200",
        "sc0_conn_rate gt 400",
        "sc0_http_req_rate gt 3000",
        "maxconn 8000",
        "maxconn 500",
        "tune.bufsize 16384",
        "tune.http.maxhdr 64",
        "timeout queue 5s",
        "timeout http-keep-alive 75s",
    ],
)
def test_the_proxy_has_the_numbers_of_the_table(line: str) -> None:
    assert line in PROXY
