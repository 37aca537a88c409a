"""People who may do something on the running product, by API and by dashboard."""

from __future__ import annotations

import re

import httpx

from tests.support.stack import Stack


async def operator(stack: Stack, role: str, bots: list[str] | None = None) -> tuple[str, str]:
    """(id, token) of a new one."""
    made = (
        await stack.http.post("/api/tokens", json={"name": f"a {role}", "role": role, "bots": bots or []})
    ).json()
    return made["id"], made["token"]


def client(stack: Stack, token: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=stack.url, headers={"Authorization": f"Bearer {token}"}, timeout=30)


async def logged_in(stack: Stack, token: str) -> tuple[httpx.AsyncClient, str]:
    """A browser's client, and what its pages repeat."""
    browser = httpx.AsyncClient(base_url=stack.url, timeout=30)
    answer = await browser.post("/login", data={"token": token})
    assert answer.status_code == 303, answer.text
    page = await browser.get("/dashboard")
    return browser, re.search(r'name="csrf" content="([^"]+)"', page.text)[1]  # pyright: ignore[reportOptionalSubscript]
