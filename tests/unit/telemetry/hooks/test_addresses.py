"""Which addresses are public: the whole of our list, its edges, and what other lists get wrong."""

from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry.hooks.webhooks import addresses

NOT_PUBLIC = [
    "0.0.0.0",  # noqa: S104 - looked at, not listened on
    "0.255.255.255",
    "10.0.0.0",
    "10.255.255.255",
    "100.64.0.0",
    "100.100.100.200",
    "100.127.255.255",
    "127.0.0.1",
    "127.255.255.255",
    "169.254.0.0",
    "169.254.169.254",
    "172.16.0.0",
    "172.31.255.255",
    "192.0.0.192",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.0.0",
    "192.168.255.255",
    "198.18.0.0",
    "198.19.255.255",
    "198.51.100.7",
    "203.0.113.255",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.254",
    "255.255.255.255",
    "168.63.129.16",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:8.8.8.8",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b::808:808",
    "64:ff9b:1::7f00:1",
    "64:ff9b:1:ffff:ffff:ffff:ffff:ffff",
    "100::1",
    "2001::1",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "2001:2::1",
    "2001:10::1",
    "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff",
    "2001:db8::1",
    "2002:7f00:1::",
    "2002:808:808::1",
    "3fff::1",
    "4000::1",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fec0::1",
    "feff::1",
    "ff02::1",
    "ff0e::1",
]
PUBLIC = [
    "1.0.0.0",
    "8.8.8.8",
    "9.255.255.255",
    "11.0.0.0",
    "100.63.255.255",
    "100.128.0.0",
    "126.255.255.255",
    "128.0.0.1",
    "169.253.255.255",
    "169.255.0.0",
    "172.15.255.255",
    "172.32.0.0",
    "192.167.255.255",
    "192.169.0.0",
    "198.17.255.255",
    "198.20.0.0",
    "223.255.255.255",
    "2001:200::1",
    "2001:4860:4860::8888",
    "2003::1",
    "2400:cb00:2048:1::c629:d7a2",
    "2606:4700::1111",
]


@pytest.mark.parametrize("text", NOT_PUBLIC)
def test_what_is_not_on_the_public_net_is_told_by_its_kind(text: str) -> None:
    assert addresses.why_not_public(ip_address(text))


@pytest.mark.parametrize("text", PUBLIC)
def test_what_lies_beside_the_closed_networks_is_public(text: str) -> None:
    assert addresses.why_not_public(ip_address(text)) is None


@given(st.ip_addresses(v=4))
def test_no_address_that_python_calls_private_is_public(address: IPv4Address) -> None:
    if address.is_private or address.is_multicast or address.is_reserved or address.is_loopback:
        assert addresses.why_not_public(address) is not None


@given(st.ip_addresses(v=6))
def test_no_ipv6_address_that_python_calls_private_is_public(address: IPv6Address) -> None:
    if address.is_private or address.is_multicast or address.is_reserved or address.is_site_local:
        assert addresses.why_not_public(address) is not None


@given(st.ip_addresses(v=4))
def test_no_form_of_an_ipv4_address_inside_an_ipv6_address_is_public(address: IPv4Address) -> None:
    number = int(address)
    forms = [
        IPv6Address(number),
        IPv6Address((0xFFFF << 32) | number),
        IPv6Address((0x64FF9B << 96) | number),
        IPv6Address((0x64FF9B0001 << 80) | number),
        IPv6Address((0x2002 << 112) | (number << 80)),
        IPv6Address((0x20010000 << 96) | (number ^ 0xFFFFFFFF)),
    ]
    assert [str(form) for form in forms if addresses.why_not_public(form) is None] == []


@pytest.mark.parametrize("text", ["10.1.2.3", "192.168.1.1", "172.20.0.1", "100.64.1.1", "127.0.0.1", "fd00::1", "::1"])
def test_networks_of_ones_own_are_open_to_receivers_that_are_listed_by_name(text: str) -> None:
    assert addresses.is_inside(ip_address(text))


@pytest.mark.parametrize("text", ["169.254.169.254", "fe80::1", "0.0.0.1", "224.0.0.1", "255.255.255.255", "8.8.8.8"])
def test_link_local_and_multicast_are_open_to_no_name(text: str) -> None:
    assert not addresses.is_inside(ip_address(text))
