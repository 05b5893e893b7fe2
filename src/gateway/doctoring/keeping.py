"""Checks of secrets: that they came in files which their owner alone reads, and that nobody guesses them.

Rule of this file: a finding tells of a secret its name, its place and its length, and nothing else.
"""

import stat
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

from gateway.doctoring.findings import Finding, Line
from gateway.settings import Secret

# 24 characters of base64 are 144 bits; what people think of is shorter.
_FAULT_LENGTH = 16
_NOTICE_LENGTH = 24
_FEWEST_CHARACTERS = 8
_KNOWN = frozenset({"admin", "changeme", "password", "postgres", "quantrac", "secret", "staff", "test", "token"})
# Docker hands secrets over with the modes that they have outside, to a container with a single user.
_CONTAINER = Path("/run/secrets")
_MAKE = "Make a new one: openssl rand -hex 24."


@dataclass(frozen=True, slots=True)
class Read:
    """A secret with its text; None where its file cannot be read."""

    secret: Secret
    text: str | None = field(repr=False)


def read(secrets: Iterable[Secret]) -> list[Read]:
    """What is set, with its text."""
    return [Read(secret, _text(secret)) for secret in secrets if secret.is_set]


def _text(secret: Secret) -> str | None:
    try:
        return secret.text()
    except (OSError, ValueError):
        return None


def examined(found: Iterable[Read]) -> list[Finding]:
    """Where each secret came from, and whether it is a good one."""
    told = []
    for item in found:
        told.append(_origin(item.secret))
        if item.text is not None:
            told.append(strength(item.secret.name, item.text))
    return told


def _origin(secret: Secret) -> Finding:
    line = Line("secrets", f"where {secret.name} comes from")
    if secret.value is not None:
        return line.notice(
            "from the environment, which other programs of the same user can read",
            f"Put it into a file of mode 0600 and name that in {secret.name}_FILE.",
        )
    return file(line, secret.file) if secret.file is not None else line.skipped("not set")


def file(line: Line, path: Path) -> Finding:
    try:
        held = path.stat()
        closed = _is_closed(path)
        path.read_bytes()
    except OSError as error:
        return line.fault(f"{path} cannot be read ({type(error).__name__})", "Is it there, and may this user read it?")
    mode = stat.S_IMODE(held.st_mode)
    found = f"{path}, mode {mode:04o}"
    if mode & 0o022:
        return line.fault(f"{found}: others may write it", f"chmod 0600 {path}")
    if mode & 0o004 and not closed:
        if path.is_relative_to(_CONTAINER):
            return line.ok(f"{found}, inside a container")
        return line.fault(f"{found}: every user of this machine reads it", f"chmod 0600 {path}")
    if mode & 0o040 and not closed:
        return line.notice(f"{found}: its group reads it", f"chmod 0600 {path}, unless the group is meant.")
    return line.ok(found)


def _is_closed(path: Path) -> bool:
    """Whether a folder above keeps everybody but its owner from coming near the file."""
    return any(not stat.S_IMODE(folder.stat().st_mode) & 0o011 for folder in path.resolve().parents)


def strength(name: str, text: str) -> Finding:
    """Of an address, what counts is the password in it."""
    line = Line("secrets", f"how hard {name} is to guess")
    if name.endswith("__DSN"):
        password = urlsplit(text).password
        if not password:
            return line.ok("no password in it: the server knows its client in another way")
        text = unquote(password)
    if text.casefold() in _KNOWN:
        return line.fault("it is among the first that anybody tries", _MAKE)
    if len(text) < _FAULT_LENGTH or len(set(text)) < _FEWEST_CHARACTERS:
        return line.fault(f"{len(text)} characters, {len(set(text))} different ones: too few", _MAKE)
    if len(text) < _NOTICE_LENGTH:
        return line.notice(f"{len(text)} characters", f"{_NOTICE_LENGTH} or more cannot be guessed. {_MAKE}")
    return line.ok(f"{len(text)} characters")


def hidden(text: str, found: Iterable[Read]) -> str:
    """The text without any of the secrets, should one have slipped into it through another program's words."""
    for item in found:
        for part in _parts(item.text) if item.text else ():
            text = text.replace(part, "***")
    return text


def _parts(secret: str) -> list[str]:
    """What must not be shown: the secret and, of an address, its password. Longest first."""
    address = urlsplit(secret) if "://" in secret else None
    parts = {secret} if address is None else {secret, address.password or "", unquote(address.password or "")}
    # A password in an address that is as short as a word would take that word out of every sentence.
    return sorted((part for part in parts if len(part) >= _FAULT_LENGTH or part == secret), key=len, reverse=True)
