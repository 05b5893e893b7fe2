"""The wheel holds everything that the service needs at run time, and works where nothing of the checkout is."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("core", "gateway", "identity", "records", "registry", "telemetry")


def _call(*command: str | Path, cwd: Path, **environment: str) -> str:
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | environment,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check")
    _call(*pip, "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", folder, ROOT, cwd=folder)
    (built,) = folder.glob("quantrac-*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel and nothing else; its dependencies come from the environment of the tests."""
    target = tmp_path_factory.mktemp("installed")
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check")
    _call(*pip, "install", "--no-deps", "--no-index", "--target", target, wheel, cwd=target)
    return target


def _wanted() -> set[str]:
    """What the packages hold besides code: SQL, seed data, markers of types, and the migrations at their new place."""
    kinds = {".sql", ".csv", ".toml", ".json", ".txt", ".typed"}
    files = {
        path.relative_to(ROOT / "src").as_posix()
        for package in PACKAGES
        for path in (ROOT / "src" / package).rglob("*")
        if path.suffix in kinds or path.name == "py.typed"
    }
    return files | {f"gateway/migrations/{path.name}" for path in (ROOT / "migrations").glob("*.sql")}


def test_the_wheel_holds_every_file_that_is_read_at_run_time(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        held = set(archive.namelist())
    wanted = _wanted()
    assert {f"{package}/py.typed" for package in PACKAGES} <= wanted
    assert any(name.startswith("telemetry/catalog/seed/") for name in wanted)
    assert wanted - held == set()


def test_the_wheel_holds_nothing_that_is_not_the_services(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        tops = {name.split("/")[0] for name in archive.namelist()}
    assert {top for top in tops if not top.startswith("quantrac-")} == set(PACKAGES)


def test_the_command_of_an_installed_wheel_runs(installed: Path, tmp_path: Path) -> None:
    out = _call(installed / "bin" / "quantrac", "--help", cwd=tmp_path, PYTHONPATH=str(installed))
    assert "migrate" in out
    out = _call(installed / "bin" / "quantrac", "--version", cwd=tmp_path, PYTHONPATH=str(installed))
    assert out.startswith("quantrac ")


def test_an_installed_wheel_finds_its_own_migrations(installed: Path, tmp_path: Path) -> None:
    out = _call(
        sys.executable,
        "-c",
        "from gateway import migrating; print(migrating.FOLDER)",
        cwd=tmp_path,
        PYTHONPATH=str(installed),
    )
    assert Path(out.strip()) == installed / "gateway" / "migrations"


async def test_an_installed_wheel_migrates_a_database(installed: Path, tmp_path: Path, dsn: str) -> None:
    """The database of this test is up to date, and the wheel's own files must agree that it is."""
    out = _call(
        installed / "bin" / "quantrac",
        "migrate",
        "--status",
        cwd=tmp_path,
        PYTHONPATH=str(installed),
        QUANTRAC_DATABASE__DSN=dsn,
    )
    assert "0001_catalog" in out
    assert "pending" not in out
