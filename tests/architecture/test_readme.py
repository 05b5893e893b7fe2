"""The README names every setting, command, problem type and reason."""

import importlib
import re
from collections.abc import Iterable, Iterator
from typing import Any

import pytest

from core import errors
from gateway import settings
from gateway.cli import main
from telemetry import readings
from telemetry.quality import flags
from tests.architecture.sources import ROOT, modules


@pytest.fixture(scope="module")
def readme() -> str:
    return (ROOT / "README.md").read_text(encoding="utf-8")


def _missing(names: Iterable[str], text: str) -> list[str]:
    """Names that the text does not have as words of their own, between characters that no name contains."""
    return [name for name in names if not re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", text)]


def _commands(command: Any, path: str) -> Iterator[str]:
    """The path of every command below this one; groups are those that have commands."""
    inner = getattr(command, "commands", None)
    if inner is None:
        yield path
        return
    for name, part in inner.items():
        if not part.hidden:
            yield from _commands(part, f"{path} {name}")


def test_every_setting_is_in_the_readme(readme: str) -> None:
    assert _missing(list(settings.variables()), readme) == []


def test_every_command_is_in_the_readme(readme: str) -> None:
    paths = [path for name in main.COMMANDS for path in _commands(main._loaded(name), f"quantrac {name}")]
    assert _missing(paths, readme) == []


def test_every_problem_type_is_in_the_readme(readme: str) -> None:
    for module in modules():
        importlib.import_module(module.name)
    assert _missing(sorted({kind.slug for kind in errors.every_kind()}), readme) == []


def test_every_problem_type_has_a_slug_and_a_title_of_its_own() -> None:
    kinds = [
        kind
        for kind in errors.every_kind()
        if kind.__module__.split(".")[0] in {"core", "gateway", "identity", "telemetry", "records", "registry"}
    ]
    slugs = [kind.slug for kind in kinds]
    assert sorted(slugs) == sorted(set(slugs))
    assert [kind.__name__ for kind in kinds if "title" not in vars(kind)] == []


def test_every_reason_is_in_the_readme(readme: str) -> None:
    reasons = [reason.value for reason in readings.Reason]
    qualities = [slug for slug, _, _ in flags.LEGEND.values()]
    assert _missing(reasons + qualities, readme) == []
