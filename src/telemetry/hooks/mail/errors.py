"""What can be wrong with a request about mail.

Error
├── NotFound ── MailSubscriptionNotFound, MailNotFound
├── Conflict ── MailSubscriptionDisabled
└── Unavailable ── MailNotSetUp, MailServerUnavailable
"""

from core import errors
from telemetry.hooks.errors import no_such


class MailSubscriptionNotFound(errors.NotFound):
    slug = "mail-subscription-not-found"
    title = "No such mail subscription"

    @classmethod
    def numbered(cls, number: int) -> "MailSubscriptionNotFound":
        return no_such(cls, "mail subscription", number, field="id", expected="the id of a mail subscription")


class MailNotFound(errors.NotFound):
    slug = "mail-not-found"
    title = "The subscription has no such mail"

    @classmethod
    def numbered(cls, number: int) -> "MailNotFound":
        return no_such(cls, "mail", number, field="mail", expected="the id of a mail of this subscription")


class MailSubscriptionDisabled(errors.Conflict):
    slug = "mail-subscription-disabled"
    title = "The mail subscription is disabled"

    @classmethod
    def numbered(cls, number: int) -> "MailSubscriptionDisabled":
        return cls(f"Mail subscription {number} is disabled; enable it first.")


class MailNotSetUp(errors.Unavailable):
    slug = "mail-not-set-up"
    title = "No mail server is set up"


class MailServerUnavailable(errors.Unavailable):
    """The server does not answer or wants nothing from us; it says nothing about any one mail."""

    slug = "mail-server-unavailable"
    title = "The mail server takes no mail"
