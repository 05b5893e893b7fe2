"""What can be wrong with a request about alerts, their rules and windows.

Error
├── Invalid ── ShelvingNotSuitable
├── NotFound ── AlertNotFound
└── Conflict ── AlertMoveRefused, AlertGoesOn
"""

from core import errors


class AlertNotFound(errors.NotFound):
    slug = "alert-not-found"
    title = "No such alert"


class AlertMoveRefused(errors.Conflict):
    slug = "alert-move-refused"
    title = "The alert is not in a state that allows this"


class AlertGoesOn(errors.Conflict):
    slug = "alert-goes-on"
    title = "The subject has another open alert of this kind"


class ShelvingNotSuitable(errors.Invalid):
    slug = "shelving-not-suitable"
    title = "An alert cannot be shelved like this"
