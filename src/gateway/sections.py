"""The sections of the settings: what each setting is called, what it may be, and what it is where nobody says."""

import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr

from core.peers import Networks
from telemetry.quality.checking import FUTURE_MINUTES, OLDEST_DAYS

Positive = Annotated[int, Field(gt=0)]
Limit = Annotated[int, Field(ge=0)]
_LOOPBACK = "127.0.0.0/8,::1"
_ORIGIN = re.compile(r"https?://[a-z0-9.-]+(:[0-9]+)?|https?://\[[0-9a-f:]+\](:[0-9]+)?")


def _networks(text: str) -> str:
    Networks(text)
    return text


def items(text: str) -> list[str]:
    """What stands between the commas of a setting, without what is empty."""
    return [item.strip() for item in text.split(",") if item.strip()]


def _origins(text: str) -> str:
    for name in items(text):
        if _ORIGIN.fullmatch(name) is None:
            raise ValueError(f"{name!r} is no origin such as https://map.example.vn; `*` is none either")
    return text


NetworkList = Annotated[str, AfterValidator(_networks)]
OriginList = Annotated[str, AfterValidator(_origins)]


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class DatabaseSettings(Section):
    dsn: SecretStr | None = Field(None, description="PostgreSQL address, `postgresql://user:password@host:port/name`.")
    dsn_file: Path | None = Field(None, description="File that holds the address instead.")
    pool_size: Positive = Field(6, description="Most connections of one process.")
    command_seconds: Positive = Field(10, description="Time that one statement may take.")


class HttpSettings(Section):
    host: str = Field("127.0.0.1", description="Address to listen on; leave it on loopback behind the TLS proxy.")
    port: int = Field(8000, ge=0, le=65535, description="Port to listen on.")
    trusted_proxies: NetworkList = Field(
        "",
        description="Proxies whose X-Forwarded-For is believed: addresses and networks, separated by commas, "
        "and `unix` for sockets in the file system.",
    )
    hosts: str = Field(
        "", description="Names under which the service may be asked, separated by commas; without any, under all."
    )
    origins: OriginList = Field(
        "",
        description="Sites whose pages may ask the API with a token, as `https://map.example.vn`, separated by commas.",
    )
    public_interface: bool = Field(False, description="Let anybody read /docs and /openapi.json.")
    metrics_networks: NetworkList = Field(
        "", description="Addresses and networks that may read /metrics of the gateway without a token."
    )


