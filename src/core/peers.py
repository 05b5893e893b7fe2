"""Who is at the other end of a connection: the socket's peer, or whom a trusted proxy says that it speaks for.

`X-Forwarded-For` is a list to which every proxy adds the address that it saw, at its right end. It is read from there,
and only as far as it was written by proxies that the settings name: what a client wrote itself stands further left and
changes nothing.
"""

from collections.abc import Callable, MutableMapping, Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any

Address = IPv4Address | IPv6Address

# A connection that has no address: a socket in the file system.
UNIX = "unix"
_FORWARDED = b"x-forwarded-for"
_PROXY = "proxy"
# A longer list than any path through real proxies has; what is left of it is not looked at.
_MOST_HOPS = 32
# What a whole site is given: whoever has one address of such a network has them all.
_SITE_BITS = 64


class NoNetwork(ValueError):
    """A text that is neither an address nor a network."""


class Networks:
    """A set of addresses: single ones, networks, and `unix` for sockets in the file system."""

    def __init__(self, text: str = "") -> None:
        """text: separated by commas. Raises NoNetwork."""
        names = [name.strip() for name in text.split(",") if name.strip()]
        self._unix = UNIX in names
        self._networks = [_network(name) for name in names if name != UNIX]
        # The same few proxies ask again and again.
        self._cached = lru_cache(maxsize=1024)(self._contains)

    def __bool__(self) -> bool:
        return self._unix or bool(self._networks)

    def __contains__(self, address: str) -> bool:
        return self._cached(address)

    def _contains(self, address: str) -> bool:
        if address == UNIX:
            return self._unix
        found = parsed(address)
        return found is not None and any(found in network for network in self._networks)


class Peers:
    """Tells the address of a client from its connection and the headers of its request."""

    def __init__(self, trusted: Networks, on_malformed: Callable[[], None] = lambda: None) -> None:
        """trusted: the proxies whose word counts. on_malformed: called for each header that could not be read."""
        self._trusted = trusted
        self._on_malformed = on_malformed

    def settle(self, scope: MutableMapping[str, Any]) -> None:
        """Put the client in the place of a trusted proxy, for everything behind that asks `client_of`; once."""
        peer = client_of(scope)
        state = scope.setdefault("state", {})
        if _PROXY in state or peer not in self._trusted:
            return
        state[_PROXY] = peer
        scope["client"] = (self._behind(peer, _forwarded(scope)), 0)

    def _behind(self, peer: str, lines: Sequence[bytes]) -> str:
        """The first address from the right that no trusted proxy has."""
        client = peer
        hops = [hop for line in lines for hop in line.decode("latin-1").split(",")]
        for hop in reversed(hops[-_MOST_HOPS:]):
            found = parsed(hop.strip())
            if found is None:
                # Whoever wrote this cannot be asked what was meant; the proxy that passed it on is the last one known.
                self._on_malformed()
                return client
            client = str(found)
            if client not in self._trusted:
                return client
        return client


def client_of(scope: MutableMapping[str, Any]) -> str:
    """The client of an ASGI connection: an IP address in its usual form, or `unix`."""
    client = scope.get("client")
    return _usual(client[0]) if client else UNIX


def is_direct(scope: MutableMapping[str, Any]) -> bool:
    """Whether nobody stands between the client and this process whose word does not count.

    A proxy on the same machine that the settings do not name makes the whole world look like this machine.
    """
    return _PROXY in scope.get("state", {}) or not _forwarded(scope)


def _forwarded(scope: MutableMapping[str, Any]) -> list[bytes]:
    """The lines of X-Forwarded-For, in the order in which they came."""
    return [value for name, value in scope["headers"] if name == _FORWARDED]


@lru_cache(maxsize=4096)
def _usual(text: str) -> str:
    """An address as it is usually written; what is none stays as it is. Asked for every request."""
    found = parsed(text)
    return text if found is None else str(found)


@lru_cache(maxsize=4096)
def parsed(text: str) -> Address | None:
    """The address in a text; an IPv4 one that was written as IPv6 (`::ffff:192.0.2.1`) is itself."""
    try:
        found = ip_address(text)
    except ValueError:
        return None
    if isinstance(found, IPv6Address):
        # A zone names a network card of this machine, not a client.
        return found.ipv4_mapped or (IPv6Address(int(found)) if found.scope_id else found)
    return found


def is_loopback(host: str) -> bool:
    """Whether a host, given by its address or as `localhost`, is this machine."""
    found = parsed(host)
    return host == "localhost" if found is None else found.is_loopback


def group(address: str) -> str:
    """What is throttled as one: an IPv4 address, or the /64 network that one subscriber has of IPv6."""
    found = parsed(address)
    if isinstance(found, IPv6Address):
        return str(IPv6Network((found, _SITE_BITS), strict=False))
    return address


def _network(name: str) -> Any:
    try:
        return ip_network(name, strict=True)
    except ValueError as error:
        raise NoNetwork(f"{name!r} is neither an address nor a network such as 10.0.0.0/8: {error}") from None
