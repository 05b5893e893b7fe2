"""What is told to the owner of a receiver about each way that a sample can end."""

import pytest

from telemetry.hooks.webhooks import explaining
from telemetry.hooks.webhooks.explaining import Trial
from telemetry.hooks.webhooks.guarding import Policy, target
from telemetry.hooks.webhooks.sending import Reply

URL = "https://alarms.example.vn/hook"


@pytest.mark.parametrize(
    ("reply", "advice"),
    [
        (Reply(status=204), "It works"),
        (Reply(status=200, milliseconds=9000), "9000 ms of 15 s"),
        (Reply(status=301), "Redirects are not followed"),
        (Reply(status=308), "Redirects are not followed"),
        (Reply(status=400), "its own log"),
        (Reply(status=401), "asks for a login"),
        (Reply(status=403), "Something in front"),
        (Reply(status=404), "nothing at this path"),
        (Reply(status=405), "does not take POST"),
        (Reply(status=410), "never again"),
        (Reply(status=415), "application/json"),
        (Reply(status=429), "Retry-After"),
        (Reply(status=500), "failed inside"),
        (Reply(status=503), "tried again for three days"),
        (Reply(error="refused: 10.0.0.1 is not public: private", refused=True), "PRIVATE_RECEIVERS"),
        (Reply(error="the certificate is not accepted: certificate has expired"), "whole chain"),
        (Reply(error="TLS could not be agreed on"), "TLS 1.2"),
        (Reply(error="the name does not resolve"), "name server"),
        (Reply(error="no answer within 15 s"), "do the work afterwards"),
        (Reply(error="no connection could be made"), "firewall"),
        (Reply(error="the connection broke"), "firewall"),
    ],
)
def test_every_end_has_its_advice(reply: Reply, advice: str) -> None:
    assert advice in explaining.advice(reply)


def _steps(reply: Reply, answers: list[str], url: str = URL) -> dict[str, str]:
    known = target(url, Policy()) if not reply.error.startswith("refused: only") else None
    return dict(explaining.explained(Trial(url, known, answers, "msg_1", reply)))


def test_an_arrival_is_told_step_by_step() -> None:
    reply = Reply(status=200, address="8.8.8.8", tls="TLSv1.3", milliseconds=12, answer="thanks", retry_after="7")
    assert list(_steps(reply, ["8.8.8.8", "1.1.1.1"]).items())[:-1] == [
        ("sample", "msg_1"),
        ("address", "https, alarms.example.vn, port 443"),
        ("name", "resolves to 8.8.8.8, 1.1.1.1"),
        ("connection", "to 8.8.8.8"),
        ("TLS", "TLSv1.3, certificate accepted for alarms.example.vn"),
        ("answer", "status 200 after 12 ms"),
        ("it said", "thanks"),
        ("it asks", "to wait (Retry-After: 7)"),
    ]


def test_what_did_not_come_to_a_connection_says_where_it_ended() -> None:
    refused = _steps(Reply(error="refused: 10.0.0.1 is not public: private", refused=True), ["10.0.0.1"])
    assert (refused["name"], refused["connection"]) == (
        "resolves to 10.0.0.1",
        "refused: 10.0.0.1 is not public: private",
    )
    unknown = _steps(Reply(error="the name does not resolve"), [])
    assert (unknown["name"], "answer" in unknown) == ("does not resolve", False)
    plain = _steps(Reply(error="refused: only https is allowed", refused=True), [])
    assert list(plain) == ["sample", "address", "do"]


def test_a_literal_address_needs_no_name() -> None:
    steps = _steps(Reply(status=500, address="8.8.8.8", tls="TLSv1.2", milliseconds=3), [], "https://8.8.8.8/")
    assert "name" not in steps
    assert steps["answer"] == "status 500 after 3 ms"


def test_a_failure_behind_the_connection_is_told_as_the_answer() -> None:
    steps = _steps(Reply(error="no answer within 15 s", address="8.8.8.8", milliseconds=15_000), ["8.8.8.8"])
    assert (steps["connection"], steps["answer"]) == ("to 8.8.8.8", "no answer within 15 s after 15000 ms")
    assert "TLS" not in steps
