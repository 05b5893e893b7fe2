"""Makes mails: subject, plain text and HTML from the templates, and headers that nothing from outside can add to.

Rules of this file: every value is escaped before it enters HTML, and no control character gets into a header. Names of
stations and comments of people are text of others.
"""

import html
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from pathlib import Path
from string import Template

from telemetry.hooks.mail.wording import Item, Line, Wording

# Only ASCII goes over the wire, in lines that every server takes.
_POLICY = SMTP.clone(cte_type="7bit")
_LONGEST_SUBJECT = 180
# Line ends of every kind, and marks that turn the direction of what follows them.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]+")
_COLOURS = {"critical": "#b3261e", "warning": "#b26a00", "notice": "#1a5fb4"}
_SOURCE_FOLDER = Path(__file__).with_name("templates")
_TEMPLATES = {path.name: Template(path.read_text(encoding="utf-8")) for path in _SOURCE_FOLDER.iterdir()}


@dataclass(frozen=True, slots=True)
class Sender:
    """From whom mails come; the domain of the address stands in their ids."""

    address: str
    name: str = ""

    @property
    def domain(self) -> str:
        return self.address.rpartition("@")[2]


@dataclass(frozen=True, slots=True)
class Envelope:
    """What a mail has beside its content."""

    sender: Sender
    recipient: str
    token: str
    time: datetime
    subscription_id: int

    @property
    def message_id(self) -> str:
        return f"<{self.token}@{self.sender.domain}>"


def of_items(envelope: Envelope, wording: Wording, items: Sequence[Item], count: int) -> EmailMessage:
    """A mail of events, at least one; `count` are all that there are, of which `items` are told one by one."""
    lines = [wording.line(item) for item in items]
    first = lines[0]
    if count == 1:
        subject = f"[{first.severity_label}] {first.label}: {first.title}"
        head = subject
        thread = first.thread
    else:
        span = {"begin": wording.time(items[0].occurred_time), "end": wording.time(items[-1].occurred_time)}
        subject = f"{wording.say('brand')}: {wording.say('digest_subject', count=count, **span)}"
        head = wording.say("digest_head", count=count, **span)
        thread = None
    more = wording.say("more", count=count - len(lines)) if count > len(lines) else ""
    message = _message(envelope, wording, subject, head, lines, more)
    if thread is not None:
        # Programs show together what names the same mail as its beginning, whether there was one or not.
        message["References"] = f"<{_plain(thread)}.{envelope.subscription_id}@{envelope.sender.domain}>"
    return message


def test(envelope: Envelope, wording: Wording) -> EmailMessage:
    """A mail that says that it is a test."""
    return _message(envelope, wording, wording.say("test_subject"), wording.say("test_text"), (), "")


def as_bytes(message: EmailMessage) -> bytes:
    return message.as_bytes(policy=_POLICY)


def _message(
    envelope: Envelope, wording: Wording, subject: str, head: str, lines: Sequence[Line], more: str
) -> EmailMessage:
    local, _, domain = envelope.sender.address.rpartition("@")
    subject = _shortened(_plain(subject))
    message = EmailMessage(policy=_POLICY)
    message["Message-ID"] = envelope.message_id
    message["Date"] = format_datetime(envelope.time)
    message["From"] = Address(_plain(envelope.sender.name), local, domain)
    to_local, _, to_domain = envelope.recipient.rpartition("@")
    message["To"] = Address("", to_local, to_domain)
    message["Subject"] = subject
    # So that no holiday notice answers, and nothing answers in circles.
    message["Auto-Submitted"] = "auto-generated"
    message["X-Auto-Response-Suppress"] = "All"
    shared = {
        "head": _plain(head),
        "subject": subject,
        "language": wording.language,
        "times": wording.say("times") if lines else "",
        "footer": wording.say("footer"),
    }
    message.set_content(_text(shared, lines, more, wording), charset="utf-8")
    message.add_alternative(_html(shared, lines, more, wording), subtype="html", charset="utf-8")
    return message


def _text(shared: Mapping[str, str], lines: Sequence[Line], more: str, wording: Wording) -> str:
    def told(line: Line) -> str:
        facts = "".join(
            _filled("fact.txt", {"name": name, "value": _plain(value)}) for name, value in _facts(line, wording)
        )
        members = {"severity": line.severity_label, "label": line.label, "title": _plain(line.title), "facts": facts}
        return _filled("line.txt", members)

    return _filled("page.txt", {**shared, "lines": "".join(map(told, lines)), "more": f"{more}\n\n" if more else ""})


def _html(shared: Mapping[str, str], lines: Sequence[Line], more: str, wording: Wording) -> str:
    def told(line: Line) -> str:
        facts = "".join(
            _filled("fact.html", {"name": html.escape(name), "value": _linked(_plain(value), line.link)})
            for name, value in _facts(line, wording)
        )
        members = {"severity": line.severity_label, "label": line.label, "title": _plain(line.title)}
        escaped = {name: html.escape(value) for name, value in members.items()}
        return _filled("line.html", {**escaped, "colour": _COLOURS.get(line.severity, "#5f6368"), "facts": facts})

    escaped = {name: html.escape(value) for name, value in shared.items()}
    return _filled("page.html", {**escaped, "lines": "".join(map(told, lines)), "more": html.escape(more)})


def _facts(line: Line, wording: Wording) -> list[tuple[str, str]]:
    link = [] if line.link is None else [(wording.say("open"), line.link)]
    return [*line.facts, *link]


def _linked(value: str, link: str | None) -> str:
    escaped = html.escape(value)
    return _filled("link.html", {"target": escaped}).strip() if value == link else escaped


def _filled(name: str, members: Mapping[str, str]) -> str:
    return _TEMPLATES[name].substitute(members)


def _plain(text: str) -> str:
    """The text in one line: no control character of it reaches a header or breaks the layout."""
    return _CONTROL.sub(" ", text.encode("utf-8", "replace").decode()).strip()


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST_SUBJECT else text[: _LONGEST_SUBJECT - 1] + "…"
