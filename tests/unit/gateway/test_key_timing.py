"""How long it takes to refuse a key does not tell whether its public half exists.

Inside the process a difference of a few nanoseconds can always be seen: an entry that is there is read from memory, one
that is not is not. What counts is what 20,000 requests could show, whose times scatter by 10 µs at the very least, even
on the machine itself: 4.5 × 10 µs × √(2 / 10,000). Guesses of all kinds take turns, and what the system interrupted is
left out on all sides; requests over HTTP are compared in the tests of the gateway.
"""

import gc
import random
import time
from typing import cast

import numpy as np
import numpy.typing as npt
import pytest

from core import access, errors
from gateway.identity import Identity
from telemetry.admission.admitting import Admission
from telemetry.admission.quotas import Quota, Quotas
from telemetry.admission.sightings import Sightings
from telemetry.catalog import keys, snapshot
from telemetry.catalog.loading import LiveCatalog

GUESSES = 20_000
# A difference that is there shows each time; one that was the machine's does not.
ROUNDS = 3
# Nanoseconds; a greater difference could be told apart by Welch's t > 4.5.
SEPARABLE = 4.5 * 10_000 * (2 / 10_000) ** 0.5


class Standing:
    """A hundred stations with a live key each, and as many with a revoked one."""

    def __init__(self) -> None:
        issued = [keys.generate() for _ in range(200)]
        self.ids = [key_id for key_id, _ in issued]
        stations = [snapshot.StationEntry(n, f"NT-{n}", "wastewater", "active", 300, None) for n in range(1, 201)]
        entries = [
            snapshot.KeyEntry(key_id, n, keys.hashes(credential).sha256, snapshot.OPEN_END_US, revoked=n > 100)
            for n, (key_id, credential) in enumerate(issued, 1)
        ]
        self.snapshot = snapshot.build(1, stations, [], [], [], entries)


@pytest.fixture(scope="module")
def rounds() -> list[dict[str, npt.NDArray[np.float64]]]:
    catalog = Standing()
    gate = Admission(catalog, Quotas(catalog, Quota(), time.monotonic), Sightings())
    identity = Identity(cast("LiveCatalog", catalog), None, notes=gate)
    return [_times(catalog, identity) for _ in range(ROUNDS)]


def _times(catalog: Standing, identity: Identity) -> dict[str, npt.NDArray[np.float64]]:
    """Nanoseconds of each guess, by kind; `known` and `control` are of the same kind."""
    kinds = ["known", "control", "unknown", "revoked"] * (GUESSES // ROUNDS // 4)
    random.shuffle(kinds)
    guesses = [_guess(catalog, kind) for kind in kinds]
    found: dict[str, list[int]] = {kind: [] for kind in set(kinds)}
    gc.disable()
    try:
        for kind, credential in zip(kinds, guesses, strict=True):
            found[kind].append(_nanoseconds(identity, credential))
    finally:
        gc.enable()
    return {kind: np.array(numbers, np.float64) for kind, numbers in found.items()}


def _guess(catalog: Standing, kind: str) -> str:
    """A key that nobody has; what is drawn is drawn for every kind alike."""
    fresh, credential = keys.generate()
    live, revoked = random.choice(catalog.ids[:100]), random.choice(catalog.ids[100:])
    key_id = {"unknown": fresh, "revoked": revoked}.get(kind, live)
    return "".join([key_id, ".", credential.partition(".")[2]])


def _nanoseconds(identity: Identity, credential: str) -> int:
    began = time.perf_counter_ns()
    try:
        identity.station(credential, "192.0.2.7")
    except errors.Unauthorized:
        return time.perf_counter_ns() - began
    raise AssertionError


def _difference(one: npt.NDArray[np.float64], other: npt.NDArray[np.float64]) -> float:
    """Of two means, each of what lies below the third quartile."""
    first, second = (times[times <= np.quantile(times, 0.75)].mean() for times in (one, other))
    return abs(float(first - second))


@pytest.mark.parametrize("kind", ["unknown", "revoked"])
def test_a_guess_takes_as_long_whether_its_public_half_exists_or_not(
    rounds: list[dict[str, npt.NDArray[np.float64]]], kind: str
) -> None:
    found = [_difference(times["known"], times[kind]) for times in rounds]
    assert min(found) < SEPARABLE, found


def test_a_difference_that_could_be_told_apart_is_found(rounds: list[dict[str, npt.NDArray[np.float64]]]) -> None:
    """As a hash that is computed for one kind only would make it."""
    assert all(_difference(times["known"], times["control"] + 1_000) > SEPARABLE for times in rounds)


async def test_all_refusals_say_the_same() -> None:
    catalog = Standing()
    identity = Identity(cast("LiveCatalog", catalog), None)
    told = set()
    for credential in (f"{catalog.ids[0]}.{'x' * 43}", f"{catalog.ids[150]}.{'x' * 43}", f"st_00000000.{'x' * 43}"):
        with pytest.raises(errors.Unauthorized) as refusal:
            await identity(access.Presented(bearer=credential, address="192.0.2.7"))
        told.add((refusal.value.detail, refusal.value.faults))
    assert len(told) == 1
