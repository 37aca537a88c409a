"""What an operator does over HTTP, on the running product."""

from __future__ import annotations

import re

import httpx

from tests.support.people.customers import fresh
from tests.support.stack import API, Stack, text, webhook
from tests.support.waiting import until


async def test_the_api_asks_for_its_token(stack: Stack):
    async with httpx.AsyncClient(base_url=stack.url) as stranger:
        answer = await stranger.get("/api/conversations")
        assert answer.status_code == 401
        assert answer.headers["content-type"] == "application/problem+json"
        assert (
            await stranger.get("/api/stats", headers={"Authorization": "Bearer wrong"})
        ).status_code == 401
        assert (await stranger.get("/dashboard")).headers["location"].startswith("/login")
        assert (await stranger.get("/health")).json()["status"] == "ok"
        docs = (await stranger.get("/docs")).text
        assert "/api/conversations/{conversation_id}" in docs and not re.search(
            r'(?:src|href)="https?:', docs
        )
        assert (await stranger.get("/openapi.json")).json()["components"]["securitySchemes"]
        control = "/simulator/cloud-api/_control/sim-demo/messages?contact=77010000001"
        for headers in (
            {},
            {"X-Forwarded-For": "203.0.113.9"},
            {"Host": "evil.example"},
            {"Host": ""},
            {"Host": "127.0.0.1"},
        ):
            page = await stranger.get("/simulator", headers=headers)
            assert page.headers["location"].endswith("/login?next=/simulator"), headers
            assert (await stranger.get(control, headers=headers)).status_code == 401
        assert (
            await stranger.post("/simulator/cloud-api/v25.0/sim-demo/messages", json={})
        ).status_code == 401


async def test_an_operator_logs_in_and_reads_a_conversation(stack: Stack):
    contact, message_id = fresh()
    await stack.post(webhook(text(contact, "<script>alert(1)</script>", message_id)))
    await until(lambda: stack.replies(contact))
    async with httpx.AsyncClient(base_url=stack.url, follow_redirects=True) as browser:
        assert (await browser.post("/login", data={"token": "wrong"})).status_code == 401
        page = await browser.post("/login", data={"token": API, "next": "//evil.example"})
        assert (page.status_code, page.url.path) == (200, "/dashboard")
        assert "alert(1)" in page.text and "<script>alert" not in page.text
        known = (await stack.conversation_of(contact))["id"]
        page = await browser.get(f"/dashboard/default/{known}")
        assert "&lt;script&gt;" in page.text and "<script>alert" not in page.text


async def test_generate_answers_without_sending_or_storing(stack: Stack):
    before = (await stack.http.get("/api/stats")).json()["conversations"]
    sent = len(stack.emulator.requests)
    answer = (await stack.http.post("/api/generate", json={"text": "What do you sell?"})).json()
    assert answer["replies"] == ["You asked: What do you sell?"]
    assert (await stack.http.get("/api/stats")).json()["conversations"] == before
    assert len(stack.emulator.requests) == sent
    await stack.http.post("/api/generate", json={"text": "How much is the Aurora Duo?", "bot_id": "demo"})
    assert "449,000" in str(stack.model.sales_calls()[-1]["messages"])
    refused = await stack.http.post("/api/generate", json={"text": "", "bot_id": "default"})
    assert refused.status_code == 422
    assert "text" in refused.json()["detail"]
    assert (await stack.http.post("/api/generate", json={"text": "x", "bot_id": "nobody"})).status_code == 404


async def test_documents_are_added_answered_from_and_removed(stack: Stack):
    contact, message_id = fresh()
    file = {
        "file": (
            "opening.md",
            b"# Opening hours\n\nThe shop in Kokshetau is open on Sundays from 9 to 13.",
            "text/markdown",
        )
    }
    added = await stack.http.post("/api/knowledge/documents", files=file, data={"bot_id": "default"})
    assert added.status_code == 201, added.text
    await stack.post(webhook(text(contact, "Is the Kokshetau shop open on Sundays?", message_id)))
    await until(lambda: stack.replies(contact))
    assert "Sundays from 9 to 13" in str(stack.model.sales_calls()[-1]["messages"])
    bad = await stack.http.post(
        "/api/knowledge/documents", files={"file": ("scan.pdf", b"%PDF-1.7 and no more", "application/pdf")}
    )
    assert bad.status_code == 422
    assert "scan.pdf" in bad.json()["detail"]
    gone = await stack.http.delete(f"/api/knowledge/documents/{added.json()['id']}")
    assert gone.status_code == 204
    assert (await stack.http.get("/api/knowledge/documents")).json()["items"] == []


async def test_lists_are_paged_without_gaps(stack: Stack):
    for _ in range(5):
        contact, message_id = fresh()
        await stack.post(webhook(text(contact, "page me", message_id)))
    await until(stack.idle)
    seen, cursor = [], None
    while True:
        params = {"limit": 3, **({"cursor": cursor} if cursor else {})}
        page = (await stack.http.get("/api/conversations", params=params)).json()
        seen += [row["id"] for row in page["items"]]
        cursor = page["next_cursor"]
        if not cursor:
            break
    total = (await stack.http.get("/api/stats")).json()["conversations"]
    assert len(seen) == len(set(seen)) == total
    assert (await stack.http.get("/api/conversations", params={"cursor": "?"})).status_code == 400
