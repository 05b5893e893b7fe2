"""Decides where webhooks may go: which addresses of receivers are taken, and to which IP address a connection is made.

The guard against a receiver that is in truth a service of ours (server-side request forgery). Rules of this file: an
address is read once, strictly, and only its parts are used afterwards; a name is resolved once for an attempt, every
answer must be allowed, and the connection is made to one of those answers and to nothing else.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address, IPv6Address, ip_address, ip_network
from typing import Literal
from urllib.parse import urlsplit

from telemetry.hooks.webhooks import addresses
from telemetry.hooks.webhooks.addresses import Address, Network

Scheme = Literal["https", "http"]

LONGEST_URL = 2000
_DEFAULT_PORTS: dict[str, int] = {"https": 443, "http": 80}
# Printable ASCII without what programs read differently: space, quotes, angle brackets, backslash, braces, caret, bar.
_URL = re.compile(r"[!#$%&'()*+,\-./0-9:;=?@A-Z\[\]_a-z~]+")
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
# A last label that some programs read as a number makes the whole an IPv4 address to them.
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_RECEIVER = re.compile(r"(?:(https?)://)?(\[[0-9a-f:./]+\]|[a-z0-9_.-]+(?:/[0-9]{1,2})?)(?::([0-9]{1,5}))?")


class Refused(ValueError):
    """The receiver may not be written to; the text says why and is fit to be shown to whoever entered it."""


class UnreadableReceiver(ValueError):
    """An entry of the list of private receivers that cannot be read."""


@dataclass(frozen=True, slots=True)
class Target:
    """The parts of a receiver's address. `literal` is the host where it is written as an IP address."""

    scheme: Scheme
    host: str
    port: int
    path: str
    literal: Address | None = None

    @property
    def authority(self) -> str:
        """The value of the Host header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Receiver:
    """A private receiver that the settings allow, by name or by network; `port` None is any of the allowed ports."""

    name: str | None
    network: Network | None
    port: int | None
    http: bool

    def takes(self, target: Target, ports: frozenset[int]) -> bool:
        """Whether scheme and port are those of the entry; the host is compared by the caller."""
        if target.scheme == "http" and not self.http:
            return False
        if self.port is not None:
            return target.port == self.port
        return target.port in ports or target.port == _DEFAULT_PORTS[target.scheme]


@dataclass(frozen=True, slots=True)
class Policy:
    """Where webhooks may go beside https to public addresses at these ports."""

    ports: frozenset[int] = frozenset({443, 8443})
    receivers: tuple[Receiver, ...] = ()


def receiver(text: str) -> Receiver:
    """An entry of the allow-list: `[http://|https://]name|address|network[:port]`, IPv6 in brackets.

    With `http://` it may be written to without TLS. Raises UnreadableReceiver.
    """
    found = _RECEIVER.fullmatch(text.strip().lower())
    if found is None:
        raise UnreadableReceiver(f"{text!r} is no receiver such as http://10.20.0.0/16:8080 or alarms.example.vn:8443")
    scheme, host, port_text = found.groups()
    port = int(port_text) if port_text else None
    if port is not None and not 0 < port < 65536:
        raise UnreadableReceiver(f"{text!r} has no port between 1 and 65535")
    bare = host.strip("[]")
    try:
        return Receiver(None, ip_network(bare), port, http=scheme == "http")
    except ValueError as failure:
        if "/" in bare or host.startswith("[") or _NUMBER.fullmatch(bare.rpartition(".")[2]):
            raise UnreadableReceiver(f"{text!r} has no readable address: {failure}") from None
    return Receiver(bare, None, port, http=scheme == "http")


def target(url: str, policy: Policy) -> Target:
    """The parts of a receiver's address. Raises Refused for one that could never be written to."""
    if len(url) > LONGEST_URL:
        raise Refused(f"the address is longer than {LONGEST_URL} characters")
    if not _URL.fullmatch(url):
        raise Refused("the address has spaces or characters outside of ASCII; write them encoded, a name as xn--…")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise Refused("the address cannot be read") from None
    scheme = parts.scheme
    if scheme not in ("https", "http") or not url.lower().startswith(f"{scheme}://"):
        raise Refused("the address does not begin with https://")
    if "@" in parts.netloc:
        raise Refused("the address names a user; take it out, deliveries are signed")
    if "#" in url:
        raise Refused("the address has a fragment (#…), which is never sent")
    literal, host = _host(parts.netloc)
    path = parts.path or "/"
    found = Target(
        scheme=scheme,  # type: ignore[arg-type] # one of the two, see above
        host=host,
        port=_DEFAULT_PORTS[scheme] if port is None else port,
        path=f"{path}?{parts.query}" if parts.query else path,
        literal=literal,
    )
    _check_scheme_and_port(found, policy)
    if literal is not None:
        _check_address(found, literal, policy)
    return found


