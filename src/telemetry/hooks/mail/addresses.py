"""Which text is an address that mail is sent to."""

import re
from typing import Annotated

from pydantic import AfterValidator, StringConstraints

from telemetry.catalog.schemas.fields import Tidy

_LONGEST = 254
_LONGEST_LOCAL = 64
# The dot-atom of RFC 5322, and a name of at least two labels. Quoted local parts, address literals and characters
# beyond ASCII are left out: few servers take them.
_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_DOMAIN = re.compile(r"([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z][A-Za-z0-9-]{0,61}[A-Za-z0-9]")


def checked(text: str) -> str:
    """The address as it is kept: the domain in small letters. ValueError says what is expected."""
    local, at, domain = text.rpartition("@")
    sound = at and len(local) <= _LONGEST_LOCAL and _LOCAL.fullmatch(local) and _DOMAIN.fullmatch(domain)
    if not sound:
        raise ValueError("an address such as phongquantrac@example.vn is expected, in ASCII and without a name")
    return f"{local}@{domain.lower()}"


Address = Annotated[str, StringConstraints(max_length=_LONGEST), Tidy, AfterValidator(checked)]
