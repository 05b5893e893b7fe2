"""Bytes of text files as text."""

from telemetry.codecs.flaws import unreadable


def text_of(body: bytes) -> str:
    """The text in UTF-8, without the byte order mark that Windows programs put before it."""
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        found = f"byte 0x{body[error.start]:02x} at position {error.start}"
        raise unreadable("body", found, "text in UTF-8") from None
