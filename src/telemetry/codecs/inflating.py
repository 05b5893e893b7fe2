"""Takes the gzip off a body without ever holding more than the cap."""

import zlib

from core.errors import Fault
from telemetry.codecs import errors

_IDENTITY = ("", "identity")
_GZIP = ("gzip", "x-gzip")
_GZIP_ONLY = 16 + zlib.MAX_WBITS


def is_gzip(encoding: str | None) -> bool:
    """Whether the content encoding is gzip, in any of its spellings; raises UnknownEncoding for any other but none."""
    name = (encoding or "").strip().lower()
    if name in _IDENTITY:
        return False
    if name not in _GZIP:
        raise errors.UnknownEncoding(
            f"Content-Encoding: found {encoding!r}, expected gzip or none.",
            faults=[Fault("Content-Encoding", str(encoding), "gzip or none")],
        )
    return True


def inflate(raw: bytes, encoding: str | None, cap: int) -> bytes:
    """The body itself, from one gzip member with nothing behind it; inflating stops at `cap` bytes."""
    if not is_gzip(encoding):
        return raw
    inflater = zlib.decompressobj(_GZIP_ONLY)
    try:
        body = inflater.decompress(raw, cap + 1)
    except zlib.error as error:
        raise _broken(f"bytes that are not gzip ({error})") from None
    if len(body) > cap or inflater.unconsumed_tail:
        raise errors.InflatedTooLarge(
            f"The body inflates to more than {cap} bytes.",
            faults=[Fault("body", f"more than {cap} bytes inflated", f"at most {cap}; send it in parts")],
        )
    if not inflater.eof:
        raise _broken("a gzip stream that ends early")
    if inflater.unused_data:
        raise _broken(f"{len(inflater.unused_data)} bytes behind the gzip stream")
    return body


def _broken(found: str) -> errors.BrokenCompression:
    expected = "one complete gzip stream"
    return errors.BrokenCompression(
        f"The body is not readable: found {found}, expected {expected}.", faults=[Fault("body", found, expected)]
    )
