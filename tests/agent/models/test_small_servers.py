"""Servers of small models: they take several things not, are slow at some calls, and number their calls
oddly."""

from __future__ import annotations

import json
from typing import Any

import pytest
from fastapi.responses import Response

from agent.models.chat import Models, ProviderAccess
from agent.models.offline import offline_model
from tests.agent.models.servers import THANKS, has_tools, odd, refusing
from tests.fakes.openai_wire import FakeOpenAI, error, message, polite, schema_of
from tests.fakes.serving import served
from tests.support.shop.chatting import Chat

# How they refuse tools, and then JSON by a schema.
TWICE = {
    "each by its name": (
        "`tools` is not supported by this model",
        "Unsupported parameter: 'response_format' is not supported with this model.",
    ),
    "only plain JSON": (
        "This model does not support function calling",
        "'response_format.type' must be 'json_object' or 'text'",
    ),
    "strict fields": (
        "[{'type': 'extra_forbidden', 'loc': ['body', 'tools'], 'msg': 'Extra inputs are not permitted'}]",
        "[{'type': 'extra_forbidden', 'loc': ['body', 'response_format'], 'msg': 'not permitted'}]",
    ),
    "no word of it": ("bad request", "bad request"),
}


@pytest.mark.parametrize("kind", TWICE)
async def test_a_server_that_takes_neither_tools_nor_a_schema_answers_every_turn(kind: str):
    tools, schema = TWICE[kind]
    server, plain = FakeOpenAI(), refusing(tools, has_tools)

    def answer(request: dict[str, Any]) -> Any:
        return error(400, "x", None, schema) if "response_format" in request else plain(request)

    server.answer = answer
    with served(server.app) as url:
        chat = Chat(Models(offline_model(), "openai:small", access=ProviderAccess("sk", f"{url}/v1")))
        for _ in range(2):
            assert await chat.says("Hello, my name is Anna", "do you have a blue vase?") == [THANKS]
            assert (await chat.state())["model"] == "openai:small"
        assert (await chat.state())["profile"]["name"] == "Anna"
        assert {"tools", "grammar"} <= set(chat.models.ways_of("openai:small").lacking)


def twice(said: dict[str, Any]) -> None:
    """Both calls of an answer have one id."""
    if said.get("tool_calls") and said["tool_calls"][0]["function"]["name"] == "find_product":
        said["tool_calls"] = [{**said["tool_calls"][0], "id": "call_1"} for _ in range(2)]
        said["tool_calls"][1]["function"] = {"name": "find_product", "arguments": '{"query": "red bowl"}'}


def calls_of(request: dict[str, Any]) -> list[list[str]]:
    """The ids of the calls of each message."""
    return [[c["id"] for c in m["tool_calls"]] for m in request["messages"] if m.get("tool_calls")]


async def test_two_calls_of_one_id_are_two_calls():
    server = FakeOpenAI()
    server.answer = odd(twice)
    with served(server.app) as url:
        chat = Chat(Models(offline_model(), "openai:m", access=ProviderAccess("sk", f"{url}/v1")))
        assert await chat.says("do you have a blue vase?") == [THANKS]
    last = server.sales_calls()[-1]
    [ids] = calls_of(last)
    assert len(set(ids)) == 2
    assert [m["tool_call_id"] for m in last["messages"] if m["role"] == "tool"] == ids


async def test_a_server_that_takes_one_call_a_message_gets_them_one_by_one():
    server, answering = FakeOpenAI(), odd(twice)

    def answer(request: dict[str, Any]) -> Any:
        if any(len(ids) > 1 for ids in calls_of(request)):
            return error(400, "x", None, "This model only supports single tool-calls at once!")
        return answering(request)

    server.answer = answer
    with served(server.app) as url:
        chat = Chat(Models(offline_model(), "openai:m", access=ProviderAccess("sk", f"{url}/v1")))
        for _ in range(2):
            assert await chat.says("do you have a blue vase?") == [THANKS]
        assert chat.models.ways_of("openai:m").lacking == ["several"]
    roles = [m["role"] for m in server.sales_calls()[-1]["messages"]]
    assert roles[-4:] == ["assistant", "tool", "assistant", "tool"]


