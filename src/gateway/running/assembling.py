"""How the parts of one machine fit together: ports, settings of each process, the broker's configuration."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from core.database import Database
from gateway import welcoming
from gateway.embedded import nats, ports
from gateway.embedded.errors import PortTaken
from gateway.running import credentials, services
from gateway.running.places import Places
from gateway.settings import Settings, environment_with
from telemetry.mqtt import broker_nats
from telemetry.mqtt.brokers import BrokerUser

# Of the broker; it syncs each message, and several of them wait for the disk side by side.
ACCOUNTS = 4

Render = Callable[[Sequence[BrokerUser]], Mapping[Path, str]]


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line says."""

    data: Path
    host: str
    http_port: int
    mqtt_port: int
    stations: bool


class Assembly:
    """One arrangement of ports and files; it stays the same for a whole run."""

    def __init__(self, options: Options, settings: Settings) -> None:
        """Raises PortTaken where another program listens on a port that was asked for."""
        self.options = options
        self.places = Places(options.data.resolve())
        self._settings = settings
        _refuse(options.http_port, "HTTP", options.host, "--http-port", "HTTP_PORT")
        _refuse(options.mqtt_port, "MQTT", options.host, "--mqtt-port", "MQTT_PORT")
        wanted = settings.mqtt.health_port
        self._consumer_port = wanted if wanted and ports.is_free(wanted) else ports.free()
        wanted = settings.watch.health_port
        self._watch_port = wanted if wanted and ports.is_free(wanted) else ports.free()
        self._monitor_port = ports.free()
        self._client_port = ports.free()

    @property
    def http(self) -> str:
        return f"http://{_reachable(self.options.host)}:{self.options.http_port}"

    @property
    def mqtt(self) -> str:
        return f"{_reachable(self.options.host)}:{self.options.mqtt_port}"

    @property
    def _consumer(self) -> str:
        return f"http://127.0.0.1:{self._consumer_port}"

    def variables(self) -> dict[str, str]:
        """Settings of every process of this run, and of commands that are called beside it."""
        return {
            "QUANTRAC_DATABASE__DSN_FILE": str(self.places.database_address),
            "QUANTRAC_ACCESS__STAFF_TOKEN_FILE": str(self.places.staff_token),
            "QUANTRAC_HOOKS__SECRET_KEY_FILE": str(self.places.webhook_key),
            "QUANTRAC_HTTP__HOST": self.options.host,
            # Whoever tries it out wants to read what can be asked.
            "QUANTRAC_HTTP__PUBLIC_INTERFACE": "true",
            "QUANTRAC_HTTP__PORT": str(self.options.http_port),
            "QUANTRAC_MQTT__HOST": _reachable(self.options.host),
            "QUANTRAC_MQTT__PORT": str(self.options.mqtt_port),
            "QUANTRAC_MQTT__ACCOUNTS": str(ACCOUNTS),
            "QUANTRAC_MQTT__PASSWORD_FILE": str(self.places.broker_password),
            "QUANTRAC_MQTT__MONITOR_URL": f"http://127.0.0.1:{self._monitor_port}",
            "QUANTRAC_MQTT__HEALTH_HOST": "127.0.0.1",
            "QUANTRAC_MQTT__HEALTH_PORT": str(self._consumer_port),
            "QUANTRAC_WATCH__HEALTH_HOST": "127.0.0.1",
            "QUANTRAC_WATCH__HEALTH_PORT": str(self._watch_port),
        }

    async def first_link(self, database: Database) -> str | None:
        """Where the first administrator begins; None where somebody manages people already."""
        http = {"host": self.options.host, "port": self.options.http_port}
        settings = self._settings.model_copy(update={"http": self._settings.http.model_copy(update=http)})
        return await welcoming.first_link(database, settings)

    def database(self) -> services.Database:
        return services.Database(self.places.postgres, self.places.log("postgres.log"))

    def broker(self) -> services.Broker:
        return services.Broker(
            nats.Places(
                config=self.places.broker_config,
                store=self.places.broker_store,
                mqtt_port=self.options.mqtt_port,
                monitor_port=self._monitor_port,
                log=self.places.log("nats.log"),
            )
        )

    def renderer(self) -> Render:
        """Renders the broker's configuration; the same users give the same text as long as this run lasts."""
        password = credentials.ensure_secret(self.places.broker_password)
        options = broker_nats.NatsOptions(
            store_dir=self.places.broker_store,
            gateway_bcrypt=broker_nats.hash_password(password),
            gateway_user=self._settings.mqtt.username,
            listen=f"{self.options.host}:{self.options.mqtt_port}",
            client_listen=f"127.0.0.1:{self._client_port}",
            monitor_listen=f"127.0.0.1:{self._monitor_port}",
            accounts=ACCOUNTS,
            max_ack_pending=max(1, self._settings.mqtt.in_flight // ACCOUNTS),
        )
        return lambda users: {self.places.broker_config: broker_nats.render(users, options)}

    def gateway(self) -> services.Command:
        return self._command("gateway", ["serve"], f"{self.http}/readyz")

    def consumer(self) -> services.Command:
        return self._command("consumer", ["consume"], f"{self._consumer}/readyz")

    def watch(self) -> services.Command:
        return self._command("watch", ["watch"], f"http://127.0.0.1:{self._watch_port}/readyz")

    def stations(self) -> services.Command:
        where = ["--url", self.http, "--mqtt", self.mqtt, "--keys", str(self.places.station_keys)]
        # A day of history and the faults of ordinary days: there is something to see from the first minute.
        return self._command("stations", ["simulate", *where, "--backfill", "1", "--fault", "everyday"])

    def _command(self, name: str, arguments: Sequence[str], health: str | None = None) -> services.Command:
        line = services.CommandLine(arguments, environment_with(self.variables()), health)
        return services.Command(name, line, self.places.log(f"{name}.jsonl"))

    def metric_pages(self) -> dict[str, dict[str, str]]:
        """Where refusals and qualities are counted, with the headers that open each page."""
        token = credentials.ensure_secret(self.places.staff_token)
        return {
            f"{self.http}/metrics": {"Authorization": f"Bearer {token}"},
            f"{self._consumer}/metrics": {},
        }


def _refuse(port: int, purpose: str, host: str, option: str, variable: str) -> None:
    if ports.is_free(port, host):
        return
    other = ports.free_after(port, host)
    hint = f"Choose another: quantrac run {option} {other}, or make run {variable}={other}."
    raise PortTaken(port, purpose, host, hint)


def _reachable(host: str) -> str:
    """An address that reaches a server on this machine, where it listens on all of them."""
    return "127.0.0.1" if host in {"0.0.0.0", "::", ""} else host  # noqa: S104 - compared with, not listened on
