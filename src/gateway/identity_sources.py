"""Puts together how staff and programs say who they are: sessions, tokens, and the identity provider."""

from contextlib import AsyncExitStack
from datetime import timedelta

from fastapi import APIRouter, FastAPI

from core.access import Source
from core.database import Database
from core.throttling import Throttle
from gateway import oidc, welcoming
from gateway.settings import Settings
from identity.oidc.router import router as oidc_router
from identity.people.passwords import Hasher
from identity.people.router import router as people_router
from identity.sessions.keeping import Lasting
from identity.sessions.lists import router as session_lists_router
from identity.sessions.router import router as session_router
from identity.sessions.signing_in import Parts, SigningIn
from identity.sessions.source import SessionSource
from identity.tokens.managing import Lifetimes
from identity.tokens.router import router as tokens_router
from identity.tokens.source import TokenSource
from identity.tokens.uses import Uses

# What the interface is made of, and what browsers alone go to.
ROUTERS: tuple[APIRouter, ...] = (people_router, tokens_router, session_router, session_lists_router)
BROWSER_ROUTERS: tuple[APIRouter, ...] = (oidc_router,)


def lasting(settings: Settings) -> Lasting:
    return Lasting(
        timedelta(minutes=settings.access.session_idle_minutes), timedelta(hours=settings.access.session_hours)
    )


def token_lifetimes(settings: Settings) -> Lifetimes:
    return Lifetimes(timedelta(days=settings.access.token_days), timedelta(days=settings.access.service_token_days))


async def sources(stack: AsyncExitStack, app: FastAPI, settings: Settings) -> list[Source]:
    """Whom Identity asks, in order; what the routes of signing in work with is put into the application's state."""
    database: Database = app.state.database
    throttle: Throttle = app.state.throttle
    await welcoming.remind(database)
    hasher = stack.enter_context(Hasher())
    app.state.signing_in = SigningIn(Parts(database, hasher, throttle, lasting(settings)))
    provider = await oidc.opened(stack, settings, database, lasting(settings))
    app.state.oidc = provider.entry
    app.state.token_lifetimes = token_lifetimes(settings)
    uses = await stack.enter_async_context(Uses(database))
    return [SessionSource(database, lasting(settings)), TokenSource(database, uses), *provider.sources]
