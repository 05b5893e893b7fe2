"""What an HTTP answer says about a message, and what a tally makes of it."""

from typing import Any

import httpx
import pytest

from telemetry.simulation import posting
from telemetry.simulation.network import Wire
from telemetry.simulation.parcels import Acceptance, Answer, Parcel
from telemetry.simulation.posting import HttpTransport
from telemetry.simulation.tallying import Tally

RECEIPT: dict[str, Any] = {
    "receipt": 7,
    "counts": {"stored": 2, "duplicate": 0, "conflict": 0, "quarantined": 1, "rejected": 0},
    "readings": [{"index": 1, "outcome": "quarantined", "reason": "out-of-range"}],
}


@pytest.mark.parametrize(
    ("status", "acceptance"),
    [
        (200, Acceptance.ACKED),
        (400, Acceptance.REFUSED),
        (413, Acceptance.REFUSED),
        (415, Acceptance.REFUSED),
        (422, Acceptance.REFUSED),
        (401, Acceptance.UNKNOWN),
        (403, Acceptance.UNKNOWN),
        (408, Acceptance.UNKNOWN),
        (429, Acceptance.UNKNOWN),
        (500, Acceptance.UNKNOWN),
        (502, Acceptance.UNKNOWN),
        (503, Acceptance.UNKNOWN),
        (302, Acceptance.UNKNOWN),
    ],
)
def test_only_2xx_means_kept_and_only_a_refusal_means_not_kept(status: int, acceptance: Acceptance) -> None:
    assert posting.read(httpx.Response(status, json=RECEIPT)).acceptance is acceptance


def test_a_receipt_a_problem_and_the_time_to_wait_are_read() -> None:
    assert posting.read(httpx.Response(200, json=RECEIPT)).receipt == RECEIPT
    answer = posting.read(
        httpx.Response(503, json={"type": "urn:quantrac:problem:overloaded"}, headers={"Retry-After": "7"})
    )
    assert (answer.detail, answer.retry_after) == ("503 overloaded", 7.0)
    proxy = posting.read(httpx.Response(502, text="<html>Bad gateway</html>"))
    assert (proxy.detail, proxy.retry_after, proxy.receipt) == ("502", None, None)


def parcel() -> Parcel:
    return Parcel.packed(
        "op", "TH-NT-001", Wire.HTTP, b"x\t1\t\t20260101000000\t00\r\n", content_type="text/plain",
        file_name="TH_ABCD_NUO01_20260101000000.txt", readings=(),
    )  # fmt: skip


async def test_a_parcel_goes_out_with_key_type_and_file_name() -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json=RECEIPT)

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer), base_url="http://gateway") as client:
        answered = await HttpTransport(client, "st_12345678.secret").send(parcel())
    assert answered.acceptance is Acceptance.ACKED
    (request,) = seen
    assert request.url.path == "/v1/observations"
    assert request.url.params["fileName"] == "TH_ABCD_NUO01_20260101000000.txt"
    assert request.headers["authorization"] == "Bearer st_12345678.secret"
    assert request.headers["content-type"] == "text/plain"
    assert request.content == parcel().raw


@pytest.mark.parametrize("error", [httpx.ConnectError("no"), httpx.ReadTimeout("no"), httpx.RemoteProtocolError("cut")])
async def test_a_connection_that_breaks_says_nothing(error: httpx.HTTPError) -> None:
    def broken(_: httpx.Request) -> httpx.Response:
        raise error

    async with httpx.AsyncClient(transport=httpx.MockTransport(broken), base_url="http://gateway") as client:
        answered = await HttpTransport(client, "key").send(parcel())
    assert answered == Answer(Acceptance.UNKNOWN, "http", type(error).__name__)


def test_a_tally_counts_sendings_fates_and_reasons() -> None:
    tally = Tally()
    tally.sent(parcel())
    tally.answered(Answer(Acceptance.ACKED, "http", "200", RECEIPT), 0.010)
    tally.answered(Answer(Acceptance.UNKNOWN, "http", "ReadTimeout"), 5.0)
    tally.answered(Answer(Acceptance.REFUSED, "http", "422 unreadable-body"), 0.030)
    found = tally.document()
    assert (found["acked"], found["unknown"], found["refused"]) == (1, 1, 1)
    assert found["fates"] == {"stored": 2, "quarantined": 1}
    assert found["reasons"] == {"out-of-range": 1}
    assert found["troubles"] == {"ReadTimeout": 1, "422 unreadable-body": 1}
    # An answer that did not come has no time.
    assert tally.percentile(0.99) == 0.030
    assert Tally().percentile(0.99) is None
