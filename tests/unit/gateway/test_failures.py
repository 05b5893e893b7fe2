"""What is told of an error, and which errors keep their traceback."""

import asyncpg
import psycopg
import pytest
from pydantic import ValidationError

from core import errors
from core.database import UnsafeDatabase
from gateway.cli import failures
from gateway.embedded.errors import PortTaken
from gateway.settings import Settings


def test_a_wrong_setting_is_named_without_its_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUANTRAC_DATABASE__POOL_SIZE", "hunter2")
    with pytest.raises(ValidationError) as raised:
        Settings()
    failure = failures.told(raised.value)
    assert failure is not None
    assert failure.code == failures.MISCONFIGURED
    assert failure.line.startswith("QUANTRAC_DATABASE__POOL_SIZE: ")
    assert "hunter2" not in failure.line


def test_the_faults_of_a_request_are_told() -> None:
    fault = errors.Fault("station", "TH-XX-1", "a station of the catalogue")
    failure = failures.told(errors.NotFound("No such station.", faults=[fault]))
    assert failure == failures.Failure(
        "No such station. (station: found TH-XX-1, expected a station of the catalogue)", failures.FAILED
    )


def test_an_unsafe_database_is_a_matter_of_settings() -> None:
    failure = failures.told(UnsafeDatabase("fsync is off"))
    assert failure == failures.Failure("fsync is off", failures.MISCONFIGURED)


@pytest.mark.parametrize(
    "error",
    [
        asyncpg.InvalidPasswordError("password authentication failed"),
        psycopg.OperationalError("connection refused\nIs the server running?"),
        PortTaken(8000, "HTTP"),
        ConnectionRefusedError(111, "Connect call failed"),
        TimeoutError(),
    ],
)
def test_a_failure_of_the_surroundings_is_one_line(error: Exception) -> None:
    failure = failures.told(error)
    assert failure is not None
    assert failure.code == failures.FAILED
    assert failure.line
    assert "\n" not in failure.line


def test_passwords_in_messages_are_hidden() -> None:
    failure = failures.told(OSError("cannot reach postgresql://quantrac:hunter2@db/quantrac"))
    assert failure is not None
    assert "hunter2" not in failure.line


@pytest.mark.parametrize("error", [KeyError("x"), RuntimeError("x"), AssertionError("x")])
def test_a_defect_keeps_its_traceback(error: Exception) -> None:
    assert failures.told(error) is None
