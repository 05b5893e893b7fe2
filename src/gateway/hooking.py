"""Puts webhooks together from the settings: where they may go, what their secrets are sealed with, who sends them."""

from core.database import Database
from gateway import resources
from gateway.sections import items
from gateway.settings import Settings, UnusableSetting
from telemetry.hooks.webhooks import guarding
from telemetry.hooks.webhooks.delivering import Deliver, DeliverOptions
from telemetry.hooks.webhooks.guarding import Policy
from telemetry.hooks.webhooks.managing import Desk
from telemetry.hooks.webhooks.sealing import NotAKey, Seal
from telemetry.hooks.webhooks.sending import Bounds, Resolve, Resolver, Sender

# Beyond the time of an attempt: for its note, and for a process that is held up.
_CLAIM_MARGIN_SECONDS = 15


def desk(settings: Settings) -> Desk:
    """Raises UnusableSetting."""
    try:
        seal = Seal(settings.hooks_keys)
    except NotAKey as failure:
        raise UnusableSetting(str(failure)) from None
    return Desk(policy(settings), seal)


def policy(settings: Settings) -> Policy:
    """Raises UnusableSetting."""
    hooks = settings.hooks
    try:
        ports = frozenset(int(text) for text in items(hooks.ports))
        receivers = tuple(guarding.receiver(text) for text in items(hooks.private_receivers))
    except guarding.UnreadableReceiver as failure:
        raise UnusableSetting(f"QUANTRAC_HOOKS__PRIVATE_RECEIVERS: {failure}") from None
    except ValueError:
        raise UnusableSetting(f"QUANTRAC_HOOKS__PORTS: {hooks.ports!r} is not like 443,8443") from None
    return Policy(ports, receivers)


def sender(settings: Settings, resolve: Resolve) -> Sender:
    """Raises UnusableSetting."""
    hooks = settings.hooks
    tls = resources.outbound_tls(hooks.ca_file)
    return Sender(policy(settings), resolve, tls, Bounds(seconds=hooks.seconds))


def deliver(settings: Settings, database: Database) -> Deliver:
    """Raises UnusableSetting."""
    hooks = settings.hooks
    options = DeliverOptions(
        places=hooks.attempts,
        places_each=hooks.attempts_each,
        claim_seconds=hooks.seconds + _CLAIM_MARGIN_SECONDS,
        give_up_days=hooks.give_up_days,
        drain_seconds=hooks.seconds + 1,
    )
    # More threads than attempts: one that waits for a dead name server outlives its attempt.
    resolve = Resolver(2 * hooks.attempts)
    return Deliver(database, sender(settings, resolve), desk(settings).seal, options)
