"""What is found about secrets, and that nothing of them is told."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from gateway.doctoring import keeping
from gateway.doctoring.findings import Finding, Level, Line
from gateway.settings import Secret, Settings, variables

GOOD = "9f0c1b77e2d84a6688d51f3e0ab24c95"
LINE = Line("secrets", "a secret")


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder that everybody may enter; what is above it may still be closed."""
    place = tmp_path / "open"
    place.mkdir(mode=0o755)
    yield place
    place.chmod(0o700)


@pytest.fixture(autouse=True)
def _open_above(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The folders above a test's own are the machine's: only what the test made counts."""
    closed = keeping._is_closed

    def below(path: Path) -> bool:
        above = [parent for parent in path.resolve().parents if parent.is_relative_to(tmp_path) and parent != tmp_path]
        return any(not parent.stat().st_mode & 0o011 for parent in above) if above else closed(path)

    monkeypatch.setattr(keeping, "_is_closed", below)


def _file(folder: Path, mode: int, text: str = GOOD) -> Path:
    path = folder / "secret"
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)
    return path


@pytest.mark.parametrize(
    ("mode", "level"),
    [
        (0o600, Level.OK),
        (0o400, Level.OK),
        (0o640, Level.NOTICE),
        (0o440, Level.NOTICE),
        (0o644, Level.FAULT),
        (0o604, Level.FAULT),
        (0o620, Level.FAULT),
        (0o602, Level.FAULT),
    ],
)
def test_a_file_is_for_its_owner_alone(folder: Path, mode: int, level: Level) -> None:
    finding = keeping.file(LINE, _file(folder, mode))
    assert finding.level is level
    assert f"{mode:04o}" in finding.found
    assert GOOD not in str(finding)


def test_a_folder_that_is_closed_closes_what_is_in_it(folder: Path) -> None:
    path = _file(folder, 0o644)
    assert keeping.file(LINE, path).level is Level.FAULT
    folder.chmod(0o700)
    assert keeping.file(LINE, path).level is Level.OK


def test_a_container_has_one_user(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = _file(folder, 0o444)
    monkeypatch.setattr(keeping, "_CONTAINER", folder)
    assert keeping.file(LINE, path).level is Level.OK


def test_a_file_that_is_not_there_is_a_fault(folder: Path) -> None:
    assert keeping.file(LINE, folder / "gone").level is Level.FAULT


@pytest.mark.parametrize(
    ("name", "text", "level"),
    [
        ("QUANTRAC_ACCESS__STAFF_TOKEN", GOOD, Level.OK),
        ("QUANTRAC_ACCESS__STAFF_TOKEN", GOOD[:23], Level.NOTICE),
        ("QUANTRAC_ACCESS__STAFF_TOKEN", GOOD[:15], Level.FAULT),
        ("QUANTRAC_ACCESS__STAFF_TOKEN", "a" * 40, Level.FAULT),
        ("QUANTRAC_ACCESS__STAFF_TOKEN", "", Level.FAULT),
        ("QUANTRAC_MQTT__PASSWORD", "ChangeMe", Level.FAULT),
        ("QUANTRAC_DATABASE__DSN", "postgresql://quantrac:quantrac@db/quantrac", Level.FAULT),
        ("QUANTRAC_DATABASE__DSN", f"postgresql://quantrac:{GOOD}@db/quantrac", Level.OK),
        ("QUANTRAC_DATABASE__DSN", "postgresql://quantrac:a%40b%40c%40@db/quantrac", Level.FAULT),
        ("QUANTRAC_DATABASE__DSN", "postgresql:///quantrac", Level.OK),
    ],
)
def test_a_secret_that_can_be_guessed_is_a_fault(name: str, text: str, level: Level) -> None:
    finding = keeping.strength(name, text)
    assert finding.level is level
    assert not text or text not in str(finding)


def test_a_secret_from_the_environment_is_noticed_and_judged() -> None:
    secret = Secret("QUANTRAC_ACCESS__STAFF_TOKEN", SecretStr("short but kept!!"), None)
    origin, strength = keeping.examined(keeping.read([secret]))
    assert (origin.level, strength.level) == (Level.NOTICE, Level.NOTICE)
    assert "QUANTRAC_ACCESS__STAFF_TOKEN_FILE" in origin.advice
    assert "short but kept!!" not in f"{origin}{strength}{keeping.read([secret])}"


def test_a_secret_in_a_file_is_looked_at_twice_and_one_that_is_not_set_never(folder: Path) -> None:
    kept = Secret("QUANTRAC_MQTT__PASSWORD", None, _file(folder, 0o600))
    unset = Secret("QUANTRAC_ACCESS__STAFF_TOKEN", None, None)
    assert [finding.level for finding in keeping.examined(keeping.read([kept, unset]))] == [Level.OK, Level.OK]


@pytest.mark.parametrize("content", [None, b"\xff\xfe"])
def test_a_secret_that_cannot_be_read_is_judged_by_its_file_alone(folder: Path, content: bytes | None) -> None:
    path = folder / "secret"
    if content is not None:
        path.write_bytes(content)
        path.chmod(0o600)
    found = keeping.examined(keeping.read([Secret("QUANTRAC_MQTT__PASSWORD", None, path)]))
    assert [finding.level for finding in found] == [Level.FAULT if content is None else Level.OK]


def test_every_setting_that_is_a_secret_is_known_as_one() -> None:
    """By its kind, or by the file that it may come in: a new one is examined without further ado."""
    known = {secret.name for secret in Settings().secrets()}
    public = ("CA_FILE", "CERTIFICATE_FILE")
    files = {name.removesuffix("_FILE") for name in variables() if name.endswith("_FILE") and not name.endswith(public)}
    kinds = {
        f"QUANTRAC_{section.upper()}__{name.upper()}"
        for section, field in Settings.model_fields.items()
        for name, item in getattr(field.annotation, "model_fields", {}).items()
        if "SecretStr" in str(item.annotation)
    }
    assert known == files
    assert files - kinds == {"QUANTRAC_MQTT__KEY"}
    assert kinds <= files
    assert len(known) >= 4


def _told(text: str, *secrets: str) -> str:
    found = [keeping.Read(Secret("QUANTRAC_X__Y", SecretStr(secret), None), secret) for secret in secrets]
    return keeping.hidden(text, found)


def test_a_secret_in_another_programs_words_is_taken_out() -> None:
    dsn = f"postgresql://quantrac:{GOOD}%2F@db/quantrac"
    assert _told(f"cannot connect to {dsn}", dsn) == "cannot connect to ***"
    assert _told(f"password {GOOD}%2F, or {GOOD}/", dsn) == "password ***, or ***"
    assert _told("nothing of it", dsn, GOOD, "") == "nothing of it"


def test_a_finding_can_be_written_as_a_document() -> None:
    finding = Finding("disk", Level.FAULT, "a disk", "full", "empty it")
    assert finding.document() == {
        "check": "disk",
        "level": "fault",
        "lookedAt": "a disk",
        "found": "full",
        "advice": "empty it",
    }
