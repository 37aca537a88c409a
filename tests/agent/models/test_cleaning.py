"""What a model writes beside its answer nobody reads; what it means is done."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from fastapi.responses import Response
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, HumanMessage
from pydantic import BaseModel

from agent.models.chat import Models, ProviderAccess
from agent.models.cleaning import cleaned, objects_in, without_thoughts
from agent.models.offline import offline_model
from agent.models.usage import Meter
from agent.models.ways import read_form
from tests.agent.models.servers import (
    THANKS,
    odd,
)
from tests.fakes.openai_wire import FakeOpenAI, error, message, polite, schema_of
from tests.fakes.serving import served
from tests.support.shop.chatting import Chat

SAYS = {
    "think": "<think>\nI must not promise a discount.\n</think>\n\n" + THANKS,
    "thinking with a name": '<thinking type="private">no discount</thinking>' + THANKS,
    "not opened": "I must not promise a discount.\n</think>\n" + THANKS,
    "twice": f"<think>a</think>{THANKS}<think>b</think>",
    "Magistral": f"[THINK]no discount[/THINK]{THANKS}",
    "harmony": (
        "<|channel|>analysis<|message|>no "
        f"discount<|end|><|start|>assistant<|channel|>final<|message|>{THANKS}<|return|>"
    ),
    "harmony, marks gone": f"analysisNo discount.assistantfinal{THANKS}",
    "marks": f"{THANKS}<|im_end|>",
    "a turn's end": f"{THANKS}<end_of_turn>\n",
}


@pytest.mark.parametrize("kind", SAYS)
async def test_what_a_model_thinks_is_read_by_nobody(kind: str):
    assert without_thoughts(SAYS[kind]) == THANKS
    server = FakeOpenAI()
    server.answer = lambda request: polite(request) if schema_of(request) else message(SAYS[kind])
    with served(server.app) as url:
        chat = Chat(Models(offline_model(), "openai:thinker", access=ProviderAccess("sk", f"{url}/v1")))
        assert await chat.says("do you have a blue vase?") == [THANKS]
        assert (await chat.state())["messages"][-1].text == THANKS


@pytest.mark.parametrize(
    "text",
    [THANKS, "a < b and c > d", "We <3 coffee", "1 < 2", "price: <b>900</b>", "[today] yes", "{not json}"],
)
def test_ordinary_words_stay_as_they_are(text: str):
    assert cleaned(AIMessage(text), {"find_product"}).text == text


@given(st.text(max_size=300))
def test_what_is_cleaned_once_is_clean(text: str):
    once = without_thoughts(text)
    assert without_thoughts(once) == once


WRITTEN = [
    '<tool_call>\n{"name": "find_product", "arguments": {"query": "blue vase"}}\n</tool_call>',
    '<tool_call>{"name": "find_product", "arguments": "{\\"query\\": \\"blue vase\\"}"}',
    '<function=find_product>{"query": "blue vase"}</function>',
    '[TOOL_CALLS][{"name": "find_product", "arguments": {"query": "blue vase"}}]',
    '<|python_tag|>{"name": "find_product", "parameters": {"query": "blue vase"}}',
    '{"name": "find_product", "parameters": {"query": "blue vase"}}',
    (
        '```json\n{"type": "function", "function": {"name": "find_product", "arguments": {"query": "blue '
        'vase"}}}\n```'
    ),
    (
        '<think>look it up</think><tool_call>{"name": "find_product", "arguments": {"query": "blue '
        'vase"}}</tool_call>'
    ),
    '[find_product(query="blue vase")]',
    '```tool_code\nfind_product(query="blue vase")\n```',
    'I will look that up.\n{"name": "find_product", "parameters": {"query": "blue vase"}}',
    'Thought: look it up\nAction: find_product\nAction Input: {"query": "blue vase"}',
    '<function_calls>find_product(query="blue vase")</function_calls>',
    (
        '<｜DSML｜invoke name="find_product"><｜DSML｜parameter name="query" string="true">blue'
        " vase</｜DSML｜parameter></｜DSML｜invoke>"
    ),
    "<tool_call><function=find_product><parameter=query>\nblue vase\n</parameter></function></tool_call>",
    "<tool_call>find_product\n<arg_key>query</arg_key>\n<arg_value>blue vase</arg_value>\n</tool_call>",
    '[TOOL_CALLS]find_product[ARGS]{"query": "blue vase"}',
    (
        '<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>find_product\n```json\n{"query": '
        '"blue vase"}\n```<｜tool▁call▁end｜>'
    ),
    (
        '<|channel|>commentary to=functions.find_product <|constrain|>json<|message|>{"query": "blue '
        'vase"}<|call|>'
    ),
]


@pytest.mark.parametrize("text", WRITTEN)
async def test_a_call_that_is_written_down_is_made(text: str):
    server = FakeOpenAI()

    def answer(request: dict[str, Any]) -> dict[str, Any]:
        if schema_of(request):
            return polite(request)
        return message(THANKS if request["messages"][-1]["role"] == "tool" else text)

    server.answer = answer
    with served(server.app) as url:
        chat = Chat(Models(offline_model(), "openai:writer", access=ProviderAccess("sk", f"{url}/v1")))
        assert await chat.says("do you have a blue vase?") == [THANKS]
    last = [r for r in server.requests if not schema_of(r)][-1]["messages"][-1]
    assert last["role"] == "tool" and "900" in last["content"] and last["tool_call_id"]


async def test_a_call_of_no_tool_of_ours_is_asked_again_and_never_shown():
    server = FakeOpenAI()
    server.answer = lambda request: (
        polite(request)
        if schema_of(request)
        else message('<tool_call>{"name": "rm", "arguments": {}}</tool_call>')
    )
    with served(server.app) as url:
        chat = Chat(Models(offline_model(), "openai:writer", access=ProviderAccess("sk", f"{url}/v1")))
        (reply,) = await chat.says("do you have a blue vase?")
    assert "tool_call" not in reply and "rm" not in reply.split()
    assert len([r for r in server.requests if not schema_of(r)]) == 2


async def test_a_call_without_an_id_gets_one_and_thoughts_go_back_with_it():
    server = FakeOpenAI()

    def answer(request: dict[str, Any]) -> Any:
        if schema_of(request):
            return polite(request)
        if request["messages"][-1]["role"] == "tool":
            before = request["messages"][-2]
            if before.get("reasoning_content") != "I look the price up.":
                return error(
                    400,
                    "invalid_request_error",
                    None,
                    "The `reasoning_content` must be passed back to the API.",
                )
            assert before["tool_calls"][0]["extra_content"] == {"google": {"thought_signature": "sig"}}
            return message(THANKS)
        body = message(call=("find_product", {"query": "blue vase"}))
        said = body["choices"][0]["message"]
        said["reasoning_content"] = "I look the price up."
        said["tool_calls"][0]["id"] = ""
        said["tool_calls"][0]["extra_content"] = {"google": {"thought_signature": "sig"}}
        return body

    server.answer = answer
    with served(server.app) as url:
        chat = Chat(Models(offline_model(), "openai:deep", access=ProviderAccess("sk", f"{url}/v1")))
        assert await chat.says("do you have a blue vase?") == [THANKS]
    sales = [r for r in server.requests if not schema_of(r)]
    assert (
        len(sales) == 2
        and sales[1]["messages"][-1]["tool_call_id"] == sales[1]["messages"][-2]["tool_calls"][0]["id"] != ""
    )


class Wanted(BaseModel):
    name: str = ""
    age: int = 0


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('{"name": "Ann"}', "Ann"),
        ('Here it is: {"name": "Ann", "age": 3} I hope it helps {}', "Ann"),
        ('{"Wanted": {"name": "Ann"}}', "Ann"),
        ('{"other": 1} {"name": "Ann"}', "Ann"),
        ('{"name": "Ann"', None),
        ("no", None),
        ('{"age": "three"}', None),
    ],
)
def test_json_is_read_out_of_whatever_stands_around_it(text: str, found: str | None):
    read_ = read_form(AIMessage(text), Wanted)
    assert (read_.name if isinstance(read_, Wanted) else None) == found


@given(st.text(alphabet='{}[]":,a1 \\', max_size=60))
def test_no_text_breaks_the_search_for_json(text: str):
    for value in objects_in(text):
        json.dumps(value)


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Here.<function_calls>\n\n</function_calls>", "Here."),
        ("Sure. <minimax:tool_call>x</minimax:tool_call>", "Sure."),
        ("Ok<|tool_calls_section_begin|>", "Ok"),
        ('{"name": "web_search", "parameters": {"q": "x"}}', ""),
        ('{"reply": "We have it."}', "We have it."),
        ("assistant: Hello", "Hello"),
        ("### Response:\nHello", "Hello"),
        ("Bye<｜end▁of▁sentence｜>", "Bye"),
        ("<|begin_of_box|>42<|end_of_box|>", "42"),
        ("The blue vase (35 cm) costs 900 KZT.", "The blue vase (35 cm) costs 900 KZT."),
        ("Write to us: we use ``` for code", "Write to us: we use ``` for code"),
        ('{"name": "web_search", "parameters": {}} We have it for 900 KZT.', "We have it for 900 KZT."),
        ('Hello {there}. {"name": "x", "arguments": {}} More text.', "Hello {there}. More text."),
        ("Action: two for one until Friday", "Action: two for one until Friday"),
        ('{"message": "Hi there", "price": 900}', "Hi there"),
        ("Price(s): 900 KZT <b>each</b>", "Price(s): 900 KZT <b>each</b>"),
        ('<passage document="a.pdf" page="2">It costs 900.</passage>', "It costs 900."),
        ("AI: We have it.\nHuman: how much?\nAI: 900 KZT", "We have it."),
        ("We have it.\n\nUser: how much?\nAssistant: 900 KZT", "We have it."),
        (
            "Login for the Wi-Fi:\nUser: guest\nPassword: tea",
            "Login for the Wi-Fi:\nUser: guest\nPassword: tea",
        ),
        ('{"result": {"text": "We have it."}, "ok": true}', "We have it."),
        ('{"status": "done", "output": "We have it."}', "We have it."),
        ("We deliver. I used find_product for it. It costs 900.", "We deliver. It costs 900."),
    ],
)
def test_nothing_of_the_machine_is_left_and_nothing_else_is_taken(text: str, left: str):
    assert cleaned(AIMessage(text), {"find_product"}).text == left


def _objects(said: dict[str, Any]) -> None:
    for call in said.get("tool_calls") or ():
        call["function"]["arguments"] = json.loads(call["function"]["arguments"])


def _twice(said: dict[str, Any]) -> None:
    for call in said.get("tool_calls") or ():
        call["function"]["arguments"] = json.dumps(call["function"]["arguments"])


def _old(said: dict[str, Any]) -> None:
    if calls := said.pop("tool_calls", None):
        said["function_call"] = calls[0]["function"]


ODD: dict[str, Callable[[dict[str, Any]], None]] = {
    "arguments as an object": _objects,
    "arguments encoded twice": _twice,
    "a call in its old place": _old,
    "no author": lambda said: said.pop("role"),
    "the wrong author": lambda said: said.update(role="user"),
}


@pytest.mark.parametrize("kind", ODD)
async def test_an_answer_is_read_as_it_was_meant(kind: str):
    server = FakeOpenAI()
    server.answer = odd(ODD[kind])
    with served(server.app) as url:
        chat = Chat(Models(offline_model(), "openai:m", access=ProviderAccess("sk", f"{url}/v1")))
        assert await chat.says("do you have a blue vase?") == [THANKS]
        assert (await chat.state())["model"] == "openai:m"


async def test_lines_that_keep_the_connection_open_are_no_part_of_an_answer():
    server = FakeOpenAI()
    server.answer = lambda request: Response(
        f": PROCESSING\n\n: PROCESSING\n\n{json.dumps(polite(request))}", media_type="text/plain"
    )
    with served(server.app) as url:
        models = Models(offline_model(), "openai:m", access=ProviderAccess("sk", f"{url}/v1"))
        assert (await models.ask("auto", [HumanMessage("hello")], Meter())).model == "openai:m"
