"""The locks hold what pyproject.toml asks for: exact, with hashes, and the same versions for running and testing."""

import re
import tomllib
from functools import cache
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from tests.architecture.sources import ROOT

_PIN = re.compile(r"^(?P<name>[a-z0-9._-]+)==(?P<version>[^ ;\\]+)", re.MULTILINE)
_HASH = re.compile(r"^    --hash=sha256:[0-9a-f]{64}( \\)?$")


@cache
def _text(lock: str) -> str:
    return (ROOT / "locks" / f"{lock}.txt").read_text(encoding="utf-8")


def _pins(lock: str) -> set[tuple[str, Version]]:
    return {(canonicalize_name(found["name"]), Version(found["version"])) for found in _PIN.finditer(_text(lock))}


def _asked(lock: str) -> list[Requirement]:
    document: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    project, groups = document["project"], document["dependency-groups"]
    lines = project["dependencies"] + project["optional-dependencies"]["embedded"] + groups["build"]
    if lock == "dev":
        lines += groups["dev"]
    return [Requirement(line) for line in lines if isinstance(line, str)]


@pytest.mark.parametrize("lock", ["run", "dev"])
def test_a_lock_satisfies_what_the_project_asks_for(lock: str) -> None:
    pins = _pins(lock)
    unmet = [
        str(asked)
        for asked in _asked(lock)
        if not any(name == canonicalize_name(asked.name) and version in asked.specifier for name, version in pins)
    ]
    assert unmet == [], "run `make lock`"


def test_what_is_run_is_what_is_tested() -> None:
    assert _pins("run") - _pins("dev") == set()


@pytest.mark.parametrize("lock", ["run", "dev"])
def test_a_lock_has_pins_and_hashes_and_nothing_else(lock: str) -> None:
    strange = [
        line
        for line in _text(lock).splitlines()
        if not (_PIN.match(line) and line.endswith(" \\")) and not _HASH.match(line)
    ]
    assert strange == []
