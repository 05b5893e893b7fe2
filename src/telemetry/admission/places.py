"""Finds keys that are used from a new network, or from two places at once. Pure.

The first network of a key on a channel is the known one. Modems are given addresses of changing networks, so another
network is something to be told once and nothing to be refused. A key that comes back to a network soon after it was
used from another one is in two places: a device that moved does not go back and forth.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, pairwise
from typing import NamedTuple

from telemetry.admission.sightings import Kind, Oddity, Use, network_of

# Two stations' readings are five minutes apart: twice that, and a key that is used in turns is found.
BACK_WITHIN_US = 15 * 60 * 10**6


class Known(NamedTuple):
    """A network that a key was used from before, and when last."""

    key_id: str
    channel: str
    network: str
    last_us: int


class _Moment(NamedTuple):
    us: int
    network: str
    use: Use | None


def odd(known: Sequence[Known], uses: Iterable[Use], owners: Mapping[str, int]) -> list[Oddity]:
    """What is odd about the uses, given what was known before them. owners: station by key; others are left out."""
    before: dict[tuple[str, str], list[Known]] = {}
    for one in known:
        before.setdefault((one.key_id, one.channel), []).append(one)
    now: dict[tuple[str, str], list[Use]] = {}
    for use in uses:
        if use.key_id in owners and network_of(use.address) is not None:
            now.setdefault((use.key_id, use.channel), []).append(use)
    found = (_of_key(before.get(key, []), group, owners[key[0]]) for key, group in now.items())
    return list(chain.from_iterable(found))


def _of_key(known: list[Known], uses: list[Use], station_id: int) -> Iterator[Oddity]:
    uses.sort(key=lambda use: use.first_us)
    networks = {one.network for one in known}
    for use in uses:
        network = str(network_of(use.address))
        if networks and network not in networks:
            yield _oddity(Kind.NEW_NETWORK, station_id, use, use.first_us, network)
        networks.add(network)
    back = _back_and_forth(known, uses)
    if back is not None:
        last, here, there = back
        yield _oddity(Kind.TWO_PLACES, station_id, last, last.last_us, f"{here}, {there}")


def _oddity(kind: Kind, station_id: int, use: Use, at_us: int, detail: str) -> Oddity:
    return Oddity(kind, station_id, use.key_id, use.channel, use.address, detail, at_us, at_us)


def _back_and_forth(known: list[Known], uses: list[Use]) -> tuple[Use, str, str] | None:
    """The last use from a network that was left for another one a short time before, with both networks."""
    moments = [_Moment(one.last_us, one.network, None) for one in known]
    for use in uses:
        network = str(network_of(use.address))
        moments += [_Moment(use.first_us, network, use), _Moment(use.last_us, network, use)]
    moments.sort(key=lambda moment: moment.us)
    found = None
    left: dict[str, int] = {}
    for earlier, later in pairwise(moments):
        if earlier.network == later.network:
            continue
        left[earlier.network] = earlier.us
        gone = left.get(later.network)
        if gone is not None and later.use is not None and later.us - gone <= BACK_WITHIN_US:
            found = (later.use, later.network, earlier.network)
    return found