def _host(netloc: str) -> tuple[Address | None, str]:
    """The host, in small letters; with the IP address that it is, if it is one."""
    found = re.fullmatch(r"(\[[^\[\]]*\]|[^:\[\]]*)(?::([0-9]{1,5}))?", netloc)
    if found is None:
        raise Refused("the host and port cannot be read")
    host = found[1].lower()
    if host.startswith("["):
        if "%" in host:
            raise Refused("the address has a zone (%…)")
        try:
            v6 = IPv6Address(host[1:-1])
        except AddressValueError:
            raise Refused("the host is no IPv6 address") from None
        return v6, str(v6)
    if host.endswith("."):
        raise Refused("the host ends in a dot")
    labels = host.split(".")
    if len(host) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise Refused("the host is no name")
    if not _NUMBER.fullmatch(labels[-1]):
        return None, host
    try:
        v4 = IPv4Address(host)
    except AddressValueError:
        raise Refused("the host is a number; an IPv4 address has four decimal parts") from None
    return v4, str(v4)


def _check_scheme_and_port(found: Target, policy: Policy) -> None:
    """Refused where no public receiver and no listed one could have this scheme and port."""
    if found.port == 0:
        raise Refused("port 0 is no port")
    listed = any(
        entry.takes(found, policy.ports) and (entry.network is not None or entry.name == found.host)
        for entry in policy.receivers
    )
    if listed:
        return
    if found.literal is None and "." not in found.host:
        raise Refused("a name without a dot is of a network of one's own; the settings can list private receivers")
    if found.scheme != "https":
        raise Refused("only https is allowed; the settings can list private receivers that take http")
    if found.port not in policy.ports:
        ports = ", ".join(map(str, sorted(policy.ports)))
        raise Refused(f"port {found.port} is not among the allowed ones ({ports})")


def _check_address(found: Target, address: Address, policy: Policy) -> None:
    """Refused unless the address is public, or the settings list the receiver."""
    for entry in policy.receivers:
        if not entry.takes(found, policy.ports):
            continue
        if entry.network is not None and address.version == entry.network.version and address in entry.network:
            return
        if entry.name == found.host and (addresses.is_inside(address) or addresses.why_not_public(address) is None):
            return
    kind = addresses.why_not_public(address)
    if kind is not None:
        raise Refused(f"{address} is not public: {kind}")
    # A private network that is listed does not open its scheme and port to the public net.
    _check_scheme_and_port(found, Policy(policy.ports))


def choose(found: Target, answers: Sequence[str], policy: Policy, turn: int = 0) -> Address:
    """The address to connect to, of all that the name resolved to; `turn` goes round them from attempt to attempt.

    Raises Refused where any of them is not allowed: whoever answers for the name would choose among them.
    """
    if not answers:
        raise Refused("the name has no address")
    read = []
    for answer in answers:
        try:
            read.append(ip_address(answer))
        except ValueError:
            # A zone (fe80::1%eth0) among them: link-local.
            raise Refused(f"the name resolves to {answer}, which is not public") from None
        if getattr(read[-1], "scope_id", None) is not None:
            raise Refused(f"the name resolves to {answer}, which is not public: link-local")
    for address in read:
        _check_address(found, address, policy)
    return read[turn % len(read)]
