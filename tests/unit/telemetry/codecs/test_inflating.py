"""gzip bodies: what is taken off, and the bombs and damages that are refused before they cost anything."""

import gzip
import time
import tracemalloc
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import Error
from telemetry.codecs.errors import BrokenCompression, InflatedTooLarge, UnknownEncoding
from telemetry.codecs.inflating import inflate

CAP = 1 << 20


@settings(deadline=None)
@given(st.binary(max_size=2000))
def test_one_gzip_member_is_taken_off(body: bytes) -> None:
    assert inflate(gzip.compress(body), "gzip", CAP) == body


@pytest.mark.parametrize("encoding", [None, "", "identity", " Identity "])
def test_a_plain_body_is_left_alone(encoding: str | None) -> None:
    assert inflate(b"\x1f\x8bnot gzip", encoding, CAP) == b"\x1f\x8bnot gzip"


@pytest.mark.parametrize("encoding", ["GZIP", " gzip ", "x-gzip"])
def test_the_name_of_the_encoding_is_read_without_regard_to_case(encoding: str) -> None:
    assert inflate(gzip.compress(b"x"), encoding, CAP) == b"x"


@pytest.mark.parametrize("encoding", ["deflate", "br", "zstd", "gzip, gzip", "gzip,identity", "nonsense"])
def test_another_encoding_is_refused(encoding: str) -> None:
    with pytest.raises(UnknownEncoding) as caught:
        inflate(gzip.compress(b"x"), encoding, CAP)
    assert caught.value.status == 415
    assert encoding in caught.value.detail


def test_the_cap_is_exact() -> None:
    assert len(inflate(gzip.compress(b"x" * 100), "gzip", 100)) == 100
    with pytest.raises(InflatedTooLarge) as caught:
        inflate(gzip.compress(b"x" * 101), "gzip", 100)
    assert caught.value.status == 413


def test_a_bomb_is_refused_in_little_time_and_memory() -> None:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    bomb = b"".join(packer.compress(bytes(1 << 20)) for _ in range(256)) + packer.flush()
    assert len(bomb) < 300_000
    tracemalloc.start()
    begun = time.perf_counter()
    with pytest.raises(InflatedTooLarge):
        inflate(bomb, "gzip", CAP)
    spent, (_, peak) = time.perf_counter() - begun, tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert spent < 1
    assert peak < 4 * CAP


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\x1f",
        b"plain text",
        zlib.compress(b"a zlib stream is no gzip"),
        gzip.compress(b"x" * 1000)[:-1],
        gzip.compress(b"x" * 1000)[:10],
        gzip.compress(b"x" * 1000)[:-8] + b"\x00" * 8,
        gzip.compress(b"x") + b"y",
        gzip.compress(b"x") + gzip.compress(b"y"),
    ],
)
def test_a_damaged_or_doubled_stream_is_refused(raw: bytes) -> None:
    with pytest.raises(BrokenCompression) as caught:
        inflate(raw, "gzip", CAP)
    assert caught.value.status == 422
    assert caught.value.faults


def test_only_the_outer_gzip_is_taken_off() -> None:
    inner = gzip.compress(b"x")
    assert inflate(gzip.compress(inner), "gzip", CAP) == inner


@settings(deadline=None)
@given(st.binary(max_size=200), st.integers(0, 30), st.integers(0, 255))
def test_a_changed_byte_never_raises_anything_else(body: bytes, at: int, byte: int) -> None:
    raw = bytearray(gzip.compress(body))
    raw[at % len(raw)] = byte
    try:
        inflate(bytes(raw), "gzip", 100)
    except Error:
        return
