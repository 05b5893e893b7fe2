"""The folder of `quantrac run`: who may enter it, and who may read the logs."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.embedded import processes
from gateway.running.places import Places


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture(autouse=True)
def usual_umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.mark.parametrize(("user", "mode"), [(0, 0o711), (1000, 0o700)])
def test_a_new_folder_is_closed_but_for_the_databases_user(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, user: int, mode: int
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: user)
    places = Places(tmp_path / "srv" / "var")
    for _ in range(2):
        places.make()
        assert (_mode(places.root), _mode(places.root / "log")) == (mode, 0o750)
    assert _mode(tmp_path / "srv") == 0o755


def test_a_folder_that_is_there_stays_as_it_was_made(tmp_path: Path) -> None:
    root = tmp_path / "var"
    root.mkdir(mode=0o755)
    Places(root).make()
    assert _mode(root) == 0o755


def test_a_new_log_is_for_its_owner_and_group_and_an_old_one_goes_on(tmp_path: Path) -> None:
    log = tmp_path / "gateway.jsonl"
    for text in (b"first ", b"second"):
        with os.fdopen(processes.open_log(log), "ab") as output:
            output.write(text)
    assert _mode(log) == 0o640
    assert log.read_bytes() == b"first second"
