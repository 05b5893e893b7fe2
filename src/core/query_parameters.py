"""Refuses query parameters that a route does not know: a misspelt filter would quietly filter nothing."""

from collections.abc import Iterable, Iterator

from fastapi import Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from core import errors


class UnknownParameter(errors.Invalid):
    slug = "unknown-parameter"
    title = "The query has a parameter that is not known here"


def refuse_unknown(asked: Iterable[str], known: Iterable[str]) -> None:
    """Raise UnknownParameter for the names in a query that are not among the known ones."""
    names = sorted(set(known))
    unknown = [name for name in dict.fromkeys(asked) if name not in names]
    if unknown:
        expected = f"one of {', '.join(names)}" if names else "no parameters"
        faults = [errors.Fault(f"query.{errors.shown(name)}", "a parameter", expected) for name in unknown]
        listed = ", ".join(errors.shown(name) for name in unknown)
        raise UnknownParameter(f"Not known: {listed}. Expected {expected}.", faults=faults)


async def known_only(request: Request) -> None:
    """Dependency of every route: its query has nothing but what the route and its dependencies ask for."""
    route = request.scope.get("route")
    if request.url.query and isinstance(route, APIRoute):
        refuse_unknown(request.query_params, _names(route.dependant))


def _names(dependant: Dependant) -> Iterator[str]:
    for parameter in dependant.query_params:
        yield parameter.alias
    for inner in dependant.dependencies:
        yield from _names(inner)
