"""What a password must be, and how its hash is made without holding anybody up."""

import asyncio
import threading
from collections.abc import Iterator

import pytest

from identity.people import passwords
from identity.people.passwords import Hasher, HashingBusy, WeakPassword
from tests.fixtures.sessions import quick_hasher

SENTENCE = "ba con mèo trên mái nhà"


@pytest.fixture
def hasher() -> Iterator[Hasher]:
    with quick_hasher() as made:
        yield made


@pytest.mark.parametrize(
    "text",
    [
        SENTENCE,
        "correct horse battery",
        "một câu dài dễ nhớ",
        "jk8#ffQz1!pL",
        "000000 quả cam xanh",
        "mèo nhỏ ở quantrac ngủ say",
        "ñ" * 6 + "abcde" + "🙂",
    ],
)
def test_no_kind_of_character_is_asked_for(text: str) -> None:
    passwords.check(text, "nguyen.an", "Nguyễn Văn An")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ngắn quá",
        "x" * 257,
        "123456789012",
        "aaaaaaaaaaaaaaa",
        "abcdefghijklmnop",
        "1qaz2wsx3edc",
        "Password123456",
        "PASSWORDpassword",
        "!!!dragon2024!!!",
        "matkhau123456",
        "Thanhhoa@2024",
        "quantrac2026!",
        "Quan Trắc 2026",
        "nguyen.an.2026",
        "Nguyễn Văn An 1",
        "an.nguyen@2026",
    ],
)
def test_what_is_tried_first_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(WeakPassword) as caught:
        passwords.check(text, "nguyen.an", "Nguyễn Văn An", "an.nguyen@example.vn")
    told = caught.value.detail + str(caught.value.faults)
    assert not text or text not in told


def test_the_list_says_where_it_comes_from_and_holds_what_is_long_enough() -> None:
    known = passwords._known()
    assert 10_000 < len(known) < 11_000
    assert sum(len(word) >= passwords.SHORTEST for word in known) >= 229
    assert all(word == passwords.normal(word).casefold() for word in known)


def test_marks_that_are_typed_in_another_order_are_the_same_password() -> None:
    assert passwords.normal("me\u0300o") == passwords.normal("mèo")
    assert passwords.normal("\udcff") == "?"


async def test_a_hash_is_argon2id_with_the_parameters_that_are_written_down() -> None:
    with Hasher() as real:
        hashed = await real.hash(SENTENCE)
        assert hashed.startswith("$argon2id$v=19$m=65536,t=3,p=1$")
        found = await real.verify(SENTENCE, hashed)
    assert (found.right, found.rehashed) == (True, None)


async def test_two_hashes_of_one_password_differ(hasher: Hasher) -> None:
    assert await hasher.hash(SENTENCE) != await hasher.hash(SENTENCE)


async def test_a_wrong_one_and_what_is_no_hash_are_not_right(hasher: Hasher) -> None:
    hashed = await hasher.hash(SENTENCE)
    assert not (await hasher.verify(SENTENCE + "!", hashed)).right
    assert not (await hasher.verify(SENTENCE, "no hash")).right
    assert not (await hasher.verify(SENTENCE, None)).right
    assert not (await hasher.verify("\udcff" * 300, hashed)).right


async def test_a_hash_under_former_parameters_is_made_anew() -> None:
    with Hasher(memory_kib=32, passes=1) as former, quick_hasher() as present:
        found = await present.verify(SENTENCE, await former.hash(SENTENCE))
        assert found.right
        assert found.rehashed is not None
        assert "m=64," in found.rehashed
        assert (await present.verify("another one", await former.hash(SENTENCE))).rehashed is None


class Held:
    """A hasher whose work waits until it is let go; counts how much of it is done side by side."""

    def __init__(self, hasher: Hasher) -> None:
        self.go = threading.Event()
        self.most = self._now = 0
        self._lock = threading.Lock()
        self._verify = hasher._verify
        hasher._verify = self.held  # type: ignore[method-assign] # the work itself is not what is tested

    def held(self, text: str, hashed: str | None) -> passwords.Verified:
        with self._lock:
            self._now += 1
            self.most = max(self.most, self._now)
        assert self.go.wait(30)
        with self._lock:
            self._now -= 1
        return self._verify(text, hashed)


async def test_the_line_is_bounded_and_leaves_room_for_who_was_here_before(hasher: Hasher) -> None:
    held = Held(hasher)
    strangers = [asyncio.create_task(hasher.verify("x", None)) for _ in range(16)]
    await asyncio.sleep(0)
    with pytest.raises(HashingBusy) as caught:
        await hasher.verify("x", None)
    assert (caught.value.status, caught.value.retry_after) == (503, 5)
    friends = [asyncio.create_task(hasher.verify("x", None, acquainted=True)) for _ in range(8)]
    await asyncio.sleep(0)
    with pytest.raises(HashingBusy):
        await hasher.verify("x", None, acquainted=True)
    held.go.set()
    await asyncio.gather(*strangers, *friends)
    assert held.most == 1
    assert hasher._waiting == 0


async def test_who_hangs_up_keeps_the_place_until_the_work_is_done(hasher: Hasher) -> None:
    held = Held(hasher)
    waiting = asyncio.create_task(hasher.verify("x", None))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert hasher._waiting == 1
    held.go.set()
    await hasher.verify("x", None)
    assert hasher._waiting == 0


async def test_the_event_loop_goes_on_while_hashes_are_made(hasher: Hasher) -> None:
    held = Held(hasher)
    waiting = asyncio.create_task(hasher.verify("x", None))
    for _ in range(100):
        await asyncio.sleep(0)
    assert not waiting.done()
    held.go.set()
    await waiting


async def test_a_hasher_that_is_closed_takes_nothing() -> None:
    closed = quick_hasher()
    with pytest.raises(HashingBusy):
        await closed.hash(SENTENCE)
