"""What is collected of keys in use, and what about it is odd."""

import pytest

from telemetry.admission import keeping, places
from telemetry.admission.places import Known
from telemetry.admission.sightings import Kind, Oddity, Sightings, Use, network_of
from telemetry.readings import Channel

MINUTE, DAY = 60_000_000, 86_400_000_000
NOON = 20_000 * DAY + DAY // 2
HOME, CAFE = "192.0.2.7", "198.51.100.9"
KEY = "st_aaaaaaaa"


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.0/24"),
        ("::ffff:192.0.2.7", "192.0.2.0/24"),
        ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("unix", None),
        ("", None),
    ],
)
def test_a_network_is_what_a_modem_moves_within(address: str, network: str | None) -> None:
    assert network_of(address) == network


def test_uses_are_joined_by_key_channel_and_address() -> None:
    seen = Sightings()
    for minute in range(3):
        seen.used(KEY, Channel.HTTP, HOME, NOON + minute)
    seen.used(KEY, Channel.MQTT, HOME, NOON)
    found = seen.drain()
    assert found.uses == [Use(KEY, Channel.HTTP, HOME, NOON, NOON + 2, 3), Use(KEY, Channel.MQTT, HOME, NOON, NOON, 1)]
    assert not seen.drain()


def test_what_is_collected_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("telemetry.admission.sightings._MOST_USES", 3)
    seen = Sightings()
    for number in range(5):
        seen.used(KEY, Channel.HTTP, f"192.0.2.{number}", NOON)
    found = seen.drain()
    assert (len(found.uses), found.lost) == (3, 2)


def test_the_same_oddity_of_a_day_is_urgent_once_and_counted_after_that() -> None:
    calls: list[int] = []
    seen = Sightings(lambda: calls.append(1))
    for minute in range(5):
        seen.odd(Kind.REVOKED_KEY, 1, Channel.HTTP, NOON + minute, key_id=KEY, address=HOME)
    [one] = seen.drain().oddities
    assert (one.times, one.first_us, one.last_us, len(calls)) == (5, NOON, NOON + 4, 1)
    seen.odd(Kind.REVOKED_KEY, 1, Channel.HTTP, NOON + 9, key_id=KEY)
    seen.odd(Kind.REVOKED_KEY, 1, Channel.HTTP, NOON + DAY, key_id=KEY)
    seen.odd(Kind.EXPIRED_KEY, 1, Channel.HTTP, NOON + DAY, key_id=KEY)
    assert len(calls) == 3


def test_a_pause_never_becomes_shorter() -> None:
    seen = Sightings()
    seen.pause(1, 50)
    seen.pause(1, 40)
    assert seen.drain().pauses == {1: 50}


def use(address: str, first: int, last: int | None = None, channel: Channel = Channel.HTTP) -> Use:
    return Use(KEY, channel, address, NOON + first * MINUTE, NOON + (first if last is None else last) * MINUTE, 1)


def known(address: str, last: int, channel: Channel = Channel.HTTP) -> Known:
    return Known(KEY, channel, str(network_of(address)), NOON + last * MINUTE)


def kinds(before: list[Known], uses: list[Use]) -> list[tuple[Kind, str | None]]:
    return [(one.kind, one.address) for one in places.odd(before, uses, {KEY: 1})]


def test_the_first_network_of_a_key_is_the_known_one() -> None:
    assert kinds([], [use(HOME, 0), use("192.0.2.200", 1)]) == []


def test_another_network_is_told() -> None:
    assert kinds([known(HOME, -60)], [use(CAFE, 0)]) == [(Kind.NEW_NETWORK, CAFE)]
    assert kinds([], [use(HOME, 0), use(CAFE, 1)]) == [(Kind.NEW_NETWORK, CAFE)]


def test_a_network_that_was_seen_before_is_not_told_again() -> None:
    assert kinds([known(HOME, -60), known(CAFE, -100)], [use(CAFE, 0)]) == []


def test_each_channel_has_networks_of_its_own() -> None:
    assert kinds([known(HOME, -60)], [use(CAFE, 0, channel=Channel.MQTT)]) == []


@pytest.mark.parametrize(
    ("before", "uses"),
    [
        # Both in one half minute, the one within the time of the other.
        ([], [use(HOME, 0, 4), use(CAFE, 1, 2)]),
        # In turns, each five minutes, over three rounds of writing down.
        ([known(HOME, -5), known(CAFE, -3)], [use(HOME, 0)]),
        ([known(HOME, -5)], [use(CAFE, -2), use(HOME, 0)]),
    ],
)
def test_a_key_that_comes_back_from_elsewhere_is_in_two_places(before: list[Known], uses: list[Use]) -> None:
    assert Kind.TWO_PLACES in [kind for kind, _ in kinds(before, uses)]


@pytest.mark.parametrize(
    ("before", "uses"),
    [
        # It moved and stayed.
        ([known(HOME, -5)], [use(CAFE, 0, 4)]),
        # It was at home again after half an hour: a modem that was given its former network.
        ([known(HOME, -30), known(CAFE, -16)], [use(HOME, 0)]),
        # Nothing new is said of what was seen before.
        ([known(HOME, -5), known(CAFE, -3)], [use(CAFE, 0)]),
    ],
)
def test_a_key_that_moves_is_in_one_place(before: list[Known], uses: list[Use]) -> None:
    assert Kind.TWO_PLACES not in [kind for kind, _ in kinds(before, uses)]


def test_keys_that_do_not_exist_any_more_are_left_out() -> None:
    assert places.odd([], [use(HOME, 0, 4), use(CAFE, 1, 2)], {}) == []


def test_oddities_of_one_span_are_joined() -> None:
    def one(at: int, address: str) -> Oddity:
        return Oddity(Kind.TWO_PLACES, 1, KEY, Channel.HTTP, address, "", NOON + at, NOON + at)

    [found] = keeping.merged([one(5, CAFE), one(1, HOME)])
    assert (found.address, found.first_us, found.last_us, found.times) == (CAFE, NOON + 1, NOON + 5, 2)
    assert len(keeping.merged([one(0, HOME), one(DAY, HOME)])) == 2
