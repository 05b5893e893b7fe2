"""Turns the errors that a person can mend into one line and an exit code."""

from dataclasses import dataclass

import asyncpg
import psycopg
from pydantic import ValidationError
from yoyo.exceptions import LockTimeout

from core import errors, log
from core.database import UnsafeDatabase
from gateway.embedded.errors import CannotStart
from gateway.settings import PREFIX, MissingSetting, UnknownSetting, UnusableSetting

FAILED = 1
MISCONFIGURED = 2


@dataclass(frozen=True, slots=True)
class Failure:
    line: str
    code: int = FAILED


def _setting(error: ValidationError) -> str:
    """Which variables are wrong and why; never their values, which may be secret."""
    told = []
    for item in error.errors(include_input=False, include_url=False):
        name = PREFIX + "__".join(str(part).upper() for part in item["loc"]) if item["loc"] else ""
        if item["type"] == "extra_forbidden":
            told.append(f"No setting reads {name}; see the table in the README.")
        else:
            told.append(f"{name}: {item['msg']}" if name else item["msg"].removeprefix("Value error, "))
    return "; ".join(told)


def _faults(error: errors.Error) -> str:
    found = "; ".join(f"{fault.field}: found {fault.found}, expected {fault.expected}" for fault in error.faults)
    return f"{error.detail} ({found})" if found else error.detail


def told(error: BaseException) -> Failure | None:
    """What to tell about an error, or None where it is a defect that deserves its traceback."""
    match error:
        case ValidationError() if error.title == "Settings":
            found = Failure(_setting(error), MISCONFIGURED)
        case MissingSetting() | UnknownSetting() | UnusableSetting() | UnsafeDatabase():
            found = Failure(str(error), MISCONFIGURED)
        case CannotStart():
            found = Failure(str(error))
        case errors.Error():
            found = Failure(_faults(error))
        case asyncpg.PostgresError() | asyncpg.InterfaceError() | psycopg.OperationalError():
            found = Failure(f"The database refused or does not answer: {_first_line(error)}")
        case LockTimeout():
            found = Failure("Another process has been migrating this database for a minute; try again when it is done.")
        case ConnectionRefusedError():
            found = Failure(f"The connection was refused; is the server there? {_first_line(error)}")
        case OSError():
            found = Failure(_first_line(error))
        case _:
            return None
    return Failure(log.redact(found.line), found.code)


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
