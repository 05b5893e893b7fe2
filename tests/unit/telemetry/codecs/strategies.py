"""What hypothesis makes up for the codecs: names, instants, numbers and rows as stations could send them."""

from hypothesis import strategies as st

from telemetry.codecs.writing import Row

_RESERVED = {"station", "phenomenontime", "symbol", "result", "unit", "status"}
# Letters, Vietnamese ones too, and the signs that are met in the names of parameters.
_SIGNS = "abzAZ09đạẫỵµ³°%,;.'\"-_/() "


def _plain(name: str) -> bool:
    return name == name.strip() and name.replace("_", "").lower() not in _RESERVED


names = st.text(_SIGNS, min_size=1, max_size=12).filter(_plain)
any_names = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1, max_size=12)
units = st.text(_SIGNS, max_size=8).filter(_plain)
numbers = st.floats(allow_nan=False, allow_infinity=False)
statuses = st.sampled_from(["00", "01", "02"])
# Whole seconds of the years 2000 to 2099, in µs since the Unix epoch.
instants_us = st.integers(946_684_800, 4_102_444_799).map(lambda seconds: seconds * 1_000_000)
rows = st.builds(Row, names, numbers, units, statuses)
packets = st.lists(rows, min_size=1, max_size=14)