class MqttSettings(Section):
    host: str = Field("127.0.0.1", description="Address of the broker.")
    port: int = Field(1883, ge=1, le=65535, description="Port of the broker.")
    protocol: Literal["3.1.1", "5"] = Field("3.1.1", description="Version to speak; NATS has 3.1.1 only.")
    username: str = Field("quantrac-gateway", description="The gateway's user at the broker.")
    password: SecretStr | None = Field(None, description="The gateway's password at the broker.")
    password_file: Path | None = Field(None, description="File that holds the password instead.")
    client_id: str | None = Field(
        None,
        pattern="^[A-Za-z0-9_-]{1,64}$",
        description="Client id under which the broker keeps the session; without one, a random one from the database.",
    )
    keepalive_seconds: Positive = Field(20, description="Keep-alive; a dead broker is found within twice this time.")
    in_flight: Positive = Field(2000, description="Most messages taken from the broker and not yet committed.")
    accounts: int = Field(
        1,
        ge=1,
        le=32,
        description="Accounts of a NATS broker over which the stations are spread, each with a store of its own: 4 "
        "double its speed where each message is synced. Never fewer than before; 1 for any other broker.",
    )
    tls: bool = Field(False, description="Speak TLS to the broker.")
    health_host: str = Field("127.0.0.1", description="Address of the consumer's /livez, /readyz and /metrics.")
    health_port: int = Field(8001, ge=0, le=65535, description="Port of the same; 0 serves none.")
    metrics_networks: NetworkList = Field(
        _LOOPBACK, description="Addresses and networks that may read /metrics of the consumer."
    )
    ca_file: Path | None = Field(
        None, description="Certificate authority of the broker, where the system's is not used."
    )
    certificate_file: Path | None = Field(
        None, description="Certificate that the consumer shows to a broker which asks for one."
    )
    key_file: Path | None = Field(None, description="Private key of the same.")
    monitor_url: str | None = Field(
        None,
        pattern="^https?://",
        description="Monitoring page of a NATS broker, for `quantrac doctor` and for where the consumer saw keys used.",
    )

    @property
    def in_flight_of_account(self) -> int:
        """The share of each account."""
        return max(1, self.in_flight // self.accounts)


class IntakeSettings(Section):
    group_rows: Positive = Field(20_000, description="Most readings committed in one transaction.")
    group_bytes: Positive = Field(16 * 2**20, description="Most raw bytes committed in one transaction.")
    queue_rows: Positive = Field(200_000, description="Readings that may wait for the database before 503 is answered.")
    queue_bytes: Positive = Field(
        64 * 2**20, description="Raw bytes that may wait for the database before 503 is answered."
    )
    writers: int = Field(2, ge=1, le=16, description="Transactions that may run side by side.")
    answer_seconds: Positive = Field(5, description="A submission that is not committed in this time is answered 503.")
    oldest_days: Positive = Field(OLDEST_DAYS, description="Readings older than this go to quarantine.")
    future_minutes: Positive = Field(
        FUTURE_MINUTES, description="Readings further ahead of the clock than this go to quarantine."
    )
    body_bytes: Positive = Field(
        8 * 2**20, description="Most bytes of one request body on the wire (NDJSON: of one line)."
    )
    inflated_bytes: Positive = Field(32 * 2**20, description="Most bytes of one body after gzip is undone.")
    chunk_bytes: Positive = Field(2**19, description="Bytes of an NDJSON stream that share one receipt.")


class StationsSettings(Section):
    readings_per_minute: Positive = Field(60_000, description="Most readings a minute of one station at one process.")
    requests_per_minute: Positive = Field(6_000, description="Most submissions a minute of the same.")
    bytes_per_minute: Positive = Field(32 * 2**20, description="Most bytes a minute of the same.")
    burst_minutes: Positive = Field(4, description="What a station did not use in so many minutes it may send at once.")
    pause_seconds: Positive = Field(
        60, description="For so long at least the broker keeps a station out that sends too much over MQTT."
    )
    key_days: Positive | None = Field(
        None, description="Days after which a new key expires where nothing else is said; without a number never."
    )
    notice_days: Positive = Field(30, description="Days before a key expires at which that is told.")
    note_seconds: Positive = Field(30, description="How often it is written down when and where keys were used last.")


class WatchSettings(Section):
    health_host: str = Field("127.0.0.1", description="Address of the watch process's /livez, /readyz and /metrics.")
    health_port: int = Field(8002, ge=0, le=65535, description="Port of the same; 0 serves none.")
    metrics_networks: NetworkList = Field(
        _LOOPBACK, description="Addresses and networks that may read /metrics of the watch process."
    )
    event_days: Positive = Field(30, description="Days after which events that everybody has seen are forgotten.")


class VerdictsSettings(Section):
    grace_minutes: int = Field(10, ge=0, le=1440, description="Minutes after its end at which a period is judged.")


class HooksSettings(Section):
    secret_key: SecretStr | None = Field(
        None,
        description="Key that webhook secrets are encrypted with: 32 bytes in base64, the former ones behind a comma.",
    )
    secret_key_file: Path | None = Field(None, description="File that holds the keys instead.")
    ports: str = Field("443,8443", description="Ports of receivers that webhooks may go to, separated by commas.")
    private_receivers: str = Field(
        "",
        description="Receivers that need not be public, separated by commas: `alarms.example.vn:8443`, "
        "`https://10.20.0.0/16`, `http://[fd00::5]:8080`; with http:// they may do without TLS.",
    )
    ca_file: Path | None = Field(None, description="Certificate authority of receivers, beside the usual ones.")
    attempts: Positive = Field(64, description="Deliveries that one process makes side by side.")
    attempts_each: Positive = Field(4, description="Of these, most to one receiver.")
    seconds: Positive = Field(15, description="Time that a receiver may take to answer.")
    give_up_days: Positive = Field(5, description="Days without one that arrived after which a webhook is disabled.")
    keep_days: Positive = Field(90, description="Days after which deliveries and dead letters are forgotten.")


class MailSettings(Section):
    host: str | None = Field(
        None, description="SMTP server that mails are handed to; without one nobody is written to."
    )
    port: int = Field(587, ge=1, le=65535, description="Port of the same.")
    tls: Literal["starttls", "tls", "none"] = Field(
        "starttls", description="`starttls` (port 587), `tls` from the first byte (465), or `none`, for a relay nearby."
    )
    user: str | None = Field(None, description="User at the server; without one nothing is said about who we are.")
    password: SecretStr | None = Field(None, description="Password at the server.")
    password_file: Path | None = Field(None, description="File that holds the password instead.")
    sender: str | None = Field(None, description="From whom mails come, as `Quan trắc <quantrac@example.vn>`.")
    base_url: str | None = Field(
        None, pattern="^https?://[^\\s]+$", description="Where the pages of this service are found; for links in mails."
    )
    ca_file: Path | None = Field(None, description="Certificate authority of the server, where not a usual one.")
    seconds: Positive = Field(30, description="Time that the server may take to answer one step.")
    keep_days: Positive = Field(90, description="Days after which mails and dead letters are forgotten.")


class StreamSettings(Section):
    most_clients: Positive = Field(1000, description="Most clients of the live stream at one process.")
    beat_seconds: Positive = Field(
        15, description="After so long without an event the live stream sends a sign of life."
    )


class LimitsSettings(Section):
    failures_per_address: Limit = Field(
        60, description="Wrong keys, tokens and passwords that one address may send a minute; 0 for any number."
    )
    failures_per_name: Limit = Field(
        20, description="Wrong secrets a minute for one key id, token id or user name; 0 for any number."
    )
    requests_per_minute: Limit = Field(
        6000, description="Requests a minute of one person, token or key, beside sent readings; 0 for any number."
    )


class AccessSettings(Section):
    staff_token: SecretStr | None = Field(
        None, min_length=16, description="One token that may do all, for setting up and trying out."
    )
    staff_token_file: Path | None = Field(None, description="File that holds the token instead.")
    session_idle_minutes: Positive = Field(30, description="A session of a browser that is not used for so long ends.")
    session_hours: Positive = Field(12, description="A session of a browser ends after so long, used or not.")
    token_days: Positive = Field(90, description="Most days that a personal token is valid for.")
    service_token_days: Positive = Field(365, description="Most days that a service token is valid for.")


class OidcSettings(Section):
    issuer: str | None = Field(
        None, description="Identity provider, exactly as it names itself: `https://id.example.vn/realms/so-tnmt`."
    )
    client_id: str = Field("quantrac", min_length=1, max_length=255, description="Name of this service there.")
    client_secret: SecretStr | None = Field(None, description="Its secret there; without one, PKCE alone has to do.")
    client_secret_file: Path | None = Field(None, description="File that holds the secret instead.")
    base_url: str | None = Field(
        None, description="Where browsers find this service; `<it>/sign-in/oidc/callback` is what the provider is told."
    )
    scopes: str = Field(
        "openid profile email",
        pattern=r"^openid( [\x21\x23-\x5b\x5d-\x7e]+)*$",
        description="Scopes that are asked for.",
    )
    roles_claim: str = Field(
        "groups",
        min_length=1,
        description="Claim of the ID token that names groups; dots lead inside: `realm_access.roles`.",
    )
    roles: str = Field(
        "",
        description="Roles that groups give: `admins=administrator;nuoc-thai=operator:stationKind=wastewater`; "
        "further `organization`, `district`, `domain`, several values with commas.",
    )
    create_people: bool = Field(
        False, description="Whether a sign-in makes an account for somebody new whose groups give a role."
    )
    name_claim: str = Field(
        "preferred_username", min_length=1, description="Claim of which the user name of a new account is made."
    )
    acr: str = Field("", description="Values of `acr`, of which a sign-in needs one, separated by commas.")
    amr: str = Field("", description="Values of `amr`, all of which a sign-in needs, separated by commas: `mfa`.")
    audience: str | None = Field(
        None, min_length=1, description="Audience of access tokens that the interface takes; without one it takes none."
    )
    token_type: Literal["at+jwt", "JWT"] = Field(
        "at+jwt", description="`typ` of access tokens (RFC 9068); `JWT` for providers that do not know better."
    )
    token_clients: str = Field(
        "", description="Clients whose access tokens are taken, separated by commas; without any, each client's."
    )
    token_hours: Positive = Field(24, description="Longest life of an access token that is taken.")
    programs: str = Field(
        "",
        description="Roles of clients that act for themselves: `importer=steward`, or `importer/<sub>=steward`.",
    )
    ca_file: Path | None = Field(None, description="Certificate authority of the provider, beside the usual ones.")
    seconds: Positive = Field(5, description="Time that the provider may take to answer one step.")


class LogSettings(Section):
    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="Least level that is written.")
