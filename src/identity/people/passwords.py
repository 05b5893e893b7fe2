"""What a password must be, and its slow hash.

Rules of this file: a hash is made beside the event loop, by fewer threads than there are cores; who waits for one waits
in a line of fixed length; and a name that nobody has costs as much as a wrong password.
"""

import asyncio
import os
import re
import threading
import unicodedata
from base64 import b64encode
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from itertools import pairwise
from typing import Self, TypeVar

from prometheus_client import Counter, Gauge
from pwdlib.hashers.argon2 import Argon2Hasher

from core import errors

SHORTEST, LONGEST = 12, 256
# Argon2id with 64 MiB, three passes, one lane: about 140 ms of one core of 2024, and of one core only.
_MEMORY_KIB, _PASSES, _LANES = 65_536, 3, 1
# What is left of a password beside well-known words and the person's own must be more than an ornament.
_LEAST_OWN = 6
_OWN_WORDS = ("quantrac", "quan trac", "quan trắc")
_ORNAMENTS = re.compile(r"^[\W\d_]+|[\W\d_]+$")
# Steps between neighbours of a run such as 123456789012, abcdefghijkl or aaaaaaaaaaaa.
_STEPS = frozenset({0, 1, -1, 9, -9})
# People who were here before find room even while strangers fill the line.
_STRANGERS, _ACQUAINTANCES = 16, 24
_BUSY_SECONDS = 5
_GENTLE = 5

Result = TypeVar("Result")

REFUSED = Counter("quantrac_password_line_full_total", "Sign-ins that were turned away because too many were waiting.")
WAITING = Gauge("quantrac_password_hashes_waiting", "Passwords that are hashed or wait for it.")


class WeakPassword(errors.Invalid):
    slug = "weak-password"
    title = "This password would be guessed"


class HashingBusy(errors.Overloaded):
    slug = "sign-in-busy"
    title = "Too many passwords are being checked"


def normal(password: str) -> str:
    """The same characters however a keyboard makes them: Vietnamese marks can be typed as one character or as two."""
    # What is no character cannot be hashed; JSON can bring it in.
    return unicodedata.normalize("NFKC", password.encode("utf-8", "replace").decode())


def check(password: str, *own: str) -> None:
    """Raise WeakPassword where the password is short or among what is tried first.

    own: words of the person, which others know. No kind of character is asked for, and none is refused.
    """
    text = normal(password)
    if len(text) < SHORTEST:
        raise _weak("a short one", f"at least {SHORTEST} characters; a sentence is easier to keep in mind")
    if len(text) > LONGEST:
        raise _weak("a long one", f"at most {LONGEST} characters")
    if _is_well_known(text.casefold(), own):
        raise _weak("one that is tried first", "one that is not made of a well-known password or of your own name")


def _weak(found: str, expected: str) -> WeakPassword:
    # What was typed is said nowhere again.
    return WeakPassword("Choose another password.", faults=[errors.Fault("password", found, expected)])


def _is_well_known(text: str, own: Iterable[str]) -> bool:
    known = _known()
    if text in known or _is_run(text):
        return True
    core = _ORNAMENTS.sub("", text)
    half = core[: len(core) // 2]
    if core in known or (core == half * 2 and half in known):
        return True
    return len(_without(core, own)) < _LEAST_OWN <= len(core)


def _without(core: str, own: Iterable[str]) -> str:
    """What is left when the words that everybody knows of the person and of the service are taken out."""
    words = {word for text in (*own, *_OWN_WORDS) for word in (text.casefold(), *re.split(r"[\W_]+", text.casefold()))}
    for word in sorted((word for word in words if len(word) > 2), key=len, reverse=True):
        core = core.replace(word, "")
    return _ORNAMENTS.sub("", core)


def _is_run(text: str) -> bool:
    return {ord(after) - ord(before) for before, after in pairwise(text)} <= _STEPS


@lru_cache(maxsize=1)
def _known() -> frozenset[str]:
    lines = files("identity.people").joinpath("known_passwords.txt").read_text(encoding="utf-8").splitlines()
    return frozenset(line for line in lines if not line.startswith("#"))


@dataclass(frozen=True, slots=True)
class Verified:
    """rehashed: the same password under the parameters of today, where it was kept under others."""

    right: bool
    rehashed: str | None = None


class Hasher:
    """Makes and verifies hashes; one for each process. Use as a context manager."""

    def __init__(
        self, *, memory_kib: int = _MEMORY_KIB, passes: int = _PASSES, side_by_side: int | None = None
    ) -> None:
        """side_by_side: hashes at the same time; without it one fewer than cores, and at least one."""
        self._argon2 = Argon2Hasher(time_cost=passes, memory_cost=memory_kib, parallelism=_LANES)
        self._threads = side_by_side or max(1, (os.cpu_count() or 1) - 1)
        self._parameters = f"m={memory_kib},t={passes},p={_LANES}"
        self._pool: ThreadPoolExecutor | None = None
        self._waiting = 0

    def __enter__(self) -> Self:
        self._pool = ThreadPoolExecutor(self._threads, "passwords", initializer=_be_gentle)
        return self

    def __exit__(self, *_: object) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)

    async def hash(self, password: str) -> str:
        """Raises HashingBusy."""
        text = normal(password)
        return await self._in_line(lambda: self._argon2.hash(text), _ACQUAINTANCES)

    async def verify(self, password: str, hashed: str | None, *, acquainted: bool = False) -> Verified:
        """hashed: None where there is none, which takes as long. Raises HashingBusy."""
        text = normal(password)[: LONGEST + 1]
        return await self._in_line(lambda: self._verify(text, hashed), _ACQUAINTANCES if acquainted else _STRANGERS)

    async def _in_line(self, work: Callable[[], Result], longest: int) -> Result:
        if self._pool is None or self._waiting >= longest:
            REFUSED.inc()
            raise HashingBusy("Too many people sign in just now.", retry_after=_BUSY_SECONDS)
        self._waiting += 1
        WAITING.set(self._waiting)
        future = asyncio.get_running_loop().run_in_executor(self._pool, work)
        # Whoever hangs up leaves the work behind, which still takes its place in the line.
        future.add_done_callback(lambda _: self._left())
        return await asyncio.shield(future)

    def _left(self) -> None:
        self._waiting -= 1
        WAITING.set(self._waiting)

    def _verify(self, text: str, hashed: str | None) -> Verified:
        if hashed is None:
            self._argon2.verify(text, self._of_nobody())
            return Verified(right=False)
        right = self._argon2.verify(text, hashed)
        outdated = right and self._argon2.check_needs_rehash(hashed)
        return Verified(right, self._argon2.hash(text) if outdated else None)

    def _of_nobody(self) -> str:
        """What looks like a hash under the parameters of today, and is one of no password."""
        salt, digest = (b64encode(os.urandom(length)).decode().rstrip("=") for length in (16, 32))
        return f"$argon2id$v=19${self._parameters}${salt}${digest}"


def _be_gentle() -> None:
    """Let the event loop and everything else go first, where the system knows priorities of threads (Linux)."""
    with suppress(AttributeError, OSError):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _GENTLE)
