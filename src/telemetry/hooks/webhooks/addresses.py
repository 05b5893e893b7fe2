"""Which IP addresses are public, by a list of our own: what Python calls global differs between its versions."""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

# From the special-purpose registries of IANA (RFC 6890 and its successors) and from what clouds answer metadata at.
_NOT_PUBLIC_V4 = {
    "0.0.0.0/8": "this network",
    "10.0.0.0/8": "private",
    "100.64.0.0/10": "shared by carriers (CGNAT)",
    "127.0.0.0/8": "loopback",
    "169.254.0.0/16": "link-local",
    "172.16.0.0/12": "private",
    "192.0.0.0/24": "protocol assignments",
    "192.0.2.0/24": "documentation",
    "192.31.196.0/24": "AS112",
    "192.52.193.0/24": "AMT",
    "192.88.99.0/24": "6to4 relay",
    "192.168.0.0/16": "private",
    "192.175.48.0/24": "AS112",
    "198.18.0.0/15": "benchmarking",
    "198.51.100.0/24": "documentation",
    "203.0.113.0/24": "documentation",
    "224.0.0.0/4": "multicast",
    "255.255.255.255/32": "broadcast",
    "240.0.0.0/4": "reserved",
    "168.63.129.16/32": "a cloud's own services",
}
_NOT_PUBLIC_V6 = {
    "::/128": "unspecified",
    "::1/128": "loopback",
    "::ffff:0:0/96": "IPv4-mapped",
    "::/96": "IPv4-compatible",
    "64:ff9b::/96": "NAT64",
    "64:ff9b:1::/48": "local NAT64",
    "100::/64": "discard",
    "fc00::/7": "unique local",
    "fe80::/10": "link-local",
    "fec0::/10": "site-local",
    "ff00::/8": "multicast",
    "2001::/32": "Teredo",
    "2001::/23": "protocol assignments",
    "2001:db8::/32": "documentation",
    "2002::/16": "6to4",
    "3fff::/20": "documentation",
    "2620:4f:8000::/48": "AS112",
}
# Outside of it nothing is routed on the public net, whatever will be assigned there.
_GLOBAL_UNICAST_V6 = IPv6Network("2000::/3")

_LISTED: tuple[tuple[Network, str], ...] = tuple(
    (ip_network(network), kind) for network, kind in (_NOT_PUBLIC_V4 | _NOT_PUBLIC_V6).items()
)
# What stays closed to a receiver that the settings list by its name: one that is meant names its network.
_OPEN_TO_LISTED_NAMES: tuple[Network, ...] = tuple(
    ip_network(network)
    for network in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "127.0.0.0/8", "fc00::/7", "::1")
)


def why_not_public(address: Address) -> str | None:
    """What kind of address it is where it is not a public one; None for a public one."""
    for network, kind in _LISTED:
        if address.version == network.version and address in network:
            return kind
    if isinstance(address, IPv6Address) and address not in _GLOBAL_UNICAST_V6:
        return "outside of global unicast"
    return None


def is_inside(address: Address) -> bool:
    """Whether it is one of a network of one's own: private, unique local, carrier's or loopback."""
    return any(address.version == network.version and address in network for network in _OPEN_TO_LISTED_NAMES)
