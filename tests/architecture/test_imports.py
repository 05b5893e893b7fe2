"""The direction of imports, which the contracts in pyproject.toml settle."""

import os
import subprocess
import sys
from pathlib import Path

from tests.architecture.sources import ROOT, SOURCE


def test_every_import_contract_is_kept(tmp_path: Path) -> None:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-logo", "--cache-dir", str(tmp_path)]
    environment = os.environ | {"PYTHONPATH": str(SOURCE), "NO_COLOR": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
