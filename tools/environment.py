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


def _digest(lock: str) -> str:
    """Changes whenever the environment has to be made anew."""
    parts = [sys.version.encode(), os.fsencode(ROOT)]
    parts += [(ROOT / name).read_bytes() for name in ("pyproject.toml", f"locks/{lock}.txt")]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def _is_ready(lock: str) -> bool:
    """Whether the environment holds this lock; the one for developers holds the one for running as well."""
    if not STAMP.is_file() or not PYTHON.exists():
        return False
    written = STAMP.read_text(encoding="ascii").split()
    return any(f"{name}={_digest(name)}" in written for name in {lock, "dev"})


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


def _make_venv() -> list[str]:
    """A fresh environment; the command line of the pip that fills it."""
    base = [sys.executable, "-m", "venv", "--clear", str(VENV)]
    if subprocess.run(base, check=False, capture_output=True, cwd=ROOT).returncode == 0:
        return [str(PYTHON), "-m", "pip"]
    # Debian keeps what `venv` needs for pip in a package of its own; the pip beside this Python does as well.
    _call([*base, "--without-pip"], "Making the environment .venv")
    outside = [sys.executable, "-m", "pip"]
    if subprocess.run([*outside, "--version"], check=False, capture_output=True, cwd=ROOT).returncode != 0:
        sys.exit("pip is missing: install it first (Debian, Ubuntu: apt-get install python3-pip, or python3-venv).")
    return [*outside, "--python", str(PYTHON)]


def _install(lock: str) -> None:
    began = time.monotonic()
    file = ROOT / "locks" / f"{lock}.txt"
    count = sum(not line.startswith((" ", "#")) for line in file.read_text(encoding="utf-8").splitlines() if line)
    print(f"Installing {count} locked packages into .venv …", flush=True)
    pip = _make_venv()
    quiet = ["install", "--quiet", "--no-deps"]
    _call(
        [*pip, *quiet, "--require-hashes", "--only-binary", ":all:", "--requirement", str(file)],
        "Installing the locked packages",
    )
    _call([*pip, *quiet, "--no-build-isolation", "--editable", str(ROOT)], "Installing the checkout")
    STAMP.write_text(f"{lock}={_digest(lock)}\n", encoding="ascii")
    print(f"The environment is ready after {time.monotonic() - began:.0f} s.", flush=True)


def main() -> None:
    if sys.version_info < LEAST:
        sys.exit(f"Python {LEAST[0]}.{LEAST[1]} or newer is needed; this is {sys.version.split()[0]}.")
    lock = sys.argv[1] if len(sys.argv) > 1 else "run"
    if not _is_ready(lock):
        _install(lock)


if __name__ == "__main__":
    main()
