"""What a model does wrong once is asked anew; what lasts is an alert that says what to do."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.responses import JSONResponse, Response
from langchain_core.messages import HumanMessage

from agent.models.chat import MANY, Access, Models
from agent.models.failures import Trouble
from agent.models.offline import offline_model
from agent.models.usage import Meter
from tests.agent.models.servers import (
    THANKS,
)
from tests.fakes.openai_wire import FakeOpenAI, error, message, polite, schema_of
from tests.fakes.serving import served
from tests.support.chatting import Chat

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
        chat = Chat(Models(offline_model(), "openai:m", access=Access("sk", f"{url}/v1")))
        assert await chat.says("do you have a blue vase?") == [THANKS]
    sales = [r for r in server.requests if not schema_of(r)]
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
            Models(offline_model(), "openai:m", access=Access("sk", f"{url}/v1"), alarm=alarm, attempts=1)
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
        chat = Chat(Models(offline_model(), "openai:m", access=Access("sk", f"{url}/v1"), alarm=alarm))
        for number in range(2 * MANY):
            assert await chat.says("do you have a blue vase?")
            assert bool(told) == (number >= MANY - 1)
        server.answer = polite
        await chat.says("do you have a red bowl?")
    assert told == [("offline", True), ("offline", False)]


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
        chat = Chat(Models(offline_model(), "openai:m", access=Access("sk", f"{url}/v1"), alarm=alarm))
        for _ in range(MANY):
            assert await chat.says("do you have a blue vase?")
            assert (await chat.state())["model"] == "offline"
    assert told == ["offline"]


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
        models = Models(offline_model(), "openai:m", access=Access("sk", f"{url}/v1"), alarm=alarm)
        await models.ask("auto", [HumanMessage("hello")], Meter())
    assert told == [kind]
