"""How often something may happen: rules that count in memory, in a fixed number of entries, against a given clock."""

import math
from collections import OrderedDict
from collections.abc import Callable
from hashlib import blake2b

MOST_NAMES = 20_000
_MINUTE = 60.0
# Names come from strangers. What is kept of one is a number of eight bytes, and nothing of what they wrote.
_DIGEST_BYTES = 8
# Of a second: what is left over when steps are added and taken away is no wait.
_NOTHING = 1e-6


class Rate:
    """So many happenings a minute for each name, all of which may come at once.

    One number is held for each name: the moment at which its allowance is whole again. It moves on by a fixed step each
    time; a name has nothing left while that moment lies as far ahead as a whole allowance takes.
    """

    def __init__(self, per_minute: int, clock: Callable[[], float], most_names: int = MOST_NAMES) -> None:
        """per_minute: 0 for no limit. clock: seconds that never go back. most_names: the least recent goes first."""
        self._step = _MINUTE / per_minute if per_minute else 0.0
        self._clock = clock
        self._most = most_names
        self._whole: OrderedDict[int, float] = OrderedDict()

    def __len__(self) -> int:
        return len(self._whole)

    def wait(self, *name: str) -> int:
        """Whole seconds until it may happen again; 0 where it may now."""
        return self._until(self._whole.get(_digest(name), 0.0), self._clock())

    def take(self, *name: str) -> int:
        """0 where it may happen now, which is counted; else the seconds to wait, and nothing is counted."""
        if not self._step:
            return 0
        key, now = _digest(name), self._clock()
        whole = self._whole.get(key, 0.0)
        if seconds := self._until(whole, now):
            return seconds
        self._whole[key] = max(whole, now) + self._step
        self._whole.move_to_end(key)
        if len(self._whole) > self._most:
            self._whole.popitem(last=False)
        return 0

    def _until(self, whole: float, now: float) -> int:
        missing = whole + self._step - now - _MINUTE
        return math.ceil(missing) if self._step and missing > _NOTHING else 0


class Failures:
    """Credentials that were tried in vain, by address and by name: the half of a credential that is no secret.

    Whoever knows a name must not be able to keep its owner out. A secret that cannot be guessed is therefore looked at
    whatever was tried under its name from elsewhere, and a password is where it was right before. Such a place has an
    allowance of its own, so that a neighbour behind the same address cannot try without end.
    """

    def __init__(
        self, per_address: int, per_name: int, clock: Callable[[], float], most_names: int = MOST_NAMES
    ) -> None:
        """Failures a minute that one address, and all addresses under one name, may have; 0 for no limit."""
        self._addresses = Rate(per_address, clock, most_names)
        self._names = Rate(per_name, clock, most_names)
        self._pairs = Rate(per_name, clock, most_names)
        self._proven: OrderedDict[int, None] = OrderedDict()
        self._most = most_names

    def wait(self, address: str, name: str, *, guessable: bool) -> int:
        """Seconds to wait before another credential is looked at. guessable: a person chose the secret."""
        if self._is_proven(address, name):
            return self._pairs.wait(address, name)
        waits = self._addresses.wait(address)
        return max(waits, self._names.wait(name)) if guessable else waits

    def failed(self, address: str, name: str) -> int:
        """Count a failure; the seconds to wait where there were too many, which are the same for any name."""
        if self._is_proven(address, name):
            self._pairs.take(address, name)
        return max(self._addresses.take(address), self._names.take(name))

    def succeeded(self, address: str, name: str) -> None:
        """Remember that the name was used rightly from there."""
        key = _digest((address, name))
        self._proven[key] = None
        self._proven.move_to_end(key)
        if len(self._proven) > self._most:
            self._proven.popitem(last=False)

    def _is_proven(self, address: str, name: str) -> bool:
        return _digest((address, name)) in self._proven


def _digest(parts: tuple[str, ...]) -> int:
    made = blake2b(digest_size=_DIGEST_BYTES)
    for part in parts:
        made.update(part.encode("utf-8", "surrogatepass"))
        made.update(b"\0")
    return int.from_bytes(made.digest(), "big")
