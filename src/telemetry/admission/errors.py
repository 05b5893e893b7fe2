"""What can be wrong when a station wants to be let in.

Error
├── TooMany ── QuotaExceeded
├── NotFound ── CodeRefused, EnrolmentNotFound
└── Conflict ── EnrolmentOver
"""

from core import errors


class QuotaExceeded(errors.TooMany):
    slug = "quota-exceeded"
    title = "The station sends more than it may"


class CodeRefused(errors.NotFound):
    slug = "code-refused"
    title = "The code opens nothing"


class EnrolmentNotFound(errors.NotFound):
    slug = "enrolment-not-found"
    title = "The station has no such enrolment"


class EnrolmentOver(errors.Conflict):
    slug = "enrolment-over"
    title = "The enrolment was used, withdrawn, or has expired"
