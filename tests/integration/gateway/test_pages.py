"""The pages for people: served as they are, with nothing from elsewhere and nothing that runs from the markup."""

import re

import httpx
import pytest
from fastapi import FastAPI

from gateway.pages.router import _PARTS, router

_REFERENCE = re.compile(r"""(?:src|href|from)\s*=?\s*["']([^"'#]+)["']""")


@pytest.fixture
def client() -> httpx.AsyncClient:
    app = FastAPI(docs_url=None)
    app.include_router(router)
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://gateway")


@pytest.mark.parametrize("path", ["/", "/alerts", "/sign-in", "/account", "/people", "/docs"])
async def test_everything_that_a_page_refers_to_is_served_by_the_gateway(client: httpx.AsyncClient, path: str) -> None:
    waiting, seen = [path], set()
    while waiting:
        here = waiting.pop()
        seen.add(here)
        answer = await client.get(here)
        assert answer.status_code == 200, here
        for reference in _REFERENCE.findall(answer.text):
            if reference in {"data:,", "/openapi.json", "/sign-in/oidc"}:
                continue
            assert reference.startswith("/"), f"{here} refers to {reference}"
            if reference not in seen:
                waiting.append(reference)
    assert {path, "/pages/page.css", "/pages/shared.js"} <= seen


@pytest.mark.parametrize("path", ["/", "/alerts", "/docs", "/pages/network.js"])
async def test_pages_forbid_scripts_and_frames_from_elsewhere(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path)
    policy = answer.headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("path", ["/", "/alerts", "/sign-in", "/account", "/people", "/docs"])
async def test_markup_holds_no_script_and_no_style_of_its_own(client: httpx.AsyncClient, path: str) -> None:
    text = (await client.get(path)).text
    assert re.search(r"<script(?![^>]*\ssrc=)", text) is None
    assert re.search(r"\son[a-z]+=|\sstyle=|<style", text) is None


async def test_pages_are_read_only(client: httpx.AsyncClient) -> None:
    assert (await client.post("/")).status_code == 405
    assert (await client.head("/")).status_code == 200


async def test_scripts_never_make_markup_out_of_text(client: httpx.AsyncClient) -> None:
    for name in _PARTS:
        text = (await client.get(f"/pages/{name}")).text
        assert "innerHTML" not in text
        assert "insertAdjacentHTML" not in text
        assert "eval(" not in text


@pytest.mark.parametrize("path", ["/", "/alerts", "/sign-in", "/account", "/people"])
async def test_every_field_has_a_label_that_is_read_out(client: httpx.AsyncClient, path: str) -> None:
    text = (await client.get(path)).text
    fields = re.findall(r"<(?:input|select)[^>]*>", text)
    labelled = re.findall(r"<label[^>]*>.*?<(?:input|select)[^>]*>", text)
    hidden = [field for field in fields if " hidden" in field]
    assert len(labelled) + len(hidden) == len(fields)
    assert all(' id="' in field for field in fields)


@pytest.mark.parametrize(
    "name", ["frame.js", "access.js", "network.js", "keys.js", "alerts.js", "sign-in.js", "account.js", "people.js"]
)
async def test_what_a_page_says_it_says_in_both_languages(client: httpx.AsyncClient, name: str) -> None:
    text = (await client.get(f"/pages/{name}")).text
    vietnamese, english = re.search(r"\n  vi: \{(.*?)\n  \},\n  en: \{(.*?)\n  \},\n\};", text, re.DOTALL).groups()  # type: ignore[union-attr]
    words = [
        set(re.findall(r"(?:^|[,{]\s*|\n\s*)[\"']?([A-Za-z-]+)[\"']?: [\"'(]", part)) for part in (vietnamese, english)
    ]
    assert words[0] == words[1]
    assert len(words[0]) > 5


async def test_a_page_asks_for_words_that_it_has(client: httpx.AsyncClient) -> None:
    common = (await client.get("/pages/frame.js")).text + (await client.get("/pages/access.js")).text
    for name in ("sign-in", "account", "people"):
        markup = (await client.get(f"/{name}")).text
        script = (await client.get(f"/pages/{name}.js")).text
        for word in re.findall(r'data-word="([a-zA-Z]+)"', markup):
            assert re.search(rf"\b{word}: ", script + common), f"{name} has no word {word}"
