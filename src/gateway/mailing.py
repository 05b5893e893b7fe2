"""Puts mail together from the settings: the server, from whom mails come, and who sends them."""

import ssl
from email.headerregistry import Address
from email.utils import parseaddr

from core.database import Database
from core.peers import is_loopback
from gateway.settings import Settings, UnusableSetting
from telemetry.hooks.mail import addresses
from telemetry.hooks.mail.messages import Sender
from telemetry.hooks.mail.round import Mail, MailOptions
from telemetry.hooks.mail.sending import Server


def sender(settings: Settings) -> Sender | None:
    """From whom mails come; None where no server is set. Raises UnusableSetting."""
    if settings.mail.host is None:
        return None
    name, address = parseaddr(settings.mail.sender or "")
    try:
        checked = addresses.checked(address)
        Address(name, *checked.rsplit("@", 1))
    except ValueError as failure:
        raise UnusableSetting(f"QUANTRAC_MAIL__SENDER: {failure}") from None
    return Sender(checked, name)


def server(settings: Settings) -> Server | None:
    """The server that mails are handed to; None where none is set. Raises UnusableSetting."""
    mail, known = settings.mail, sender(settings)
    if mail.host is None or known is None:
        return None
    if mail.user is not None and mail.tls == "none" and not is_loopback(mail.host):
        raise UnusableSetting("QUANTRAC_MAIL__TLS: a password does not go over the network without TLS")
    return Server(
        host=mail.host,
        port=mail.port,
        security=mail.tls,
        sender=known,
        user=mail.user,
        password=settings.mail_password,
        tls=None if mail.tls == "none" else ssl.create_default_context(cafile=mail.ca_file),
        seconds=mail.seconds,
    )


def round_of(settings: Settings, database: Database) -> Mail:
    """The round that writes to people. Raises UnusableSetting."""
    return Mail(
        database, server(settings), MailOptions(base_url=settings.mail.base_url, keep_days=settings.mail.keep_days)
    )
