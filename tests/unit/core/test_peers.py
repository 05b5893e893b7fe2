"""Whose word about addresses counts, and how far."""

import copy
from typing import Any

import pytest

from core import peers
from core.peers import Networks, Peers


def asked(peer: str | None, *forwarded: str) -> dict[str, Any]:
    """The scope of a request from a peer with these lines of X-Forwarded-For."""
    headers = [(b"host", b"gateway")] + [(b"x-forwarded-for", line.encode()) for line in forwarded]
    return {"type": "http", "client": None if peer is None else (peer, 4711), "headers": headers}


def client(trusted: str, peer: str | None, *forwarded: str) -> str:
    scope = asked(peer, *forwarded)
    Peers(Networks(trusted)).settle(scope)
    return peers.client_of(scope)


def test_without_trusted_proxies_the_peer_is_the_client_whatever_it_says() -> None:
    assert client("", "198.51.100.7", "203.0.113.9") == "198.51.100.7"


def test_a_stranger_who_claims_to_be_somebody_else_is_not_believed() -> None:
    assert client("10.0.0.1", "198.51.100.7", "203.0.113.9") == "198.51.100.7"


@pytest.mark.parametrize(
    ("forwarded", "expected"),
    [
        (["203.0.113.9"], "203.0.113.9"),
        # What the client wrote itself stands left of what the proxy saw.
        (["127.0.0.1, 203.0.113.9"], "203.0.113.9"),
        (["10.0.0.1, 203.0.113.9"], "203.0.113.9"),
        (["127.0.0.1", "203.0.113.9"], "203.0.113.9"),
        # Two proxies of ours, one behind the other.
        (["198.51.100.7, 203.0.113.9, 10.0.0.77"], "203.0.113.9"),
        (["2001:db8::5"], "2001:db8::5"),
        (["::ffff:203.0.113.9"], "203.0.113.9"),
        # Nobody is behind it: the proxy itself asks.
        ([], "10.0.0.1"),
        (["10.0.0.9"], "10.0.0.9"),
    ],
)
def test_the_client_is_the_first_from_the_right_that_is_no_proxy_of_ours(forwarded: list[str], expected: str) -> None:
    assert client("10.0.0.0/24", "10.0.0.1", *forwarded) == expected


@pytest.mark.parametrize(
    "text",
    ["unknown", "_hidden", "", "203.0.113.9:4711", "203.0.113", "203.0.113.999", "[2001:db8::5]", "\xff", "1" * 5000],
)
def test_what_is_no_address_is_ignored_and_counted(text: str) -> None:
    counted: list[None] = []
    scope = asked("10.0.0.1", f"198.51.100.1, {text}")
    Peers(Networks("10.0.0.1"), lambda: counted.append(None)).settle(scope)
    assert peers.client_of(scope) == "10.0.0.1"
    assert len(counted) == 1


def test_a_malformed_value_left_of_the_client_changes_nothing() -> None:
    assert client("10.0.0.1", "10.0.0.1", "rubbish, 203.0.113.9") == "203.0.113.9"


def test_a_list_without_end_is_not_walked_to_its_end() -> None:
    counted: list[None] = []
    scope = asked("10.0.0.1", ",".join(["rubbish"] + ["10.0.0.1"] * 100_000))
    Peers(Networks("10.0.0.1"), lambda: counted.append(None)).settle(scope)
    assert (peers.client_of(scope), counted) == ("10.0.0.1", [])


@pytest.mark.parametrize(
    ("peer", "forwarded"),
    [
        ("10.0.0.1", ["198.51.100.1, 203.0.113.9"]),
        # The one behind is a proxy of ours too: it would be looked behind a second time.
        ("10.0.0.1", ["203.0.113.9, rubbish, 10.0.0.9"]),
        ("10.0.0.1", []),
        ("198.51.100.7", ["203.0.113.9"]),
        (None, ["203.0.113.9"]),
    ],
)
def test_who_is_behind_is_settled_once(peer: str | None, forwarded: list[str]) -> None:
    counted: list[None] = []
    scope = asked(peer, *forwarded)
    settling = Peers(Networks("10.0.0.0/24"), lambda: counted.append(None))
    settling.settle(scope)
    once, times = copy.deepcopy(scope), len(counted)
    settling.settle(scope)
    assert (scope, len(counted)) == (once, times)


def test_a_socket_of_the_file_system_is_trusted_by_its_name() -> None:
    assert client("", None, "203.0.113.9") == "unix"
    assert client("10.0.0.1", None, "203.0.113.9") == "unix"
    assert client("unix", None, "203.0.113.9") == "203.0.113.9"
    assert client("unix", "198.51.100.7", "203.0.113.9") == "198.51.100.7"


def test_a_peer_that_came_over_a_socket_for_both_kinds_of_addresses_is_itself() -> None:
    assert peers.client_of(asked("::ffff:192.0.2.1")) == "192.0.2.1"
    assert client("192.0.2.1", "::ffff:192.0.2.1", "203.0.113.9") == "203.0.113.9"


def test_a_request_through_a_proxy_that_nobody_named_is_not_direct() -> None:
    assert peers.is_direct(asked("127.0.0.1"))
    assert not peers.is_direct(asked("127.0.0.1", "203.0.113.9"))
    named = asked("127.0.0.1", "203.0.113.9")
    Peers(Networks("127.0.0.1")).settle(named)
    assert peers.is_direct(named)


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::", "2001:db8:1:2::/64"),
        ("unix", "unix"),
    ],
)
def test_one_subscriber_is_throttled_as_one(address: str, expected: str) -> None:
    assert peers.group(address) == expected


@pytest.mark.parametrize("text", ["10.0.0.1/8", "proxy.example.vn", "10.0.0.0/33", "10.0.0.1 10.0.0.2"])
def test_a_setting_that_names_no_network_is_refused(text: str) -> None:
    with pytest.raises(peers.NoNetwork, match="neither an address nor a network"):
        Networks(text)


def test_networks_are_empty_or_hold_what_they_name() -> None:
    assert not Networks(" , ")
    found = Networks("10.0.0.0/8, ::1 ,unix")
    assert found
    assert all(name in found for name in ("10.9.8.7", "::1", "unix", "::ffff:10.1.1.1"))
    assert not any(name in found for name in ("11.0.0.1", "::2", "rubbish", ""))


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.8.9.1", "::1", "::ffff:127.0.0.1"])
def test_this_machine_is_known_by_its_names(host: str) -> None:
    assert peers.is_loopback(host)


@pytest.mark.parametrize("host", ["", "0.0.0.0", "192.0.2.1", "localhost.example.vn", "127.0.0.1.example.vn"])  # noqa: S104
def test_no_other_machine_is_taken_for_this_one(host: str) -> None:
    assert not peers.is_loopback(host)
