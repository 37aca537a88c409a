"""kill -9 loses nothing, and starting again remembers everything."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from channels.emulators.cloud_api import CloudApiEmulator
from tests.fakes.openai_wire import FakeOpenAI, schema_of
from tests.fakes.serving import served
from tests.support.stack import SECRET, TOKEN, Stack, text, webhook
from tests.support.waiting import until

pytestmark = pytest.mark.slow


@pytest.fixture
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A product of its own, to be killed."""
    emulator, model = CloudApiEmulator("", SECRET, TOKEN), FakeOpenAI()
    folder: Path = tmp_path_factory.mktemp("own")
    with served(emulator.app) as graph_url, served(model.app) as model_url:
        stack = Stack(folder, emulator, graph_url, model, model_url, TURN_ATTEMPTS="50")
        try:
            stack.start()
            yield stack
            if stack.process and stack.process.poll() is None:
                stack.stop()
        finally:
            stack.end()


async def deliver(stack: Stack, payload: dict) -> None:
    """As Meta does: again until it is acknowledged."""

    async def acknowledged() -> bool:
        try:
            return (await stack.post(payload)).status_code == 200
        except httpx.HTTPError:
            return False

    await until(acknowledged, 60)


@pytest.mark.parametrize("victims", [["worker", "web", "redis"]], ids="+".join)
async def test_kill_minus_nine_loses_nothing_and_answers_nothing_twice(own: Stack, victims: list[str]):
    people = [f"7703{uuid.uuid4().int % 10**7:07}" for _ in range(25)]

    async def writes(contact: str, number: int) -> None:
        await deliver(own, webhook(text(contact, f"message {number}", f"wamid.{contact}.{number}")))

    own.model.hang = 0.3
    await asyncio.gather(*(writes(contact, 0) for contact in people))
    await until(lambda: own.model.requests)
    for victim in victims:
        own.kill(victim)
    await asyncio.gather(*(writes(contact, 1) for contact in people))
    await asyncio.gather(*(writes(contact, 0) for contact in people[:10]))  # Meta repeats itself
    own.model.hang = 0.0

    async def all_answered() -> bool:
        try:
            return await own.idle() and all(
                _heard(own, contact) >= {"message 0", "message 1"} for contact in people
            )
        except httpx.HTTPError:
            return False

    await until(all_answered, 90)
    for contact in people:
        replies = own.replies(contact)
        assert 1 <= len(replies) <= 2, replies
        assert len(set(replies)) == len(replies)
        said = (await own.conversation_of(contact))["messages"]
        assert [m["text"] for m in said if m["author"] == "contact"].count("message 0") == 1


def _heard(stack: Stack, contact: str) -> set[str]:
    """What the model has been shown of a contact whose last word was answered."""
    if not any("message 1" in reply for reply in stack.replies(contact)):
        return set()
    return {"message 0", "message 1"}


async def test_ctrl_c_stops_all_and_the_next_start_remembers(own: Stack):
    await deliver(own, webhook(text("77030000001", "I am Anna and like tea", "wamid.1")))
    await until(lambda: own.replies("77030000001"))
    await until(own.idle)
    assert own.stop() == 0
    with pytest.raises(httpx.ConnectError):
        await own.http.get("/health")
    own.start()
    assert (
        next(m["text"] for m in (await own.conversation_of("77030000001"))["messages"])
        == "I am Anna and like tea"
    )
    await deliver(own, webhook(text("77030000001", "what do I like?", "wamid.2")))
    await deliver(own, webhook(text("77030000001", "I am Anna and like tea", "wamid.1")))
    await until(lambda: len(own.replies("77030000001")) == 2)
    shown = [m["content"] for m in own.model.sales_calls()[-1]["messages"] if m["role"] == "user"]
    assert shown == ["I am Anna and like tea", "what do I like?"]


async def test_a_crash_while_the_model_thinks_asks_only_what_was_not_answered(own: Stack):
    """The turn resumes at the interrupted node: moderation and extraction are not paid twice."""

    own.model.hang = lambda request: 0.0 if schema_of(request) else 60.0
    await deliver(own, webhook(text("77030000002", "I want a machine", "wamid.1")))
    await until(own.model.sales_calls)
    own.model.hang = 0.0
    own.kill("worker")
    assert await until(lambda: own.replies("77030000002"), 60)
    assert [schema_of(r) for r in own.model.requests].count("Verdict") == 1
    assert len(own.replies("77030000002")) == 1
