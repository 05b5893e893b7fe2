"""What deploy/ holds is true: settings and commands that it names exist, and each file is what its reader takes."""

import configparser
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from gateway import settings
from gateway.cli import main
from tests.architecture.sources import ROOT

DEPLOY = ROOT / "deploy"
UNITS = sorted((DEPLOY / "systemd").iterdir())
TEXTS = [path for path in sorted(DEPLOY.rglob("*")) if path.is_file()]
_SETTING = re.compile(r"\bQUANTRAC_[A-Z0-9_]+")
_ASSIGNMENT = re.compile(r"#?(QUANTRAC_[A-Z0-9_]+)=(.*)")


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
    return document


def _unit(path: Path) -> configparser.RawConfigParser:
    """A unit as systemd reads it, as far as repeated names do not matter."""
    parser = configparser.RawConfigParser(strict=False, delimiters=("=",), comment_prefixes=("#", ";"))
    parser.optionxform = str  # type: ignore[assignment,method-assign] # names of units have upper and lower case
    parser.read_string(path.read_text(encoding="utf-8"))
    return parser


def _refused(arguments: list[str]) -> str | None:
    """What the command line says against the arguments, without running anything; None when it would run."""
    name, *rest = arguments
    if name not in main.COMMANDS:
        return f"there is no command {name}"
    command: Any = main._loaded(name)
    try:
        while hasattr(command, "commands"):
            command, rest = command.commands[rest[0]], rest[1:]
        command.make_context(name, list(rest))
    except Exception as error:  # noqa: BLE001 - whatever is said against them is the finding
        return f"{' '.join(arguments)}: {error!r}"
    return None


def _commands(path: Path) -> Iterator[list[str]]:
    """The quantrac command lines of a unit."""
    for line in path.read_text(encoding="utf-8").splitlines():
        name, _, value = line.partition("=")
        if name.startswith("Exec") and "/bin/quantrac " in value:
            yield shlex.split(value)[1:]


@pytest.mark.parametrize("line", ["surve", "serve --fast", "broker-config nats", "broker-config", "receipts show x"])
def test_a_command_that_would_not_run_is_found(line: str) -> None:
    assert _refused(line.split()) is not None


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.relative_to(DEPLOY).as_posix())
def test_every_setting_that_is_named_exists(path: Path) -> None:
    named = set(_SETTING.findall(path.read_text(encoding="utf-8")))
    assert named - settings.variables().keys() == set()


def test_the_environment_file_has_every_setting_with_its_default() -> None:
    lines = (DEPLOY / "quantrac.env").read_text(encoding="utf-8").splitlines()
    told = {match[1]: match[2] for line in lines if (match := _ASSIGNMENT.fullmatch(line))}
    defaults = {}
    for section, field in settings.Settings.model_fields.items():
        kind: Any = field.annotation
        for name, item in kind.model_fields.items():
            default = item.default
            shown = "" if default is None else str(default).lower() if isinstance(default, bool) else str(default)
            defaults[f"{settings.PREFIX}{section.upper()}__{name.upper()}"] = shown
    assert told == defaults, "a setting or a default changed: tell it in deploy/quantrac.env"


def test_the_environment_file_sets_nothing_by_itself() -> None:
    lines = (DEPLOY / "quantrac.env").read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if line and not line.startswith("#")] == []


def test_every_command_of_the_compose_file_exists(compose: dict[str, Any]) -> None:
    own = {name: service for name, service in compose["services"].items() if service["image"].startswith("quantrac:")}
    assert {"migrate", "roles", "gateway", "consumer", "watch"} <= own.keys()
    assert [said for service in own.values() if (said := _refused(service["command"]))] == []


def test_the_services_of_the_compose_file_need_what_is_there(compose: dict[str, Any]) -> None:
    services = compose["services"]
    for name, service in services.items():
        assert set(service.get("depends_on", {})) <= services.keys(), name
        assert set(service.get("secrets", [])) <= compose["secrets"].keys(), name
        assert set(service.get("networks", [])) <= compose["networks"].keys(), name
        named = [volume.partition(":")[0] for volume in service.get("volumes", [])]
        assert {volume for volume in named if not volume.startswith(".")} <= compose["volumes"].keys(), name
        shared = service.get("pid", "service:" + name)
        assert shared.removeprefix("service:") in services, name


def test_only_the_proxy_is_reached_from_outside(compose: dict[str, Any]) -> None:
    services = compose["services"]
    assert [name for name, service in services.items() if "ports" in service] == ["proxy"]
    assert compose["networks"]["inside"]["internal"] is True


