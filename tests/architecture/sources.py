"""The project's own files as the architecture rules see them: paths, modules and syntax trees."""

import ast
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src"
MIGRATIONS = ROOT / "migrations"


@dataclass(frozen=True)
class Module:
    path: Path

    @cached_property
    def place(self) -> str:
        """Path below src, as allow-lists name it."""
        return self.path.relative_to(SOURCE).as_posix()

    @cached_property
    def name(self) -> str:
        return self.place.removesuffix(".py").removesuffix("/__init__").replace("/", ".")

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.path.read_text(encoding="utf-8"), filename=str(self.path))

    def functions_and_handlers(self) -> Iterator[tuple[str, ast.ExceptHandler]]:
        """Every except clause with the name of the function that it stands in."""
        yield from _handlers(self.tree, "")


def _handlers(node: ast.AST, function: str) -> Iterator[tuple[str, ast.ExceptHandler]]:
    for child in ast.iter_child_nodes(node):
        inside = child.name if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef) else function
        if isinstance(child, ast.ExceptHandler):
            yield inside, child
        yield from _handlers(child, inside)


def modules() -> list[Module]:
    return [Module(path) for path in sorted(SOURCE.rglob("*.py"))]


def tracked_files() -> list[Path]:
    """Every file that belongs to the project: what git tracks and what it would track."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    paths = (ROOT / name for name in listed.stdout.decode().split("\0") if name)
    return [path for path in paths if path.is_file()]
