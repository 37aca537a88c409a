"""What a model does wrong once is asked anew; what lasts is an alert that says what to do."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from fastapi.responses import JSONResponse, Response
from langchain_core.messages import HumanMessage

from agent.models.chat import Models, ProviderAccess
from agent.models.failures import Trouble
from agent.models.lately import MANY
from agent.models.offline import offline_model
from agent.models.usage import Meter
from tests.agent.models.servers import (
    THANKS,
)
from tests.fakes.openai_wire import FakeOpenAI, error, message, polite, schema_of
from tests.fakes.serving import served
from tests.support.shop.chatting import Chat


def ended(reason: str, content: str | None, **more: Any) -> dict[str, Any]:
    """A completion that ended for another reason than that all was said."""
    body = message(content)
    body["choices"][0]["finish_reason"] = reason
    body["choices"][0]["message"].update(more)
    return body


ONCE = {
    "empty": message(""),
    "broken arguments": {
        **message(),
        "choices": [
            {
                "index": 0,
                "finish_reason": "tool_calls",
                "message": {
                    "role": "assistant",
                    "content": None,
                    "tool_calls": [
                        {
                            "id": "b",
                            "type": "function",
                            "function": {"name": "find_product", "arguments": '{"query": "blue'},
                        }
                    ],
                },
            }
        ],
    },
    "failed call": error(
        400, "invalid_request_error", "tool_use_failed", "Failed to call a function. See 'failed_generation'."
    ),
    "thoughts alone": message("<think>hm</think>"),
    "too long": ended("length", "We have a wonderful vase which"),
    "refused": ended("stop", None, refusal="I cannot help with that."),
    "held back": ended("content_filter", ""),
    "held back before it was read": error(
        400, "invalid_request_error", "content_filter", "The response was filtered by our content policy."
    ),
}


@pytest.mark.parametrize("kind", ONCE)
async def test_what_went_wrong_once_is_asked_once_more_with_the_complaint(kind: str):
    server, first = FakeOpenAI(), [1]

    def answer(request: dict[str, Any]) -> Any:
        if schema_of(request):
            return polite(request)
        return ONCE[kind] if first and first.pop() else message(THANKS)

    server.answer = answer
    with served(server.app) as url:
        chat = Chat(Models(offline_model(), "openai:m", access=ProviderAccess("sk", f"{url}/v1")))
        assert await chat.says("do you have a blue vase?") == [THANKS]
    sales = [r for r in server.requests if not schema_of(r)]
    assert chat.models.ways_of("openai:m").lacking == [], "one answer says nothing of what a server takes"
    assert len(sales) == 2 and "could not be used" in str(sales[1]["messages"][0]["content"])


LASTING = {
    "retired": (
        error(404, "NOT_FOUND", None, "This model models/gemini-x is no longer available to new users."),
        "There is no model openai:m",
        "OPENAI_MODEL",
    ),
    "unknown": (
        error(400, "invalid_request_error", "model_not_found", "The model `m` does not exist"),
        "There is no model openai:m",
        "OPENAI_MODEL",
    ),
    "a web page": (
        Response("<html>Ollama is running</html>", media_type="text/html"),
        "does not speak",
        "OPENAI_BASE_URL",
    ),
    "no such page": (
        Response("404 page not found", 404, media_type="text/plain"),
        "does not speak",
        "OPENAI_BASE_URL",
    ),
    "no money": (error(402, "x", None, "Insufficient Balance"), "quota", "OPENAI_API_KEY"),
    "wrong country": (
        error(
            403, "x", "unsupported_country_region_territory", "Country, region, or territory not supported"
        ),
        "is not offered",
        "OPENAI_API_KEY",
    ),
}


@pytest.mark.parametrize("kind", LASTING)
async def test_what_lasts_is_one_alert_that_says_what_to_do(kind: str):
    answer, said, setting = LASTING[kind]
    server, told = FakeOpenAI(), list[Trouble]()
    server.answer = lambda _: answer

    async def alarm(whose: str, trouble: Trouble | None) -> None:
        told.extend([trouble] if trouble else [])

    with served(server.app) as url:
        chat = Chat(
            Models(
                offline_model(), "openai:m", access=ProviderAccess("sk", f"{url}/v1"), alarm=alarm, attempts=1
            )
        )
        for _ in range(MANY):
            assert await chat.says("do you have a blue vase?")
    assert [trouble.kind for trouble in told[1:]] == ["offline"]
    assert said in told[0].advice and setting in told[0].setting


async def test_some_turns_in_a_row_without_the_model_are_an_alert_whatever_the_cause():
    server, told = FakeOpenAI(), list[tuple[str, bool]]()
    server.answer = lambda _: error(418, "x", None, "I am a teapot")

    async def alarm(whose: str, trouble: Trouble | None) -> None:
        told.append((whose, trouble is not None))

    with served(server.app) as url:
        chat = Chat(
            Models(offline_model(), "openai:m", access=ProviderAccess("sk", f"{url}/v1"), alarm=alarm)
        )
        for number in range(2 * MANY):
            assert await chat.says("do you have a blue vase?")
            assert bool(told) == (number >= MANY - 1)
        server.answer = polite
        await chat.says("do you have a red bowl?")
    assert told == [("offline:openai:m", True), ("offline:openai:m", False)]


async def test_turns_without_a_model_are_counted_of_each_model_and_not_of_all_together():
    server, told = FakeOpenAI(), list[str]()
    server.answer = lambda r: error(418, "x", None, "no") if r["model"] == "lost" else polite(r)

    async def alarm(whose: str, trouble: Trouble | None) -> None:
        told.extend([whose] if trouble else [])

    with served(server.app) as url:
        models = Models(offline_model(), "openai:m", access=ProviderAccess("sk", f"{url}/v1"), alarm=alarm)
        well, lost = Chat(models), Chat(models, model="openai:lost")
        for _ in range(MANY):
            assert await lost.says("do you have a blue vase?") and await well.says("do you have a red bowl?")
    assert told == ["offline:openai:lost"]


async def test_a_model_that_only_calls_tools_is_no_model_that_answers():
    server, told = FakeOpenAI(), list[str]()

    def answer(request: dict[str, Any]) -> Any:
        return (
            polite(request) if schema_of(request) else message(call=("find_product", {"query": "blue vase"}))
        )

    async def alarm(whose: str, trouble: Trouble | None) -> None:
        told.extend([trouble.kind] if trouble else [])

    server.answer = answer
    with served(server.app) as url:
        chat = Chat(
            Models(offline_model(), "openai:m", access=ProviderAccess("sk", f"{url}/v1"), alarm=alarm)
        )
        for _ in range(MANY):
            assert await chat.says("do you have a blue vase?")
            assert (await chat.state())["model"] == "offline"
    assert told == ["offline"]


async def test_an_address_that_has_moved_is_an_alert():
    server, told = FakeOpenAI(), list[Trouble]()
    server.answer = lambda _: Response("", 308, {"Location": "https://elsewhere.test/v1"})

    async def alarm(whose: str, trouble: Trouble | None) -> None:
        told.extend([trouble] if trouble else [])

    with served(server.app) as url:
        async with httpx.AsyncClient() as http:  # it follows nobody, as that of the product does
            access = ProviderAccess("sk", f"{url}/v1", http=http)
            models = Models(offline_model(), "openai:m", access=access, alarm=alarm)
            await models.ask("auto", [HumanMessage("hello")], Meter())
    assert [trouble.setting for trouble in told] == ["OPENAI_BASE_URL"]


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, {"code": "x", "error": "Incorrect API key provided: xa***"}, "key"),
        (400, {"error": {"message": "Model Not Exist"}}, "gone"),
        (400, {"error": {"message": "Billing hard limit has been reached"}}, "account"),
        (429, {"error": {"message": "余额不足"}}, "account"),
        (404, {"error": {"message": "No models loaded. Please load a model"}}, "gone"),
        (
            403,
            {"error": {"message": "Project does not have access to model `m`", "code": "model_not_found"}},
            "gone",
        ),
        (403, "<html>Attention Required! | Cloudflare</html>", "address"),
    ],
)
async def test_what_lasts_is_named_wherever_its_words_stand(status: int, body: Any, kind: str):
    server, told = FakeOpenAI(), list[str]()
    made = (
        Response(body, status, media_type="text/html")
        if isinstance(body, str)
        else JSONResponse(body, status)
    )
    server.answer = lambda _: made

    async def alarm(whose: str, trouble: Trouble | None) -> None:
        told.extend([trouble.kind] if trouble else [])

    with served(server.app) as url:
        models = Models(offline_model(), "openai:m", access=ProviderAccess("sk", f"{url}/v1"), alarm=alarm)
        await models.ask("auto", [HumanMessage("hello")], Meter())
    assert told == [kind]
