"""Why a body could not be taken as a whole.

Invalid
├── Unreadable          the bytes say nothing that could be told apart into readings
└── BrokenCompression   the bytes are not the gzip that they claim to be
TooLarge
└── InflatedTooLarge    inflated, the body is larger than one request may be
Unsupported
├── UnknownMediaType    no codec for this media type and file name
└── UnknownEncoding     a content encoding other than gzip
"""

from core import errors
from telemetry.readings import Flaw


class Unreadable(errors.Invalid):
    slug = "unreadable-submission"
    title = "The submission cannot be read"

    def __init__(self, flaw: Flaw) -> None:
        fault = errors.Fault(flaw.field, flaw.found, flaw.expected)
        super().__init__(f"{flaw.field}: found {flaw.found}, expected {flaw.expected}.", faults=[fault])
        self.flaw = flaw


class BrokenCompression(errors.Invalid):
    slug = "broken-compression"
    title = "The compressed body is damaged"


class InflatedTooLarge(errors.TooLarge):
    slug = "inflated-too-large"
    title = "The body is larger than allowed once it is inflated"


class UnknownMediaType(errors.Unsupported):
    slug = "unknown-media-type"
    title = "No codec reads this media type"


class UnknownEncoding(errors.Unsupported):
    slug = "unknown-content-encoding"
    title = "Only gzip is understood as content encoding"
