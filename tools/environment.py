"""Makes `.venv` with exactly the packages of a lock file and this checkout; does nothing when it is already so.

Runs with any Python from 3.11 on and its standard library alone: `python3 tools/environment.py run|dev`.
"""

import hashlib
import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMP = VENV / "quantrac-environment"
LEAST = (3, 11)


def _digest(*names: str) -> str:
    """Changes with any of the files, with the interpreter, and with the place of the checkout."""
    parts = [sys.version.encode(), os.fsencode(ROOT), *((ROOT / name).read_bytes() for name in names)]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def _packages(lock: str) -> str:
    return f"{lock}={_digest(f'locks/{lock}.txt')}"


def _checkout() -> str:
    return f"checkout={_digest('pyproject.toml')}"


def _stamped() -> set[str]:
    """What the environment holds, as it was written down when it was made."""
    return set(STAMP.read_text(encoding="ascii").split()) if STAMP.is_file() and PYTHON.exists() else set()


def _call(program: list[str], what: str) -> None:
    """Run a program quietly; when it fails, show what it said."""
    done = subprocess.run(
        program,
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PIP_ROOT_USER_ACTION": "ignore", "PIP_DISABLE_PIP_VERSION_CHECK": "1"},
    )
    if done.returncode != 0:
        sys.exit(f"{done.stdout.strip()}\n\n{what} failed (see above).")


def _make_venv() -> None:
    """A fresh environment, with a pip of its own where this Python can give it one."""
    base = [sys.executable, "-m", "venv", "--clear", str(VENV)]
    if not _works(base):
        # Debian keeps what `venv` needs for pip in a package of its own.
        _call([*base, "--without-pip"], "Making the environment .venv")


def _works(program: list[str]) -> bool:
    return subprocess.run(program, check=False, capture_output=True, cwd=ROOT).returncode == 0


def _pip() -> list[str]:
    """The command line of a pip that installs into the environment: its own, or the one beside this Python."""
    for pip in ([str(PYTHON), "-m", "pip"], [sys.executable, "-m", "pip", "--python", str(PYTHON)]):
        if _works([*pip, "--version"]):
            return pip
    sys.exit("pip is missing: install it first (Debian, Ubuntu: apt-get install python3-pip, or python3-venv).")


def _install_packages(lock: str) -> None:
    file = ROOT / "locks" / f"{lock}.txt"
    count = sum("==" in line for line in file.read_text(encoding="utf-8").splitlines())
    print(f"Installing {count} locked packages into .venv …", flush=True)
    began = time.monotonic()
    _make_venv()
    options = ["--quiet", "--no-deps", "--require-hashes", "--only-binary", ":all:", "--requirement", str(file)]
    _call([*_pip(), "install", *options], "Installing the locked packages")
    STAMP.write_text(_packages(lock) + "\n", encoding="ascii")
    print(f"The packages are there after {time.monotonic() - began:.0f} s.", flush=True)


def _install_checkout() -> None:
    options = ["--quiet", "--no-deps", "--no-build-isolation", "--editable", str(ROOT)]
    _call([*_pip(), "install", *options], "Installing the checkout")
    kept = {line for line in _stamped() if not line.startswith("checkout=")}
    STAMP.write_text("\n".join(sorted(kept | {_checkout()})) + "\n", encoding="ascii")


def main() -> None:
    if sys.version_info < LEAST:
        sys.exit(f"Python {LEAST[0]}.{LEAST[1]} or newer is needed; this is {sys.version.split()[0]}.")
    lock = sys.argv[1] if len(sys.argv) > 1 else "run"
    # The environment for developers holds the one for running as well.
    if not _stamped() & {_packages(lock), _packages("dev")}:
        _install_packages(lock)
    if _checkout() not in _stamped():
        _install_checkout()


if __name__ == "__main__":
    main()
