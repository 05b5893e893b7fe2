"""Binary COPY read back field by field, as the format is documented."""

import struct

# COPY, "Binary Format": signature, flags, length of the header extension; each tuple is its number of fields and,
# for each field, its length (-1: NULL) and its bytes; a field count of -1 ends the data. Numbers are big-endian.
SIGNATURE = b"PGCOPY\n\xff\r\n\0"
FORMATS = {8: ">q", 4: ">i", 2: ">h"}
# Days from the Unix epoch to 2000-01-01, in µs: timestamptz counts from there.
EPOCH_US = 10_957 * 86_400 * 10**6


def tuples(data: bytes, *, columns: int) -> list[list[bytes | None]]:
    """The fields of each tuple, as bytes, and None for NULL."""
    assert data[:11] == SIGNATURE
    flags, extension = struct.unpack_from(">ii", data, 11)
    assert (flags, extension) == (0, 0)
    at = 19
    found: list[list[bytes | None]] = []
    while True:
        (count,) = struct.unpack_from(">h", data, at)
        at += 2
        if count == -1:
            assert at == len(data), "bytes behind the trailer"
            return found
        assert count == columns
        values: list[bytes | None] = []
        for _ in range(count):
            (length,) = struct.unpack_from(">i", data, at)
            values.append(None if length == -1 else data[at + 4 : at + 4 + length])
            at += 4 + max(length, 0)
        found.append(values)


def number(field: bytes) -> int:
    (found,) = struct.unpack(FORMATS[len(field)], field)
    return int(found)
