"""The id that a request, its answer and its log lines share."""

import random
from itertools import count

_LONGEST = 64
_numbers = count(random.getrandbits(40))


def choose(given: bytes | None) -> str:
    """The caller's own id where it is a harmless one, else a new one."""
    if given is not None and len(given) <= _LONGEST and given.replace(b"-", b"").isalnum():
        return given.decode("ascii")
    return f"{next(_numbers):010x}"
