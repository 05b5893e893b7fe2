"""Asks who is there before anything of a request is read: a stranger's body costs no memory and tells him nothing."""

from starlette.types import ASGIApp, Receive, Scope, Send

from core import access, errors, problems

_GUARDED = "/v1/"


class Doorkeeper:
    """Middleware that lets only known callers through to the interface; what they may do there, its routes decide."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].startswith(_GUARDED):
            identify: access.Identify = scope["app"].state.identify
            try:
                access.remember(scope, await identify(access.presented(scope)))
            except errors.Error as error:
                answer = problems.response(error, scope["path"])
                await answer(scope, receive, send)
                return
        await self._app(scope, receive, send)
