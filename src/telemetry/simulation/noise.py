"""Random series that can be read at any time: the value at an instant depends on key and instant alone.

A counter-based generator (splitmix64 over the step number) feeds a moving average with an exponential kernel, which is
an AR(1) process. Nothing is kept between calls, so a value that is sent again is the value that was sent before.
"""

import hashlib
import math

import numpy as np
import numpy.typing as npt

from telemetry.readings import Floats, Int64s

Uint64s = npt.NDArray[np.uint64]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_1, _MIX_2 = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
# What the kernel leaves out is e^-6 of the newest weight.
_KERNEL_MEMORIES = 6


def key_of(*parts: object) -> np.uint64:
    """A key for a random series of its own."""
    text = "\x1f".join(str(part) for part in parts)
    return np.uint64(int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "little"))


def _mixed(key: np.uint64, step: Int64s) -> Uint64s:
    # Overflow is how the generator works; on arrays numpy wraps without a word.
    state = step.astype(np.uint64) * _GOLDEN + np.full(step.shape, key)
    state = (state ^ (state >> np.uint64(30))) * _MIX_1
    state = (state ^ (state >> np.uint64(27))) * _MIX_2
    return state ^ (state >> np.uint64(31))


def uniform(key: np.uint64, step: Int64s) -> Floats:
    """Independent numbers of [0, 1), one for each step number."""
    found: Floats = (_mixed(key, step) >> np.uint64(11)).astype(np.float64) * 2.0**-53
    return found


def normal(key: np.uint64, step: Int64s) -> Floats:
    """Independent numbers with mean 0 and variance 1, one for each step number (Box-Muller)."""
    first, second = uniform(key, 2 * step), uniform(key, 2 * step + 1)
    found: Floats = np.sqrt(-2.0 * np.log1p(-first)) * np.cos(2.0 * np.pi * second)
    return found


def wander(key: np.uint64, time_us: Int64s, *, step_us: int, memory: float) -> Floats:
    """An AR(1) series with mean 0 and variance 1 that forgets in `memory` steps; linear between its steps."""
    phi = math.exp(-1.0 / memory)
    length = math.ceil(_KERNEL_MEMORIES * memory)
    kernel = phi ** np.arange(length)
    kernel /= math.sqrt(float(np.sum(kernel**2)))
    step, rest = np.divmod(time_us, step_us)
    first, last = int(step.min()), int(step.max()) + 1
    innovations = normal(key, np.arange(first - length + 1, last + 1, dtype=np.int64))
    nodes = np.convolve(innovations, kernel, mode="valid")
    share = rest / step_us
    at = step - first
    found: Floats = nodes[at] * (1.0 - share) + nodes[at + 1] * share
    return found
