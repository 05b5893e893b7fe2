"""Loads named SQL from `sql/<subject>.sql` beside the module that uses it.

A query begins with `-- name: <name>`; comment lines after it say what it does and what `$1..$n` are. A store module
loads its file once, at import, and takes each query by name; the architecture tests prepare every query on the
migrated schema.
"""

import re
from dataclasses import dataclass, field
from pathlib import Path

_NAME = re.compile(r"^-- name: (?P<name>[a-z][a-z0-9_]*)\s*$", re.MULTILINE)


class UnknownQuery(LookupError):
    """A store module asked for a query that its file does not have."""


@dataclass(frozen=True, slots=True)
class Queries:
    path: Path
    texts: dict[str, str] = field(repr=False)

    def __getitem__(self, name: str) -> str:
        try:
            return self.texts[name]
        except KeyError:
            raise UnknownQuery(f"{self.path} has no query named {name!r}") from None


def load(module_file: str, subject: str) -> Queries:
    """The queries of `sql/<subject>.sql` in the folder of `module_file` (pass `__file__`)."""
    path = Path(module_file).parent / "sql" / f"{subject}.sql"
    parts = _NAME.split(path.read_text(encoding="utf-8"))
    names, bodies = parts[1::2], parts[2::2]
    texts = {name: f"-- {name}\n{body.strip()}" for name, body in zip(names, bodies, strict=True)}
    if len(texts) != len(names):
        raise ValueError(f"{path} names a query twice")
    return Queries(path, texts)
