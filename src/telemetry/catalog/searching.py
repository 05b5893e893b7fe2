"""How search text is compared: without regard to case and to Vietnamese marks, so that `nha may` finds `Nhà máy`."""

import unicodedata


def fold(text: str) -> str:
    """The same folding as in the list queries: decomposed, marks removed, đ as d, small letters."""
    bare = "".join(sign for sign in unicodedata.normalize("NFD", text) if not "\u0300" <= sign <= "\u036f")
    return bare.replace("Đ", "D").replace("đ", "d").lower()
