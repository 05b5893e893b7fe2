"""What the guard takes for a receiver, what it refuses and why, and which address it lets a connection be made to."""

from ipaddress import IPv6Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry.hooks.webhooks import addresses, guarding
from telemetry.hooks.webhooks.guarding import Policy, Refused, UnreadableReceiver

PUBLIC = Policy()


def _listed(*entries: str) -> Policy:
    return Policy(receivers=tuple(guarding.receiver(entry) for entry in entries))


@pytest.mark.parametrize(
    ("url", "host", "port", "path", "authority"),
    [
        ("https://example.vn", "example.vn", 443, "/", "example.vn"),
        ("https://EXAMPLE.vn/Hook?a=1&b=%20", "example.vn", 443, "/Hook?a=1&b=%20", "example.vn"),
        ("HTTPS://example.vn:8443/", "example.vn", 8443, "/", "example.vn:8443"),
        ("https://example.vn:443/x", "example.vn", 443, "/x", "example.vn"),
        ("https://xn--ting-vit-8ya2s.vn/", "xn--ting-vit-8ya2s.vn", 443, "/", "xn--ting-vit-8ya2s.vn"),
        ("https://8.8.8.8/", "8.8.8.8", 443, "/", "8.8.8.8"),
        ("https://[2606:4700::1111]:8443/", "2606:4700::1111", 8443, "/", "[2606:4700::1111]:8443"),
        ("https://example.vn?q", "example.vn", 443, "/?q", "example.vn"),
    ],
)
def test_a_public_receiver_is_read_into_its_parts(url: str, host: str, port: int, path: str, authority: str) -> None:
    found = guarding.target(url, PUBLIC)
    assert (found.host, found.port, found.path, found.authority) == (host, port, path, authority)


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://example.vn/", "only https"),
        ("ftp://example.vn/", "does not begin with https"),
        ("//example.vn/", "does not begin with https"),
        ("https:/example.vn/", "does not begin with https"),
        ("https:example.vn", "does not begin with https"),
        ("file:///etc/passwd", "does not begin with https"),
        ("gopher://example.vn/_x", "does not begin with https"),
        ("https:///example.vn", "no name"),
        ("https://", "no name"),
        ("https://user@example.vn/", "names a user"),
        ("https://user:password@example.vn/", "names a user"),
        ("https://example.vn@127.0.0.1/", "names a user"),
        ("https://127.0.0.1%40example.vn/", "no name"),
        ("https://example.vn/#x", "fragment"),
        ("https://example.vn#@127.0.0.1/", "fragment"),
        ("https://example.vn\\@127.0.0.1/", "characters outside"),
        ("https://example.vn/a b", "characters outside"),
        ("https://example.vn/\r\nHost: 127.0.0.1", "characters outside"),
        ("https://exa\tmple.vn/", "characters outside"),
        ("https://example.vn/\0", "characters outside"),
        (" https://example.vn/", "characters outside"),
        ("https://example.vn./", "ends in a dot"),
        ("https://127.0.0.1./", "ends in a dot"),
        ("https://example..vn/", "no name"),
        ("https://-example.vn/", "no name"),
        (f"https://{'a' * 64}.vn/", "no name"),
        ("https://" + "a." * 130 + "vn/", "no name"),
        ("https://example.vn:0/", "port 0"),
        ("https://example.vn:22/", "port 22"),
        ("https://example.vn:8080/", "port 8080"),
        ("https://example.vn:99999/", "cannot be read"),
        ("https://example.vn:+443/", "cannot be read"),
        ("https://example.vn:4 43/", "characters outside"),
        ("https://localhost/", "without a dot"),
        ("https://intranet:8443/", "without a dot"),
        ("https://" + "e" * 2000 + ".vn/", "longer than"),
    ],
)
def test_an_address_that_two_programs_could_read_differently_is_refused(url: str, why: str) -> None:
    with pytest.raises(Refused, match=why):
        guarding.target(url, PUBLIC)


