"""What can be wrong with a request about webhooks.

Error
├── Invalid ── ReceiverRefused, FilterUnknown
├── NotFound ── WebhookNotFound, DeliveryNotFound
├── Conflict ── WebhookDisabled
└── Unavailable ── KeyMissing
"""

from core import errors


class ReceiverRefused(errors.Invalid):
    slug = "receiver-refused"
    title = "This address may not be written to"

    @classmethod
    def because(cls, url: str, reason: str) -> "ReceiverRefused":
        fault = errors.Fault(
            "url", errors.shown(url), "https to a public address, or a receiver that the settings list"
        )
        return cls(f"The receiver is refused: {reason}.", faults=[fault])


class FilterUnknown(errors.Invalid):
    slug = "webhook-filter-unknown"
    title = "The filter names what is not in the catalogue"

    @classmethod
    def of(cls, field: str, codes: list[str]) -> "FilterUnknown":
        faults = [errors.Fault(field, errors.shown(code), "a code of the catalogue") for code in codes]
        return cls(f"Not in the catalogue: {errors.shown(', '.join(codes))}.", faults=faults)


class WebhookNotFound(errors.NotFound):
    slug = "webhook-not-found"
    title = "No such webhook"

    @classmethod
    def numbered(cls, number: int) -> "WebhookNotFound":
        return cls(f"There is no webhook {number}.", faults=[errors.Fault("id", str(number), "the id of a webhook")])


class DeliveryNotFound(errors.NotFound):
    slug = "webhook-delivery-not-found"
    title = "The webhook has no such delivery"

    @classmethod
    def numbered(cls, number: int) -> "DeliveryNotFound":
        fault = errors.Fault("delivery", str(number), "the id of a delivery of this webhook")
        return cls(f"There is no delivery {number}.", faults=[fault])


class WebhookDisabled(errors.Conflict):
    slug = "webhook-disabled"
    title = "The webhook is disabled"

    @classmethod
    def numbered(cls, number: int) -> "WebhookDisabled":
        return cls(f"Webhook {number} is disabled; enable it first.")


class KeyMissing(errors.Unavailable):
    slug = "webhook-key-missing"
    title = "The key that secrets of webhooks are encrypted with is not there"