async def test_a_server_that_only_streams_is_asked_to():
    server = FakeOpenAI()

    def answer(request: dict[str, Any]) -> Any:
        if not request.get("stream"):
            return error(
                400, "x", None, "This model only support stream mode, please enable the stream parameter"
            )
        said = polite(request)["choices"][0]["message"]
        calls = [{"index": 0, **call} for call in said.get("tool_calls") or ()]
        piece = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}
        delta = {"role": "assistant", "content": said["content"], "tool_calls": calls}
        end = {**piece, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
        first = {**piece, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]}
        lines = "".join(f"data: {json.dumps(one)}\n\n" for one in (first, end))
        return Response(f"{lines}data: [DONE]\n\n", media_type="text/event-stream")

    server.answer = answer
    with served(server.app) as url:
        chat = Chat(Models(offline_model(), "openai:m", access=ProviderAccess("sk", f"{url}/v1")))
        for said in ("do you have a blue vase?", "or a red bowl?"):
            assert await chat.says(said) == [f"You asked: {said}"]
        assert chat.models.ways_of("openai:m").lacking == ["whole"]
        assert (await chat.state())["profile"]["class"] == "client"


async def test_a_server_too_slow_for_forms_answers_customers_all_the_same():
    server = FakeOpenAI()
    server.hang = lambda request: 30 if schema_of(request) else 0
    with served(server.app) as url:
        models = Models(offline_model(), "openai:m", access=ProviderAccess("sk", f"{url}/v1", timeout=1))
        chat = Chat(models)
        for number in range(4):
            assert await chat.says(f"do you have {number} vases?") == [
                f"You asked: do you have {number} vases?"
            ]
    forms = sum(bool(schema_of(request)) for request in server.requests)
    assert forms == 4, "two side by side in each of two turns, then it is left alone with them"


async def test_a_server_that_hangs_altogether_makes_one_customer_wait():
    server = FakeOpenAI()
    server.hang = 30
    with served(server.app) as url:
        chat = Chat(Models(offline_model(), "openai:m", access=ProviderAccess("sk", f"{url}/v1", timeout=1)))
        for _ in range(3):
            assert await chat.says("do you have a blue vase?")
    assert len(server.requests) == 3  # two forms side by side, and the reply


async def test_a_long_way_to_what_a_server_takes_is_no_reason_to_leave_it_alone():
    server = FakeOpenAI()

    def answer(request: dict[str, Any]) -> Any:
        form = schema_of(request) or "JSON object for" in str(request["messages"])
        return error(400, "x", None, "bad request") if form or has_tools(request) else polite(request)

    server.answer = answer
    with served(server.app) as url:
        chat = Chat(Models(offline_model(), "openai:m", access=ProviderAccess("sk", f"{url}/v1")))
        assert await chat.says("do you have a blue vase?") == ["You asked: do you have a blue vase?"]


@pytest.mark.parametrize(
    "written",
    [
        f"```\n{THANKS}\n```",
        f'"{THANKS}"',
        f"“{THANKS}”",
        {"type": "text", "text": THANKS},
        [{"type": "text", "text": THANKS}],
    ],
    ids=["a fence", "quotes", "curly quotes", "one part", "parts"],
)
async def test_what_stands_around_a_reply_stays_behind(written: Any):
    server = FakeOpenAI()
    server.answer = lambda r: polite(r) if schema_of(r) else message(written)
    with served(server.app) as url:
        chat = Chat(Models(offline_model(), "openai:m", access=ProviderAccess("sk", f"{url}/v1")))
        assert await chat.says("do you have a blue vase?") == [THANKS]


async def test_a_tool_called_by_a_longer_name_is_that_tool():
    def prefixed(said: dict[str, Any]) -> None:
        for call in said.get("tool_calls") or ():
            call["function"]["name"] = f"functions.{call['function']['name']}"

    server = FakeOpenAI()
    server.answer = odd(prefixed)
    with served(server.app) as url:
        chat = Chat(Models(offline_model(), "openai:m", access=ProviderAccess("sk", f"{url}/v1")))
        assert await chat.says("do you have a blue vase?") == [THANKS]
    assert "Blue vase" in str([m for m in server.sales_calls()[-1]["messages"] if m["role"] == "tool"])
    assert len(server.requests) == 4, "none of its answers had to be asked for again"
