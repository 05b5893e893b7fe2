"""Where `quantrac run` keeps things: the names inside its data folder."""

import os
import shlex
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Places:
    root: Path

    def make(self) -> None:
        """Make the folder for its owner alone; started by root, the database's own user passes through it.

        A folder that is there stays as its owner made it.
        """
        self.root.parent.mkdir(parents=True, exist_ok=True)
        self.root.mkdir(mode=0o711 if os.geteuid() == 0 else 0o700, exist_ok=True)
        self.log("").mkdir(mode=0o750, exist_ok=True)

    @property
    def postgres(self) -> Path:
        return self.root / "postgres"

    @property
    def nats(self) -> Path:
        return self.root / "nats"

    @property
    def broker_config(self) -> Path:
        return self.nats / "nats.conf"

    @property
    def broker_store(self) -> Path:
        return self.nats / "store"

    @property
    def staff_token(self) -> Path:
        return self.root / "staff.token"

    @property
    def station_keys(self) -> Path:
        return self.root / "station-keys.json"

    @property
    def broker_password(self) -> Path:
        return self.root / "broker.password"

    @property
    def webhook_key(self) -> Path:
        """What the secrets of webhooks are encrypted with; without it they must be rotated."""
        return self.root / "webhook.key"

    @property
    def database_address(self) -> Path:
        """The address, with the password, of the database as it runs now."""
        return self.root / "database.dsn"

    @property
    def variables(self) -> Path:
        """Settings for other commands, to be read by a shell: `. var/quantrac.env`."""
        return self.root / "quantrac.env"

    def log(self, name: str) -> Path:
        return self.root / "log" / name

    def write_variables(self, given: Mapping[str, str]) -> None:
        lines = ["# Written at every start of `quantrac run`. In a shell: `. " + shlex.quote(str(self.variables)) + "`"]
        # The command that wrote this is found by its name too, without the environment being activated.
        lines.append(f'export PATH={shlex.quote(str(Path(sys.executable).parent))}:"$PATH"')
        lines += [f"export {name}={shlex.quote(value)}" for name, value in sorted(given.items())]
        self.variables.write_text("\n".join(lines) + "\n", encoding="utf-8")
