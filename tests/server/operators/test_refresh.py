"""A website is read again when it is due: once, whoever comes first; pages that are gone are forgotten."""

from __future__ import annotations

import asyncio

from fastapi import FastAPI, Response
from fastapi.responses import HTMLResponse

from server.config.settings import Settings
from server.operators.knowledge.refresh import HOUR, Website, Websites
from server.pipeline.agents import library
from server.store.client import Redis
from tests.fakes.serving import served


def site(pages: dict[str, str]) -> FastAPI:
    app = FastAPI()

    @app.get("/{name:path}")
    def page(name: str) -> Response:
        return HTMLResponse(pages.get(name, "gone"), 200 if name in pages else 404)

    return app


async def test_a_website_is_read_once_when_it_is_due_and_follows_its_pages(redis: Redis):
    pages = {
        "": '<h1>Shop</h1><a href="/a">a</a><a href="/b">b</a>',
        "a": "<p>We open at nine.",
        "b": "<p>Tea.",
    }
    settings = Settings(hooks_private=True, chat_model="offline")
    websites, shelf = Websites(settings, redis), library(settings, redis)
    with served(site(pages)) as url:
        await websites.put("refreshed", Website(address=f"{url}/", pages=10, hours=24))
        done = await asyncio.gather(*(websites.read_due("refreshed", shelf) for _ in range(3)))
        first = next(website for website in done if website)
        assert sum(website is not None for website in done) == 1
        assert len(first.documents) == 3 and not first.problems
        assert await websites.read_due("refreshed", shelf) is None
        pages[""] = '<h1>Shop</h1><a href="/a">a</a>'
        pages["a"] = "<p>We open at ten."
        await websites.put("refreshed", first.model_copy(update={"read_at": first.read_at - 24 * HOUR}))
        again = await websites.read_due("refreshed", shelf)
        assert again and len(again.documents) == 2
        texts = [p.text for document in await shelf.documents("refreshed") for p in document.passages]
        assert any("ten" in text for text in texts) and not any("Tea" in text for text in texts)


async def test_a_website_in_a_private_network_is_not_asked(redis: Redis):
    settings = Settings(chat_model="offline")
    websites, shelf = Websites(settings, redis), library(settings, redis)
    with served(site({"": "<p>inside"})) as url:
        await websites.put("inside", Website(address=f"{url}/", pages=10, hours=24))
        done = await websites.read_due("inside", shelf)
    assert done and "private network" in done.problems[0] and not await shelf.documents("inside")
