"""Every setting of the service. The only module that reads the environment: `QUANTRAC_<SECTION>__<NAME>`."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Self

from pydantic import SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from gateway.sections import (
    AccessSettings,
    DatabaseSettings,
    HooksSettings,
    HttpSettings,
    IntakeSettings,
    LimitsSettings,
    LogSettings,
    MailSettings,
    MqttSettings,
    OidcSettings,
    Section,
    StationsSettings,
    StreamSettings,
    VerdictsSettings,
    WatchSettings,
)

PREFIX = "QUANTRAC_"
# Read by the test suite and by nothing else.
FOREIGN = frozenset({"QUANTRAC_TEST_DSN"})

# Files that everybody may read.
_PUBLIC_FILES = frozenset({"ca_file", "certificate_file"})


class UnknownSetting(ValueError):
    """A QUANTRAC_ variable that no setting reads, most likely misspelt."""


class MissingSetting(ValueError):
    """A setting that this command cannot do without."""


class UnusableSetting(ValueError):
    """A setting whose text cannot be used as it is."""


@dataclass(frozen=True, slots=True)
class Secret:
    """A setting that nobody else may know: as a value of the environment, or in a file."""

    name: str
    value: SecretStr | None
    file: Path | None

    @property
    def is_set(self) -> bool:
        return self.value is not None or self.file is not None

    def text(self) -> str | None:
        """Raises OSError or UnicodeDecodeError where the file cannot be read."""
        return _secret(self.value, self.file)


class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix=PREFIX, env_nested_delimiter="__", extra="forbid", frozen=True)

    database: DatabaseSettings = DatabaseSettings()
    http: HttpSettings = HttpSettings()
    mqtt: MqttSettings = MqttSettings()
    intake: IntakeSettings = IntakeSettings()
    stations: StationsSettings = StationsSettings()
    watch: WatchSettings = WatchSettings()
    verdicts: VerdictsSettings = VerdictsSettings()
    hooks: HooksSettings = HooksSettings()
    mail: MailSettings = MailSettings()
    stream: StreamSettings = StreamSettings()
    limits: LimitsSettings = LimitsSettings()
    access: AccessSettings = AccessSettings()
    oidc: OidcSettings = OidcSettings()
    log: LogSettings = LogSettings()

    @model_validator(mode="after")
    def _refuse_unknown_variables(self) -> Self:
        unknown = {name for name in os.environ if name.startswith(PREFIX)} - set(variables()) - FOREIGN
        if unknown:
            raise UnknownSetting(f"No setting reads {', '.join(sorted(unknown))}; see the table in the README.")
        return self

    def secrets(self) -> list[Secret]:
        """Every setting that may hold a secret, under the name of its variable."""
        found = []
        for section in type(self).model_fields:
            given = getattr(self, section)
            for file in type(given).model_fields:
                if file.endswith("_file") and file not in _PUBLIC_FILES:
                    name = file.removesuffix("_file")
                    # A private key comes in a file alone.
                    found.append(
                        Secret(
                            f"{PREFIX}{section.upper()}__{name.upper()}",
                            getattr(given, name, None),
                            getattr(given, file),
                        )
                    )
        return found

    @cached_property
    def dsn(self) -> str:
        found = _secret(self.database.dsn, self.database.dsn_file)
        if found is None:
            raise MissingSetting("Set QUANTRAC_DATABASE__DSN or QUANTRAC_DATABASE__DSN_FILE.")
        return found

    @cached_property
    def mqtt_password(self) -> str | None:
        return _secret(self.mqtt.password, self.mqtt.password_file)

    @cached_property
    def hooks_keys(self) -> str | None:
        return _secret(self.hooks.secret_key, self.hooks.secret_key_file)

    @cached_property
    def mail_password(self) -> str | None:
        return _secret(self.mail.password, self.mail.password_file)

    @cached_property
    def oidc_secret(self) -> str | None:
        return _secret(self.oidc.client_secret, self.oidc.client_secret_file)

    @cached_property
    def staff_token(self) -> str | None:
        return _secret(self.access.staff_token, self.access.staff_token_file)


def _secret(value: SecretStr | None, file: Path | None) -> str | None:
    if value is not None:
        return value.get_secret_value()
    return file.read_text(encoding="utf-8").strip() if file is not None else None


def variables() -> dict[str, str]:
    """The name of every environment variable, with what it sets."""
    found = {}
    for section, field in Settings.model_fields.items():
        kind = field.annotation
        if not (isinstance(kind, type) and issubclass(kind, Section)):
            raise TypeError(f"{section} is not a section of settings")
        for name, item in kind.model_fields.items():
            found[f"{PREFIX}{section.upper()}__{name.upper()}"] = item.description or ""
    return found


def environment_with(given: Mapping[str, str]) -> dict[str, str]:
    """The environment of a child process: this process's own, with these variables laid over it."""
    return {**os.environ, **given}