@pytest.mark.parametrize(
    "host",
    [
        "2130706433",
        "0x7f000001",
        "0x7f.0.0.1",
        "0x7f.1",
        "017700000001",
        "0177.0.0.1",
        "127.1",
        "127.0.1",
        "127.0.0.01",
        "127.0.0.256",
        "127.0.0.0.1",
        "1.0x7f",
        "0",
        "0x",
        "3232235521",
        "example.1",
        "example.0x1",
    ],
)
def test_a_number_in_place_of_a_name_is_refused_in_every_way_of_writing_it(host: str) -> None:
    with pytest.raises(Refused, match=r"the host is a number|the host is no name"):
        guarding.target(f"https://{host}/", PUBLIC)


@pytest.mark.parametrize(
    "host",
    [
        "１２７.0.0.1",
        "127。0。0。1",
        "①②⑦.0.0.1",
        "ⓛocalhost",
        "exämple.vn",
        "localhost\u200b.vn",
        "127.0.0.1\u00ad",
        "ℓocal.vn",
    ],
)
def test_a_name_outside_of_ascii_is_refused_before_anything_is_mapped(host: str) -> None:
    with pytest.raises(Refused, match="xn--"):
        guarding.target(f"https://{host}/", PUBLIC)


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "10.1.2.3",
        "169.254.169.254",
        "100.100.100.200",
        "0.0.0.0",  # noqa: S104 - looked at, not listened on
        "[::]",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[0:0:0:0:0:ffff:7f00:0001]",
        "[64:ff9b::7f00:1]",
        "[64:ff9b::a9fe:a9fe]",
        "[64:ff9b:1::1]",
        "[2002:7f00:1::]",
        "[2001::1]",
        "[fd00:ec2::254]",
        "[fe80::1]",
        "[fec0::1]",
        "[ff02::1]",
        "[2001:db8::1]",
    ],
)
def test_an_address_that_is_not_public_is_refused_in_every_form(host: str) -> None:
    with pytest.raises(Refused, match="is not public"):
        guarding.target(f"https://{host}/", PUBLIC)


@pytest.mark.parametrize("host", ["[fe80::1%25eth0]", "[fe80::1%eth0]", "[::1%251]"])
def test_zones_are_refused(host: str) -> None:
    with pytest.raises(Refused, match="zone"):
        guarding.target(f"https://{host}/", PUBLIC)


@pytest.mark.parametrize("host", ["[::1].example.vn", "[::1", "::1", "[1.2.3.4]", "[v1.x]", "[]", "[::1]x:443"])
def test_brackets_that_hold_no_ipv6_address_are_refused(host: str) -> None:
    with pytest.raises(Refused, match=r"cannot be read|no IPv6 address|no name"):
        guarding.target(f"https://{host}/", PUBLIC)


@given(st.text(max_size=60))
def test_no_text_makes_the_guard_stumble_or_gives_a_private_address(text: str) -> None:
    for url in (text, f"https://{text}", f"https://{text}/"):
        try:
            found = guarding.target(url, PUBLIC)
        except Refused:
            continue
        assert (found.scheme, found.port in PUBLIC.ports) == ("https", True)
        assert found.literal is None or addresses.why_not_public(found.literal) is None


def test_a_name_leads_to_the_address_that_it_resolves_to() -> None:
    target = guarding.target("https://example.vn/", PUBLIC)
    assert guarding.choose(target, ["8.8.8.8"], PUBLIC) == ip_address("8.8.8.8")
    assert guarding.choose(target, ["2606:4700::1111"], PUBLIC) == IPv6Address("2606:4700::1111")


def test_attempts_go_round_the_addresses() -> None:
    target = guarding.target("https://example.vn/", PUBLIC)
    found = [str(guarding.choose(target, ["8.8.8.8", "1.1.1.1"], PUBLIC, turn)) for turn in range(3)]
    assert found == ["8.8.8.8", "1.1.1.1", "8.8.8.8"]


