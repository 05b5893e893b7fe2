"""Verifies a chain of entries as they come by: finds what was edited, taken out, put in or moved. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from identity.trail.canonical import GENESIS, Entry, hash_of


@dataclass(frozen=True, slots=True)
class Head:
    """Where a chain stood once: whoever has it noted elsewhere can tell whether what came before was rewritten."""

    number: int
    hash: bytes

    def __str__(self) -> str:
        return f"{self.number}:{self.hash.hex()}"


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with one row, by the number of the entry where there is one."""

    number: int | None
    kind: str
    text: str


BEGINNING = Head(0, GENESIS)


@dataclass
class Chain:
    """Give it entries in the order in which they are kept, then `end` it.

    after: the entry that the first one must follow; None where that is not known. anchors: hashes that were noted
    elsewhere, by number.
    """

    after: Head | None = BEGINNING
    anchors: Mapping[int, bytes] = field(default_factory=dict)
    entries: int = 0

    def __post_init__(self) -> None:
        self.last = self.after or BEGINNING

    def check(self, entry: Entry) -> Iterator[Problem]:
        """What is wrong with the next entry, or with its place."""
        if self.after is None and not self.entries:
            self.last = Head(entry.number - 1, entry.previous)
        self.entries += 1
        follows = entry.number == self.last.number + 1
        if not follows:
            yield self._misplaced(entry)
        if hash_of(entry) != entry.hash:
            yield Problem(
                entry.number, "edited", f"Entry {entry.number} was edited: its hash does not fit what it says."
            )
        elif follows and entry.previous != self.last.hash:
            yield self._unlinked(entry)
        anchor = self.anchors.get(entry.number)
        if anchor is not None and anchor != entry.hash:
            yield Problem(
                entry.number,
                "anchor",
                f"Entry {entry.number} is not the one that was noted as an anchor: the chain was rewritten up to here.",
            )
        if entry.number > self.last.number:
            # What was put in does not hide what follows.
            self.last = Head(entry.number, entry.hash)

    def end(self, expected: Head | None = None) -> Iterator[Problem]:
        """What is missing behind the last entry. expected: the last one, where somebody said so."""
        for number in sorted(self.anchors):
            if number > self.last.number:
                yield Problem(number, "cut", f"The chain ends at {self.last.number}, before the anchor {number}.")
        if expected is not None and expected != self.last:
            yield Problem(
                expected.number,
                "cut",
                f"The chain ends at entry {self.last.number} and not at {expected.number} as said.",
            )

    def _misplaced(self, entry: Entry) -> Problem:
        wanted = self.last.number + 1
        if entry.number > wanted:
            gone = f"Entry {wanted} is" if entry.number == wanted + 1 else f"Entries {wanted} to {entry.number - 1} are"
            return Problem(wanted, "gap", f"{gone} missing before entry {entry.number}.")
        text = f"Entry {entry.number} stands where entry {wanted} belongs: it was put in, or moved."
        return Problem(entry.number, "order", text)

    def _unlinked(self, entry: Entry) -> Problem:
        if self.last.number == 0:
            return Problem(entry.number, "link", "Entry 1 follows on another entry: the beginning was taken away.")
        return Problem(
            self.last.number,
            "link",
            f"Entry {self.last.number} is not the one that entry {entry.number} was written behind: it was exchanged.",
        )
