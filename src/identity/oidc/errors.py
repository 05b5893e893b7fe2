"""What can go wrong with the identity provider, with a token of it, and with a sign-in.

Error
├── Forbidden ── NotAdmitted
└── Unavailable ── ProviderUnavailable

Besides, inside of this package only: TokenRefused, ProviderFault.
"""

from enum import StrEnum

from core import errors


class Hindrance(StrEnum):
    """Why somebody was not signed in, as the page of sign-in is told; no more of it leaves the log."""

    EXPIRED = "expired"
    PROVIDER = "provider"
    UNAVAILABLE = "unavailable"
    WEAK = "weak-sign-in"
    UNKNOWN = "unknown-person"
    DISABLED = "disabled"
    NO_ROLE = "no-role"
    NAME_TAKEN = "name-taken"


class NotAdmitted(errors.Forbidden):
    """The provider may know this person; here nobody is signed in. `why` is for the log."""

    slug = "not-admitted"
    title = "The sign-in did not lead to an account"

    def __init__(self, hindrance: Hindrance, why: str) -> None:
        super().__init__(f"The sign-in was refused: {hindrance}.")
        self.hindrance = hindrance
        self.why = why


class ProviderUnavailable(errors.Unavailable):
    slug = "provider-unavailable"
    title = "The identity provider does not answer"

    @classmethod
    def now(cls, seconds: int) -> "ProviderUnavailable":
        return cls(
            "The identity provider does not answer, and what is known of it is missing or too old.",
            retry_after=seconds,
        )


class TokenRefused(Exception):
    """A token that does not hold. The reason is for the log; whoever sent the token is told nothing of it."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class ProviderFault(Exception):
    """The provider could not be asked, or answered what cannot be used. Its text holds no secret."""
