"""What can be wrong with a request about alerts, their rules and windows.

Error
├── Invalid ── ShelvingNotSuitable, WindowNotSuitable
├── NotFound ── AlertNotFound, AlertRuleNotFound, WindowNotFound
└── Conflict ── AlertMoveRefused, AlertGoesOn, AlertRuleTaken, WindowMoveRefused, WindowOverlaps
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


class AlertRuleNotFound(errors.NotFound):
    slug = "alert-rule-not-found"
    title = "No such alert rule"


class AlertRuleTaken(errors.Conflict):
    slug = "alert-rule-taken"
    title = "There is a rule of this kind for the same subject"


class WindowNotFound(errors.NotFound):
    slug = "window-not-found"
    title = "No such maintenance or calibration window"


class WindowNotSuitable(errors.Invalid):
    slug = "window-not-suitable"
    title = "A window cannot be like this"


class WindowMoveRefused(errors.Conflict):
    slug = "window-move-refused"
    title = "The window is not in a state that allows this"


class WindowOverlaps(errors.Conflict):
    slug = "window-overlaps"
    title = "Another window of this kind overlaps it"
