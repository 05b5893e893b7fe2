"""The pages run under their own policy in a real browser, and the policy is one that a browser enforces."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import uvicorn
from fastapi import FastAPI
from starlette.middleware import Middleware
from starlette.responses import Response

from gateway import probes
from gateway.edges import connections
from gateway.edges.headers import Headers
from gateway.pages import router as pages

_OPTIONS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--enable-logging=stderr", "--virtual-time-budget=3000",
    "--dump-dom",
)  # fmt: skip
_REFUSED = "Content Security Policy"


@pytest.fixture(scope="module")
async def address() -> AsyncIterator[str]:
    """The pages on a server of their own; what they ask for is not there."""
    app = FastAPI(docs_url=None, openapi_url=None, middleware=[Middleware(Headers)])
    app.include_router(pages.router)

    @app.get("/inline")
    def inline() -> Response:
        """What an attacker would have put into a page."""
        text = "<html><body><script>document.body.textContent = 'it ran'</script></body></html>"
        return Response(text, media_type="text/html", headers=pages._HEADERS)

    config = uvicorn.Config(app, port=0, http=connections.Protocol, lifespan="off", log_config=None)
    server = probes._Server(config)
    sockets = [config.bind_socket()]
    task = asyncio.create_task(server.serve(sockets))
    try:
        yield f"http://127.0.0.1:{sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        await task


async def _shown(url: str, folder: Path) -> tuple[str, str]:
    """The page as it stands after its scripts ran, and what the browser said meanwhile."""
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if browser is None:
        pytest.skip("no Chromium installed")
    process = await asyncio.create_subprocess_exec(
        browser, *_OPTIONS, f"--user-data-dir={folder}", url,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await asyncio.wait_for(process.communicate(), 60)
    return out.decode(), err.decode(errors="replace")


@pytest.mark.parametrize(
    ("path", "proof"),
    [("/", "Mạng quan trắc"), ("/alerts", "Cảnh báo"), ("/sign-in", "Đăng nhập"), ("/docs", "Not Found")],
)
async def test_a_page_runs_under_its_policy(address: str, tmp_path: Path, path: str, proof: str) -> None:
    shown, said = await _shown(address + path, tmp_path)
    assert proof in shown
    assert _REFUSED not in said


async def test_a_script_in_the_markup_does_not_run(address: str, tmp_path: Path) -> None:
    shown, said = await _shown(address + "/inline", tmp_path)
    assert "document.body" in shown
    assert "<body>it ran" not in shown
    assert _REFUSED in said
