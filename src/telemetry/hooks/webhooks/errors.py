"""What can be wrong with a request about webhooks.

Error
├── Invalid ── ReceiverRefused
├── NotFound ── WebhookNotFound, DeliveryNotFound
├── Conflict ── WebhookDisabled
└── Unavailable ── KeyMissing
"""

from core import errors
from telemetry.hooks.errors import no_such


class ReceiverRefused(errors.Invalid):
    slug = "receiver-refused"
    title = "This address may not be written to"

    @classmethod
    def because(cls, url: str, reason: str) -> "ReceiverRefused":
        fault = errors.Fault(
            "url", errors.shown(url), "https to a public address, or a receiver that the settings list"
        )
        return cls(f"The receiver is refused: {reason}.", faults=[fault])


class WebhookNotFound(errors.NotFound):
    slug = "webhook-not-found"
    title = "No such webhook"

    @classmethod
    def numbered(cls, number: int) -> "WebhookNotFound":
        return no_such(cls, "webhook", number, field="id", expected="the id of a webhook")


class DeliveryNotFound(errors.NotFound):
    slug = "webhook-delivery-not-found"
    title = "The webhook has no such delivery"

    @classmethod
    def numbered(cls, number: int) -> "DeliveryNotFound":
        return no_such(cls, "delivery", number, field="delivery", expected="the id of a delivery of this webhook")


class WebhookDisabled(errors.Conflict):
    slug = "webhook-disabled"
    title = "The webhook is disabled"

    @classmethod
    def numbered(cls, number: int) -> "WebhookDisabled":
        return cls(f"Webhook {number} is disabled; enable it first.")


class KeyMissing(errors.Unavailable):
    slug = "webhook-key-missing"
    title = "The key that secrets of webhooks are encrypted with is not there"
