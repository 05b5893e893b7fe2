"""Checks of what this deployment listens on and speaks to: nothing leaves the machine without TLS."""

from core.peers import is_loopback
from gateway.doctoring.findings import Finding, Line
from gateway.settings import Settings


def addresses(settings: Settings) -> list[Finding]:
    return [
        gateway(settings.http.host, settings.http.port),
        health("the consumer", settings.mqtt.health_host, settings.mqtt.health_port),
        health("the watch process", settings.watch.health_host, settings.watch.health_port),
        broker_tls(settings.mqtt.host, encrypted=settings.mqtt.tls),
    ]


def gateway(host: str, port: int) -> Finding:
    line = Line("listening", "address of the gateway")
    if is_loopback(host):
        return line.ok(f"{host}:{port}")
    return line.notice(
        f"{host}:{port}, which other machines may reach without TLS and without deadlines",
        "Let only a proxy reach it (deploy/haproxy.cfg), and close the port to everybody else.",
    )


def health(whose: str, host: str, port: int) -> Finding:
    line = Line("listening", f"address of the health pages of {whose}")
    if not port:
        return line.ok("none")
    if is_loopback(host):
        return line.ok(f"{host}:{port}")
    return line.notice(
        f"{host}:{port}: whoever reaches it reads the metrics without a credential",
        "Close the port to everybody but the monitoring.",
    )


def broker_tls(host: str, *, encrypted: bool) -> Finding:
    line = Line("broker-tls", "encryption of the connection to the broker")
    if encrypted:
        return line.ok("TLS")
    if is_loopback(host):
        return line.ok("not needed: the broker is on this machine")
    return line.notice(
        f"none to {host}: the gateway's password and the readings can be read on the way",
        "QUANTRAC_MQTT__TLS=true, unless nobody else is in that network.",
    )
