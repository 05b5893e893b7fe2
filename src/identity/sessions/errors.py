"""What can go wrong with signing in, and with a session.

Error
├── Invalid ── MissingNames
├── Unauthorized ── WrongCredentials
├── Forbidden ── ForeignRequest, PasswordMustChange
├── NotFound ── SessionNotFound
└── Conflict ── NoPassword
"""

from core import errors


class MissingNames(errors.Invalid):
    slug = "missing-names"
    title = "Nobody can be made without a name"


class WrongCredentials(errors.Unauthorized):
    slug = "wrong-credentials"
    title = "The user name or the password is not right"


class ForeignRequest(errors.Forbidden):
    slug = "foreign-request"
    title = "The request does not come from a page of this service"


class PasswordMustChange(errors.Forbidden):
    slug = "password-must-change"
    title = "The password has to be changed first"


class SessionNotFound(errors.NotFound):
    slug = "session-not-found"
    title = "No such session"


class NoPassword(errors.Conflict):
    slug = "no-password"
    title = "Who is signed in has no password here"
