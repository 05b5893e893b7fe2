"""What is told of an audit: nothing that could not be asked is taken for clean."""

import subprocess
from pathlib import Path
from typing import Any

import pytest

from tools import audit

KNOWN = {"name": "jinja2", "version": "2.10", "vulns": [{"id": "GHSA-462w-v97r-4m45", "fix_versions": ["2.10.1"]}]}
UNMENDED = {"name": "x", "version": "1", "vulns": [{"id": "CVE-1", "fix_versions": []}]}
WELL = {"name": "numpy", "version": "2.2", "vulns": []}
SKIPPED = {"name": "internal", "skip_reason": "Dependency not found"}


@pytest.mark.parametrize(
    ("packages", "code", "said"),
    [
        ([WELL], audit.CLEAN, "1 packages of run.txt: no advisory."),
        ([WELL, KNOWN], audit.VULNERABLE, "jinja2 2.10: GHSA-462w-v97r-4m45 (mended in 2.10.1)"),
        ([UNMENDED], audit.VULNERABLE, "x 1: CVE-1 (mended in none yet)"),
        ([WELL, SKIPPED], audit.NOT_ASKED, "Not in the advisory database: internal"),
        ([KNOWN, SKIPPED], audit.VULNERABLE, "1 advisories"),
        ([SKIPPED], audit.NOT_ASKED, "Nothing is known"),
        ([], audit.NOT_ASKED, "Nothing is known"),
    ],
)
def test_an_audit_says_what_it_knows_and_what_not(packages: list[dict[str, Any]], code: int, said: str) -> None:
    found = audit.read({"dependencies": packages, "fixes": []})
    assert found.code == code
    assert said in audit.told(found)


def _run(monkeypatch: pytest.MonkeyPatch, written: str | None, error: Exception | None = None) -> None:
    """Let pip-audit write this report, or none, without asking anybody."""

    def run(command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        if error is not None:
            raise error
        (output,) = [option.removeprefix("--output=") for option in command if option.startswith("--output=")]
        if written is not None:
            Path(output).write_text(written, encoding="utf-8")
        return subprocess.CompletedProcess(command, 1, "", "Traceback\nConnectionError: no such host")

    monkeypatch.setattr(subprocess, "run", run)


def test_a_database_that_cannot_be_reached_is_said_plainly(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _run(monkeypatch, None)
    assert audit.main() == audit.NOT_ASKED
    assert capsys.readouterr().err == (
        "Nothing is known: the advisory database could not be asked. ConnectionError: no such host\n"
    )


def test_a_database_that_does_not_answer_is_given_up(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _run(monkeypatch, None, subprocess.TimeoutExpired("pip_audit", 300))
    assert audit.main() == audit.NOT_ASKED
    assert "did not answer" in capsys.readouterr().err


def test_the_code_is_that_of_the_report(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    _run(monkeypatch, '{"dependencies": [{"name": "numpy", "version": "2.2", "vulns": []}], "fixes": []}')
    assert audit.main() == audit.CLEAN
    assert capsys.readouterr().out == "1 packages of run.txt: no advisory.\n"


def test_pip_audit_reads_the_lock_and_reaches_nobody_here(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The real program on the real lock, with every way out closed: it must end with a plain word, not as clean."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    assert audit.main("--timeout=2", "--cache-dir=/dev/null/none") == audit.NOT_ASKED
    assert capsys.readouterr().err.startswith("Nothing is known: ")
