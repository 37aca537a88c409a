"""Acceptance with a chat model, as in production: the model that customers are answered by is asked, on the
bot's bill, and the tape of what it said is played without it."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.fakes.openai_wire import message, polite, schema_of
from tests.support.people.customers import talk
from tests.support.stack import Stack, product, redis_of
from tests.support.waiting import until

PLACE = "/api/knowledge/suggestions"
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def shop() -> Iterator[Stack]:
    with product(VERIFIER_MODEL="off") as stack:
        yield stack


@pytest.fixture(autouse=True)
async def reconnected(shop: Stack) -> None:
    """Each test has an event loop of its own."""
    shop.http = httpx.AsyncClient(base_url=shop.url, timeout=60, headers=dict(shop.http.headers))


def reading(request: dict[str, Any]) -> dict[str, Any]:
    """A model that says what stands in the passages it is given, and otherwise that it does not know."""
    if schema_of(request):
        return polite(request)
    known = "One goblet costs 700 KZT." in json.dumps(request["messages"])
    return message("Sure: one goblet costs 700 KZT." if known else "I will ask a colleague.")


async def suggestion(shop: Stack, question: str, answer: str) -> dict[str, Any]:
    """What is suggested of a question that a person has answered."""
    _, conversation = await talk(shop, question)
    await shop.http.post(f"/api/conversations/{conversation}/messages", json={"text": answer})
    await until(shop.idle)
    found = (await shop.http.get(PLACE, params={"limit": 200, "state": "open"})).json()["items"]
    return next(s for s in found if conversation in [each["conversation_id"] for each in s["sources"]])


async def learned_documents(shop: Stack) -> list[dict[str, Any]]:
    found = (await shop.http.get("/api/knowledge/documents")).json()["items"]
    return [each for each in found if each["name"].startswith("Learned")]


async def test_the_model_of_the_bot_proves_it_on_the_bots_bill(shop: Stack, tmp_path: Path):
    shop.model.answer = reading
    asked = await suggestion(shop, "What does engraving a goblet cost?", "One goblet costs 700 KZT.")
    bill = (await shop.http.get("/api/stats")).json()["bots"]
    before = next(bot["today"]["calls"] for bot in bill if bot["bot_id"] == "default")
    wanted = {"question": asked["question"], "text": asked["text"]}
    done = await shop.http.post(f"{PLACE}/{asked['id']}/accept", json=wanted)
    assert done.status_code == 200, done.text
    learned = done.json()
    assert learned["before"]["reply"] == "I will ask a colleague." and not learned["before"]["passed"]
    assert learned["after"]["reply"] == "Sure: one goblet costs 700 KZT." and learned["after"]["passed"]
    assert learned["after"]["model"].startswith("openai:")
    bill = (await shop.http.get("/api/stats")).json()["bots"]
    assert next(bot["today"]["calls"] for bot in bill if bot["bot_id"] == "default") >= before + 2
    folder = ["--folder", str(tmp_path)]
    for words in (["learned", *folder], ["run", *folder]):
        command = [sys.executable, "-m", "server", "replay", *words]
        env = {**shop.env, "OPENAI_BASE_URL": "http://127.0.0.1:9"}  # nobody is asked
        ran = await asyncio.to_thread(
            subprocess.run, command, env=env, cwd=shop.data_dir, capture_output=True, text=True
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr
    for document in await learned_documents(shop):  # without its document nothing is learned any more
        await shop.http.delete(f"/api/knowledge/documents/{document['id']}")
    assert (await shop.http.get(PLACE, params={"state": "accepted"})).json()["items"] == []
    assert (await shop.http.get(PLACE, params={"state": "open"})).json()["items"][0]["id"] == asked["id"]


async def test_a_process_that_is_killed_behind_its_document_leaves_one_of_each(shop: Stack):
    shop.model.answer = reading
    asked = await suggestion(shop, "Could you engrave a goblet of mine?", "One goblet costs 700 KZT.")
    wanted = {"question": asked["question"], "text": asked["text"]}

    def slow(request: dict[str, Any]) -> dict[str, Any]:
        answer = reading(request)
        if "700 KZT" in str(answer):  # it has the document: the web process does not live to see the end
            shop.kill("web")
        return answer

    shop.model.answer = slow
    with pytest.raises(httpx.TransportError):
        await shop.http.post(f"{PLACE}/{asked['id']}/accept", json=wanted)
    shop.model.answer = reading

    async def back() -> bool:
        try:
            return (await shop.http.get("/health")).status_code == 200
        except httpx.TransportError:  # it is starting
            return False

    await until(back)
    assert len(await learned_documents(shop)) == 1, "it is in use, and nobody has said that it proved itself"
    again = await shop.http.post(f"{PLACE}/{asked['id']}/accept", json=wanted)
    assert again.status_code == 409
    async with redis_of(shop) as redis:  # five minutes later
        row = (await redis.hget("sg:{default}:learning", asked["id"])).decode().split(" ", 2)
        row[1] = str(int(row[1]) - 600_000)
        await redis.hset("sg:{default}:learning", asked["id"], " ".join(row))
        assert (await shop.http.get(PLACE, params={"state": "open"})).json()["items"][0]["unfinished"]
        wanted["text"] = "One goblet costs 700 KZT. It is worth it."
        wanted["question"] = "Could you engrave a goblet of mine, please?"
        done = await shop.http.post(f"{PLACE}/{asked['id']}/accept", json=wanted)
        assert done.status_code == 200 and not done.json()["before"]["passed"], done.text
        assert [each["name"] for each in await learned_documents(shop)] == [done.json()["document"]]
        assert await redis.hlen("sg:{default}:learning") == 0
        assert await redis.hexists("sg:{default}:saved", asked["id"])