@pytest.mark.parametrize(
    "hidden", ["127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "::ffff:10.0.0.1", "fe80::1%eth0"]
)
def test_one_private_answer_among_public_ones_refuses_them_all(hidden: str) -> None:
    target = guarding.target("https://example.vn/", PUBLIC)
    for answers in ([hidden, "8.8.8.8"], ["8.8.8.8", hidden]):
        with pytest.raises(Refused, match="not public"):
            guarding.choose(target, answers, PUBLIC)


@pytest.mark.parametrize("answers", [[], ["what"], ["127.1"], [""]])
def test_answers_that_are_no_addresses_are_refused(answers: list[str]) -> None:
    target = guarding.target("https://example.vn/", PUBLIC)
    with pytest.raises(Refused):
        guarding.choose(target, answers, PUBLIC)


def test_a_listed_network_is_open_at_its_port_and_scheme_only() -> None:
    policy = _listed("http://10.20.0.0/16:8080")
    target = guarding.target("http://10.20.3.4:8080/x", policy)
    assert str(guarding.choose(target, ["10.20.3.4"], policy)) == "10.20.3.4"
    for url in ("http://10.21.3.4:8080/", "http://10.20.3.4:8081/", "http://10.20.3.4/", "https://10.20.3.4/"):
        with pytest.raises(Refused):
            guarding.target(url, policy)
    assert guarding.target("https://10.20.3.4:8080/", policy).scheme == "https"


def test_a_listed_network_does_not_open_http_or_its_port_to_the_public_net() -> None:
    policy = _listed("http://10.20.0.0/16:8080")
    for url in ("http://example.vn:8080/", "https://example.vn:8080/"):
        target = guarding.target(url, policy)
        assert str(guarding.choose(target, ["10.20.0.9"], policy)) == "10.20.0.9"
        with pytest.raises(Refused):
            guarding.choose(target, ["8.8.8.8"], policy)


def test_a_listed_name_may_be_private_and_nobody_else() -> None:
    policy = _listed("alarms.intra:8443", "http://sirens.example.vn")
    target = guarding.target("https://alarms.intra:8443/", policy)
    assert str(guarding.choose(target, ["192.168.1.5"], policy)) == "192.168.1.5"
    plain = guarding.target("http://sirens.example.vn/", policy)
    assert (plain.port, str(guarding.choose(plain, ["10.0.0.5"], policy))) == (80, "10.0.0.5")
    other = guarding.target("https://other.intra:8443/", policy)
    with pytest.raises(Refused):
        guarding.choose(other, ["192.168.1.5"], policy)
    with pytest.raises(Refused, match=r"port 8080|without a dot"):
        guarding.target("https://alarms.intra:8080/", policy)


@pytest.mark.parametrize(
    "answer", ["169.254.169.254", "0.0.0.1", "224.0.0.1", "fe80::1", "2002:7f00:1::", "64:ff9b::7f00:1"]
)
def test_a_listed_name_does_not_lead_to_link_local_or_embedded_addresses(answer: str) -> None:
    policy = _listed("alarms.intra:8443")
    target = guarding.target("https://alarms.intra:8443/", policy)
    with pytest.raises(Refused):
        guarding.choose(target, [answer], policy)


@pytest.mark.parametrize(
    ("text", "name", "network", "port", "http"),
    [
        ("Alarms.Example.VN:8443", "alarms.example.vn", None, 8443, False),
        ("https://10.20.0.0/16", None, "10.20.0.0/16", None, False),
        ("http://[fd00::5]:8080", None, "fd00::5/128", 8080, True),
        ("127.0.0.1", None, "127.0.0.1/32", None, False),
        ("http://localhost:9000", "localhost", None, 9000, True),
    ],
)
def test_entries_of_the_list_are_read(
    text: str, name: str | None, network: str | None, port: int | None, http: bool
) -> None:
    found = guarding.receiver(text)
    assert (found.name, found.network and str(found.network), found.port, found.http) == (name, network, port, http)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "http://",
        "ftp://x",
        "10.20.0.5/16",
        "10.0.0.0/33",
        "999.1.1.1",
        "127.1",
        "x:0",
        "x:70000",
        "x:y",
        "[::1",
        "[nonsense]",
        "a b",
        "http://x/path",
    ],
)
def test_an_unreadable_entry_of_the_list_is_told(text: str) -> None:
    with pytest.raises(UnreadableReceiver):
        guarding.receiver(text)