def test_secrets_are_handed_over_as_files(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        for variable, value in service.get("environment", {}).items():
            secret = re.search(r"PASSWORD|TOKEN|DSN", variable)
            assert secret is None or str(value).startswith("/run/secrets/"), f"{name}: {variable}"
    secrets = [DEPLOY / secret["file"] for secret in compose["secrets"].values()]
    assert {path.parent.resolve() for path in secrets} == {DEPLOY / "secrets"}
    ignored = subprocess.run(["git", "check-ignore", *map(str, secrets)], cwd=ROOT, check=False, capture_output=True)
    assert len(ignored.stdout.splitlines()) == len(secrets), "git would take a secret"


def test_the_owners_address_is_for_migrations_and_roles_alone(compose: dict[str, Any]) -> None:
    holders = {
        name for name, service in compose["services"].items() if "database-address" in service.get("secrets", [])
    }
    assert holders == {"migrate", "roles"}
    units = {path.stem for path in UNITS if "/etc/quantrac/database-address" in path.read_text(encoding="utf-8")}
    assert units == {"quantrac-migrate"}


def test_every_process_has_a_login_with_the_rights_of_its_group(compose: dict[str, Any]) -> None:
    made = {
        option.rpartition("/")[2] for option in compose["services"]["roles"]["command"] if option.startswith("--login")
    }
    used = {
        str(service["environment"]["QUANTRAC_DATABASE__DSN_FILE"]).rpartition("/")[2]
        for name, service in compose["services"].items()
        if "QUANTRAC_DATABASE__DSN_FILE" in service.get("environment", {}) and name not in {"migrate", "roles"}
    }
    assert made == used


def test_one_broker_runs_at_a_time(compose: dict[str, Any]) -> None:
    chosen = (DEPLOY / ".env").read_text(encoding="utf-8").splitlines()[-1]
    assert chosen == "COMPOSE_PROFILES=nats"
    profiles = {name: service.get("profiles") for name, service in compose["services"].items()}
    brokers = {name: profile for name, profile in profiles.items() if profile}
    assert brokers == {
        "nats": ["nats"],
        "nats-files": ["nats"],
        "nats-keys": ["nats"],
        "mosquitto": ["mosquitto"],
        "mosquitto-files": ["mosquitto"],
        "mosquitto-keys": ["mosquitto"],
    }


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_every_command_of_a_unit_exists(path: Path) -> None:
    assert [said for command in _commands(path) if (said := _refused(command))] == []


def test_the_units_run_every_process() -> None:
    run = {command[0] for path in UNITS for command in _commands(path)}
    assert run == {"migrate", "serve", "consume", "watch", "broker-config"}


@pytest.mark.parametrize("path", [path for path in UNITS if path.suffix == ".service"], ids=lambda path: path.name)
def test_a_unit_is_not_root_is_hardened_and_keeps_secrets_out_of_its_environment(path: Path) -> None:
    service = _unit(path)["Service"]
    assert service["User"] == "quantrac"
    hardened = ("NoNewPrivileges", "ProtectHome", "PrivateDevices", "RestrictNamespaces", "MemoryDenyWriteExecute")
    assert {service[name] for name in hardened} == {"yes"}
    assert service["ProtectSystem"] == "strict"
    assert service["CapabilityBoundingSet"] == ""
    text = path.read_text(encoding="utf-8")
    given = dict(re.findall(r"^Environment=(QUANTRAC_\w+)=(.*)$", text, re.MULTILINE))
    # Anything that is no file is named here, and is no secret.
    files = [value for name, value in given.items() if name != "QUANTRAC_HTTP__TRUSTED_PROXIES"]
    credentials = re.findall(r"^LoadCredential=([\w-]+):/etc/quantrac/", text, re.MULTILINE)
    assert sorted(files) == sorted(f"%d/{name}" for name in credentials)


def test_the_gateway_believes_its_proxy(compose: dict[str, Any]) -> None:
    unit = (DEPLOY / "systemd" / "quantrac-gateway.service").read_text(encoding="utf-8")
    assert re.search(r"^Environment=QUANTRAC_HTTP__TRUSTED_PROXIES=127\.0\.0\.1", unit, re.MULTILINE)
    assert compose["services"]["gateway"]["environment"]["QUANTRAC_HTTP__TRUSTED_PROXIES"]


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_systemd_takes_a_unit(path: Path, tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed")
    # The programs are not installed here; everything else is taken as it is.
    for unit in UNITS:
        text = re.sub(r"/opt/quantrac/bin/[\w-]+", "/bin/true", unit.read_text(encoding="utf-8"))
        (tmp_path / unit.name).write_text(text, encoding="utf-8")
    environment = os.environ | {"SYSTEMD_UNIT_PATH": f"{tmp_path}:"}
    command = ["systemd-analyze", "verify", "--recursive-errors=no", str(tmp_path / path.name)]
    done = subprocess.run(command, check=False, capture_output=True, text=True, env=environment)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_image_is_built_from_what_is_there() -> None:
    text = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
    copied = [line.split()[1:-1] for line in text.splitlines() if line.startswith("COPY ") and "--from" not in line]
    wanted = {name for names in copied for name in names}
    assert {name for name in wanted if not (ROOT / name).exists()} == set()
    let_through = (DEPLOY / "Dockerfile.dockerignore").read_text(encoding="utf-8")
    assert {name for name in wanted if f"!{name}\n" not in let_through} == set()
    last = text.rpartition("FROM ")[2]
    assert "USER 10001:10001" in last
