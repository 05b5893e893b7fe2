"""JSON read with nothing lost: every member that was repeated, and every number as the text it was written in.

The typed decoders are the fast way for bodies that are right; this is the way for those that are not. Numbers come out
as `bytes` of their text, so that a flaw can show what was sent, and `NaN` and `Infinity`, which some loggers write
although JSON has no such numbers, come out the same way and spoil one reading instead of the whole body.
"""

import json
from collections import Counter
from collections.abc import Sequence
from typing import TypeAlias

from telemetry.codecs.flaws import unreadable

Tree: TypeAlias = "Members | list[Tree] | str | bytes | bool | None"

_EXCERPT = 20


class Members(dict[str, Tree]):
    """A JSON object; `repeated` names the members written more than once, and then `pairs` holds all as written."""

    __slots__ = ("pairs", "repeated")

    def __init__(self, pairs: Sequence[tuple[str, Tree]]) -> None:
        super().__init__(pairs)
        self.pairs: Sequence[tuple[str, Tree]] = ()
        self.repeated: frozenset[str] = frozenset()
        if len(self) != len(pairs):
            self.pairs = pairs
            counts = Counter(name for name, _ in pairs)
            self.repeated = frozenset(name for name, count in counts.items() if count > 1)

    def every(self, name: str) -> list[Tree]:
        """All values that were written under the name, in order."""
        if not self.pairs:
            return [self[name]] if name in self else []
        return [value for written, value in self.pairs if written == name]


_decoder = json.JSONDecoder(
    object_pairs_hook=Members, parse_float=str.encode, parse_int=str.encode, parse_constant=str.encode
)


def read(body: bytes) -> Tree:
    """The document, or Unreadable where the bytes are not JSON."""
    try:
        return _decoder.decode(body.decode("utf-8"))  # type: ignore[no-any-return]  # the hooks decide the types
    except UnicodeDecodeError as error:
        found = f"byte 0x{body[error.start]:02x} at position {error.start}"
        raise unreadable("body", found, "JSON in UTF-8") from None
    except json.JSONDecodeError as error:
        near = error.doc[max(0, error.pos - _EXCERPT) : error.pos + _EXCERPT]
        found = f"{near!r} at position {error.pos} ({error.msg})" if error.doc.strip() else "nothing"
        raise unreadable("body", found, "JSON as in RFC 8259") from None
    except RecursionError:
        raise unreadable("body", "very deep nesting", "objects and lists at most 4 deep") from None


def written(tree: Tree) -> str:
    """The value as text for a flaw: numbers and strings as sent, lists and objects named by their size."""
    match tree:
        case None:
            return "null"
        case bool():
            return "true" if tree else "false"
        case bytes():
            return tree.decode()
        case str():
            return tree
        case list():
            return f"a list of {len(tree)}"
        case _:
            return f"an object of {len(tree)} members"
