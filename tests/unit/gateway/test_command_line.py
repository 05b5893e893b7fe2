"""The command line as a whole: its list, its speed, and errors in one line."""

import os
import re
import subprocess
import sys
import time
from typing import Any

import pytest

from gateway.cli import main

CLEAN = {name: value for name, value in os.environ.items() if not name.startswith("QUANTRAC_")}


def _quantrac(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "gateway.cli.main", *arguments],
        env={**CLEAN, "COLUMNS": "120", "NO_COLOR": "1", **variables},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_the_list_names_every_command_with_a_sentence() -> None:
    shown = _quantrac("--help")
    assert shown.returncode == 0
    for name, command in main.COMMANDS.items():
        assert re.search(rf"\b{name} +{re.escape(command.help[:30])}", shown.stdout), name
        assert command.help.endswith("."), name


def test_the_list_is_shown_without_loading_the_commands() -> None:
    program = (
        "import sys; from gateway.cli import main; main.app(['--help'], standalone_mode=False); print(*sys.modules)"
    )
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=CLEAN)
    modules = loaded.stdout.splitlines()[-1].split()
    heavy = {"asyncpg", "fastapi", "numpy", "aiomqtt", "uvicorn", "pydantic_settings"}
    assert heavy & set(modules) == set()
    assert [name for name in modules if name.startswith("gateway.cli.")] == ["gateway.cli.main"]


def test_the_list_is_shown_at_once() -> None:
    fastest = min(_seconds("--help") for _ in range(3))
    # On an idle machine a third of a second; another program beside it must not fail the test.
    assert fastest < 3


def _seconds(*arguments: str) -> float:
    began = time.perf_counter()
    _quantrac(*arguments)
    return time.perf_counter() - began


def _leaves(command: Any, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    inner = getattr(command, "commands", None)
    if inner is None:
        return [path]
    return [leaf for name, part in inner.items() for leaf in _leaves(part, (*path, name))]


def test_every_command_and_every_option_of_it_is_explained() -> None:
    silent = []
    for path in _leaves(main.complete()):
        command: Any = main.complete()
        for name in path:
            command = command.commands[name]
        if not (command.help or "").strip():
            silent.append(path)
        options = [item for item in command.params if getattr(item, "opts", [""])[0].startswith("--")]
        silent += [(*path, option.opts[0]) for option in options if not option.help]
    assert silent == []


def test_a_wrong_command_gets_a_suggestion() -> None:
    failed = _quantrac("migrat")
    assert failed.returncode == 2
    assert "'migrate'" in failed.stderr


def test_the_version_is_told() -> None:
    assert re.fullmatch(r"quantrac (\d+\.\d+\.\d+|\(not installed\))\n", _quantrac("--version").stdout)


@pytest.mark.parametrize(
    ("arguments", "variables", "code", "told"),
    [
        (["migrate"], {}, 2, "Set QUANTRAC_DATABASE__DSN or QUANTRAC_DATABASE__DSN_FILE."),
        (["migrate"], {"QUANTRAC_DATABASE__DSM": "x"}, 2, "No setting reads QUANTRAC_DATABASE__DSM"),
        (["migrate"], {"QUANTRAC_HTTP__PORT": "many"}, 2, "QUANTRAC_HTTP__PORT: Input should be a valid integer"),
        (["migrate"], {"QUANTRAC_DATABASE__DSN_FILE": "/nowhere/dsn"}, 1, "No such file or directory: '/nowhere/dsn'"),
        (
            ["migrate"],
            {"QUANTRAC_DATABASE__DSN": "postgresql://quantrac:secret@127.0.0.1:1/quantrac"},
            1,
            "The database refused or does not answer",
        ),
        (
            ["seed"],
            {"QUANTRAC_DATABASE__DSN": "postgresql://quantrac:secret@127.0.0.1:1/quantrac"},
            1,
            "refused",
        ),
    ],
)
def test_what_a_person_can_mend_is_told_in_one_line(
    arguments: list[str], variables: dict[str, str], code: int, told: str
) -> None:
    failed = _quantrac(*arguments, **variables)
    assert failed.returncode == code
    assert failed.stdout == ""
    assert failed.stderr.startswith("quantrac: ")
    assert told in failed.stderr
    assert failed.stderr.count("\n") == 1
    assert "secret" not in failed.stderr


def test_run_does_not_touch_a_database_that_is_not_its_own() -> None:
    failed = _quantrac("run", QUANTRAC_DATABASE__DSN="postgresql://quantrac@127.0.0.1:1/quantrac")
    assert failed.returncode == 2
    assert "unset QUANTRAC_DATABASE__DSN" in re.sub(r"[│\s]+", " ", failed.stderr)
