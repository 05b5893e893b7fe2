"""Writes the lock files: exact versions with hashes for Python 3.11 and newer, and no address of a package index."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LOCKS = ROOT / "locks"
# What both have in common: this project's own settings count, those of the machine do not.
COMMON = [
    "--no-config",
    "--quiet",
    "--universal",
    "--python-version=3.11",
    "--generate-hashes",
    "--only-binary=:all:",
    "--no-emit-index-url",
    "--no-emit-find-links",
    "--no-emit-build-options",
    "--no-header",
    "--no-annotate",
    "--extra=embedded",
]


def _compile(name: str, *options: str) -> None:
    """Resolve anew; versions that an existing lock names stay unless `--upgrade` is given."""
    program = [sys.executable, "-m", "uv", "pip", "compile", *COMMON, *options, *sys.argv[1:]]
    subprocess.run([*program, f"--output-file={LOCKS / name}", "pyproject.toml"], check=True, cwd=ROOT)


def main() -> None:
    LOCKS.mkdir(exist_ok=True)
    _compile("dev.txt", "--group=dev")
    # The smaller lock takes its versions from the larger one, so that tests run on what is run.
    _compile("run.txt", "--group=build", f"--constraints={LOCKS / 'dev.txt'}")


if __name__ == "__main__":
    main()
