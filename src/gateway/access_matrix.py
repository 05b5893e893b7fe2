"""Who may ask what: the rule of every route of the application, and a table of them for people to read."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute, Route

from core import access
from core.rights import RIGHTS, Right, Role
from telemetry.intake.endpoint import PATH as OBSERVATIONS

_INTERFACE = "/v1/"

# What stands outside the interface, and why it asks for no right. A page that is missing here fails a test.
OUTSIDE: Mapping[str, str] = {
    "/": "page without data; its script asks the interface with what its reader shows",
    "/alerts": "page without data, as the one of the network",
    "/docs": "page of the interface: any known caller, or everybody where QUANTRAC_HTTP__PUBLIC_INTERFACE is set",
    "/openapi.json": "the same, as a document",
    "/pages/{file}": "scripts and styles of the pages",
    "/livez": "whether the process runs: for whatever restarts it",
    "/readyz": "whether it can take readings: for whatever sends them here",
    "/session": "whoever signs in is nobody yet; throttled, and as slow for a name that nobody has",
    "/session/ways": "how people sign in here, for the page that asks them to",
    "/session/password": "of whoever is signed in, with the present password",
    "/session/link": "a link is the credential: 256 bits, used once, for a day",
    "/session/link/look": "the same; tells whom a link is for to whoever holds it",
    "/sign-in": "page without data",
    "/account": "page without data",
    "/people": "page without data",
    "/sign-in/oidc": "sends a browser to the identity provider",
    "/sign-in/oidc/callback": "the browser comes back with a code, which only the one that began can use",
    "/sign-in/oidc/sign-out": "ends the browser's own session, here and at the identity provider",
    "/sign-in/oidc/back-channel": "the identity provider ends sessions; it signs what it asks for",
}

_HEAD = """\
# Who may ask what

Written by `make access-matrix` from the application's routes; a test compares. ✓: the role, given without narrowing,
is let in; a narrowed one is let in too, and reaches only what lies within. What is out of reach for reading is answered
as what does not exist (404), what may be read and not be changed with 403. Without a mark the answer is 403, and 401 to
whom nobody knows. The token in `QUANTRAC_ACCESS__STAFF_TOKEN` and the command line may do all.
"""


class NoRule(Exception):
    """Routes that anybody who is known could ask, or whose rule cannot be told: each has to ask for one right."""


@dataclass(frozen=True, slots=True)
class Rule:
    """Who may ask a route. right: None for any of the staff. stations: whether their keys open it too."""

    method: str
    path: str
    right: Right | None
    stations: bool

    def admits(self, role: Role) -> bool:
        return self.right is None or self.right in RIGHTS[role]


def _routes(routes: Iterable[BaseRoute]) -> Iterator[BaseRoute]:
    """Those of included routers too, which stand in the application as one route each."""
    for route in routes:
        if (router := getattr(route, "original_router", None)) is not None:
            yield from _routes(router.routes)
        else:
            yield route


def _asked(dependant: Dependant) -> Iterator[object]:
    """What a route asks for to know who may ask it; the same thing may stand in several places."""
    if isinstance(dependant.call, access.DEPENDENCIES):
        yield dependant.call
    for inner in dependant.dependencies:
        yield from _asked(inner)


def outside(path: str) -> str | None:
    """Why a path outside the interface asks for no right; None where nobody wrote that down."""
    return OUTSIDE.get("/pages/{file}" if path.startswith("/pages/") else path)


def rules(app: FastAPI) -> list[Rule]:
    """The rule of each route, in the order of paths. Raises NoRule with every route that has none or several."""
    found = [Rule("POST", OBSERVATIONS, Right.SUBMIT, stations=True)]
    wrong = []
    for route in _routes(app.routes):
        asked = list(dict.fromkeys(_asked(route.dependant))) if isinstance(route, APIRoute) else []
        path = getattr(route, "path", str(route))
        for method in sorted((getattr(route, "methods", None) or {"*"}) - {"HEAD"}):
            if len(asked) == 1:
                right = getattr(asked[0], "right", None)
                found.append(Rule(method, path, right, isinstance(asked[0], access.StationOrReader)))
            elif asked or not _is_open(method, path):
                wrong.append(f"{method} {path}: {len(asked)} rules")
    if wrong:
        raise NoRule("; ".join(wrong))
    return sorted(found, key=lambda rule: (rule.path, rule.method))


def _is_open(method: str, path: str) -> bool:
    if path.startswith(_INTERFACE):
        return (method, path) in access.OPEN_ROUTES
    return outside(path) is not None or (method, path) in access.OPEN_ROUTES


def open_paths(app: FastAPI) -> list[tuple[str, str]]:
    """(method, path) of the routes that ask for nothing."""
    found = set()
    for route in _routes(app.routes):
        if isinstance(route, Route) and not (isinstance(route, APIRoute) and list(_asked(route.dependant))):
            found |= {(method, route.path) for method in route.methods or () if method != "HEAD"}
    return sorted(found, key=lambda item: (item[1], item[0]))


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _marks(admitted: Iterable[bool]) -> list[str]:
    return ["✓" if admits else "" for admits in admitted]


def table(app: FastAPI) -> str:
    """The matrix as Markdown: rights by role, routes by role, and what is open with its reason."""
    roles = list(Role)
    lines = [_HEAD, "## Rights", "", _row(["right", *roles]), _row(["---"] * (len(roles) + 1))]
    lines += [_row([right, *_marks(right in RIGHTS[role] for role in roles)]) for right in Right]
    lines += ["", "## Routes", "", _row(["method", "path", "right", *roles, "station"])]
    lines += [_row(["---"] * (len(roles) + 4))]
    for rule in rules(app):
        right = "(any of the staff)" if rule.right is None else rule.right
        marks = _marks([*(rule.admits(role) for role in roles), rule.stations])
        lines.append(_row([rule.method, f"`{rule.path}`", right, *marks]))
    lines += ["", "## Open", "", _row(["method", "path", "why"]), _row(["---"] * 3)]
    reasons = {
        (method, "/pages/{file}" if path.startswith("/pages/") else path): (
            access.OPEN_ROUTES.get((method, path)) or outside(path) or ""
        )
        for method, path in open_paths(app)
    }
    lines += [_row([method, f"`{path}`", reason]) for (method, path), reason in reasons.items()]
    return "\n".join(lines) + "\n"
