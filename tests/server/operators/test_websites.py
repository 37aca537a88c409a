"""A website goes in page by page: those of its sitemap and its links, on its host, as robots.txt allows."""

from __future__ import annotations

from pathlib import Path

import pytest
from fastapi import FastAPI, Response
from fastapi.responses import HTMLResponse, PlainTextResponse

from knowledge_base.document import Unreadable
from server.operators.knowledge.websites import fetch_website
from tests.fakes.serving import served


def site() -> FastAPI:
    app = FastAPI()
    pages = {
        "": "<h1>Shop</h1>"
        + "".join(
            f'<a href="{link}">x</a> '
            for link in ("/prices#top", "https://elsewhere.example/x", "/secret/a", "/gone")
        ),
        "prices": "<h1>Prices</h1><p>A vase costs 900 KZT.",
        "hours": "<h1>Hours</h1><p>Open from 9 to 18.",
        "secret/a": "<p>not for robots",
    }

    @app.get("/robots.txt")
    def robots() -> Response:
        return PlainTextResponse("User-agent: *\nDisallow: /secret/\n")

    @app.get("/sitemap.xml")
    def sitemap(response: Response) -> Response:
        return Response(
            f"<urlset><url><loc>{app.state.url}/hours</loc></url></urlset>", media_type="text/xml"
        )

    @app.get("/{name:path}")
    def page(name: str) -> Response:
        return HTMLResponse(pages.get(name, "gone"), 200 if name in pages else 404)

    return app


async def test_the_pages_of_a_site_are_fetched_and_what_is_left_out_is_named(tmp_path: Path):
    app = site()
    with served(app) as url:
        app.state.url = url
        paths, problems = await fetch_website(f"{url}/", tmp_path, 10)
    texts = [path.read_text() for path in paths]
    assert (
        len(paths) == 3
        and any("9 to 18" in text for text in texts)
        and any("900 KZT" in text for text in texts)
    )
    assert not any("not for robots" in text for text in texts)
    said = " ".join(problems)
    assert "/secret/a: not allowed by robots.txt" in said and "/gone" in said and "elsewhere" not in said


async def test_a_site_larger_than_the_limit_says_what_is_left(tmp_path: Path):
    app = site()
    with served(app) as url:
        app.state.url = url
        paths, problems = await fetch_website(f"{url}/", tmp_path, 1)
    assert len(paths) == 1 and "more pages, left out" in problems[-1]


async def test_a_site_that_does_not_answer_is_named(tmp_path: Path):
    with pytest.raises(Unreadable, match="check the address"):
        await fetch_website("http://127.0.0.1:9/", tmp_path, 1)
