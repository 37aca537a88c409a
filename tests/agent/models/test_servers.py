"""Model servers as people run them: what one does not take is left out, what one writes beside its answer
nobody reads."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fastapi.responses import JSONResponse, Response
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage
from pydantic import BaseModel

from agent.model_options import CallSettings, ModelOptions
from agent.models.chat import MANY, Access, Models
from agent.models.cleaning import cleaned, objects_in, without_thoughts
from agent.models.failures import Trouble
from agent.models.offline import offline_model
from agent.models.ways import Ways, read, shaped
from agent.nodes.moderate import Verdict
from tests.fakes.openai_wire import FakeOpenAI, error, message, polite, schema_of
from tests.fakes.serving import served
from tests.support.chatting import Chat

Server = Callable[[dict[str, Any]], Any]
THANKS = "Thank you for writing. We are happy to help with that."


def refusing(text: str, when: Callable[[dict[str, Any]], bool], status: int = 400) -> Server:
    """A server that refuses some requests, and answers the others: structured ones as JSON in text where they
    have no tools."""

    def answer(request: dict[str, Any]) -> Any:
        if when(request):
            return error(status, "invalid_request_error", None, text)
        if request.get("tools") or request.get("tool_choice"):
            name = schema_of(request) or next(
                (
                    t["function"]["name"]
                    for t in request["tools"]
                    if t["function"]["name"] in ("Verdict", "Facts")
                ),
                "",
            )
            if name == "Verdict":
                return message(call=("Verdict", {"contact_class": "client", "reason": "asks"}))
            if name == "Facts":
                return message(call=("Facts", {"name": "Anna"}))
            return message(THANKS)
        system = str(request["messages"][0]["content"])
        if "JSON object for Verdict" in system:
            return message('Sure!\n```json\n{"contact_class": "client", "reason": "asks"}\n```')
        if "JSON object for Facts" in system:
            return message('{"name": "Anna", "email": null}')
        return message(THANKS)

    return answer


def has_tools(request: dict[str, Any]) -> bool:
    return bool(request.get("tools"))


def is_forced(request: dict[str, Any]) -> bool:
    return isinstance(request.get("tool_choice"), dict) or request.get("tool_choice") in ("required", "any")


def has_blank(request: dict[str, Any]) -> bool:
    return any(m.get("content") in (None, "") for m in request["messages"])


def has_system(request: dict[str, Any]) -> bool:
    return any(m["role"] in ("system", "developer") for m in request["messages"])


def does_not_alternate(request: dict[str, Any]) -> bool:
    roles = [m["role"] for m in request["messages"] if m["role"] not in ("system", "tool")]
    return roles[:1] != ["user"] or any(a == b for a, b in itertools.pairwise(roles))


REFUSALS = {
    "Ollama: no tools": ("registry.ollama.ai/library/gemma:7b does not support tools", has_tools, 400),
    "vLLM: no parser": (
        '"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set',
        has_tools,
        400,
    ),
    "OpenRouter: no tools": ("No endpoints found that support tool use.", has_tools, 404),
    "llama.cpp: no template": ("tools param requires --jinja flag", has_tools, 500),
    "words nobody knows": ("bad request", has_tools, 400),
    "a gateway's 422": ("extra fields not permitted: tools", has_tools, 422),
    "thinking: no forced choice": ("Thinking mode does not support this tool_choice", is_forced, 400),
    "no forced choice at all": ("tool_choice must be auto or none", is_forced, 400),
    "Gemma: no system": ("System role not supported", has_system, 400),
    "no developer": ("Developer instruction is not enabled for models/gemma-3-27b-it", has_system, 400),
    "Mistral: alternation": (
        "Conversation roles must alternate user/assistant/user/assistant/...",
        does_not_alternate,
        400,
    ),
    "vLLM: alternation, 500": (
        "Jinja template error: conversation roles must alternate",
        does_not_alternate,
        500,
    ),
    "everything at once": (
        "bad request",
        lambda r: has_tools(r) or has_system(r) or does_not_alternate(r),
        400,
    ),
}


@pytest.mark.parametrize("kind", REFUSALS)
async def test_a_server_that_takes_less_is_asked_for_less_and_answers_every_turn(kind: str):
    text, when, status = REFUSALS[kind]
    server, told = FakeOpenAI(), list[tuple[str, Trouble | None]]()
    server.answer = refusing(text, when, status)

    async def alarm(whose: str, trouble: Trouble | None) -> None:
        told.append((whose, trouble))

    with served(server.app) as url:
        chat = Chat(Models(offline_model(), "openai:small", access=Access("sk", f"{url}/v1"), alarm=alarm))
        assert await chat.says("Hello, my name is Anna", "do you have a blue vase?") == [THANKS]
        state = await chat.state()
        assert state["model"] == "openai:small"
        assert state["profile"]["name"] == "Anna" and state["profile"]["class"] == "client"
        asked = len(server.requests)
        assert await chat.says("and a red one?", "or a green one?") == [THANKS]
        assert await chat.says("thanks, what does it cost?") == [THANKS]
        assert not any(when(request) for request in server.requests[asked:]), (
            "it is not asked twice for what it refused"
        )
    if when is has_tools:
        [(whose, trouble)] = told
        assert whose == "ways:openai:small" and trouble and "openai:small takes no tools" in trouble.advice
    elif "everything" not in kind:
        assert told == []


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
        chat = Chat(Models(offline_model(), "openai:thinker", access=Access("sk", f"{url}/v1")))
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
        chat = Chat(Models(offline_model(), "openai:writer", access=Access("sk", f"{url}/v1")))
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
        chat = Chat(Models(offline_model(), "openai:writer", access=Access("sk", f"{url}/v1")))
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
        chat = Chat(Models(offline_model(), "openai:deep", access=Access("sk", f"{url}/v1")))
        assert await chat.says("do you have a blue vase?") == [THANKS]
    sales = [r for r in server.requests if not schema_of(r)]
    assert (
        len(sales) == 2
        and sales[1]["messages"][-1]["tool_call_id"] == sales[1]["messages"][-2]["tool_calls"][0]["id"] != ""
    )


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


def test_messages_are_in_a_shape_that_every_server_takes():
    history = [
        AIMessage("Hello, I am the shop."),
        SystemMessage("You sell."),
        HumanMessage("one"),
        HumanMessage(
            [{"type": "text", "text": "two"}, {"type": "image", "base64": "", "mime_type": "image/png"}]
        ),
        AIMessage("", tool_calls=[{"name": "find_product", "args": {}, "id": "1"}]),
        ToolMessage("900", tool_call_id="1", name="find_product"),
        AIMessage("It is 900."),
        AIMessage("Shall I put it aside?"),
        HumanMessage("yes"),
    ]
    system, first, *rest = shaped(history, Ways())
    assert (
        isinstance(system, SystemMessage)
        and "You sell." in system.text
        and "Hello, I am the shop." in system.text
    )
    assert (
        [m.type for m in (first, *rest)] == ["human", "ai", "tool", "ai", "human"]
        and "one" in first.text
        and "two" in first.text
    )
    less = shaped(history, Ways(tools=False, forced=False, system=False, pictures=False), Verdict)
    assert [m.type for m in less] == ["human", "ai", "human", "ai", "human"]
    assert "JSON object for Verdict" in less[0].text and "900" in less[2].text
    assert all(isinstance(m.content, str) for m in less)


@given(
    st.lists(st.sampled_from("hats"), max_size=8),
    st.builds(Ways, st.booleans(), st.booleans(), st.booleans(), st.booleans()),
)
def test_roles_take_turns_whatever_was_said(kinds: list[str], ways: Ways):
    made = {
        "h": HumanMessage("h"),
        "a": AIMessage("a"),
        "s": SystemMessage("s"),
        "t": AIMessage("", tool_calls=[{"name": "x", "args": {}, "id": "1"}]),
    }
    messages: list[Any] = []
    for kind in kinds:
        messages += [made[kind], *([ToolMessage("t", tool_call_id="1", name="x")] if kind == "t" else [])]
    found = shaped(messages, ways)
    roles = [m.type for m in found]
    assert roles.count("system") <= (1 if ways.system else 0) and (
        not roles.count("system") or roles[0] == "system"
    )
    spoken = [role for role in roles if role != "system"]
    assert "human" in spoken
    if not ways.tools:
        assert all(a != b for a, b in itertools.pairwise(spoken))


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
    read_ = read(AIMessage(text), Wanted)
    assert (read_.name if isinstance(read_, Wanted) else None) == found


@given(st.text(alphabet='{}[]":,a1 \\', max_size=60))
def test_no_text_breaks_the_search_for_json(text: str):
    for value in objects_in(text):
        json.dumps(value)


@pytest.mark.external_data
async def test_the_servers_that_others_reported(external_data: Path):
    seen = 0
    for path in sorted((external_data / "11_reported" / "model").glob("*.json")):
        case = json.loads(path.read_text())
        if "gemini" in path.name:
            continue  # another wire
        server, told, first = FakeOpenAI(), list[Trouble](), [1]

        async def alarm(whose: str, trouble: Trouble | None, told: list[Trouble] = told) -> None:
            told.extend([trouble] if trouble else [])

        refused = {
            "alternation": does_not_alternate,
            "no_forced_tool_choice": is_forced,
            "no_tools": has_tools,
            "vllm_no_parser": has_tools,
            "system_role": has_system,
            "reasoning_content_back": lambda r: (
                r["messages"][-1]["role"] == "tool" and not r["messages"][-2].get("reasoning_content")
            ),
        }.get(path.stem)

        def answer(
            request: dict[str, Any], case: Any = case, refused: Any = refused, first: list[int] = first
        ) -> Any:
            if refused and refused(request):
                return Response(
                    json.dumps(case["server_answer"]), case["status"], media_type="application/json"
                )
            if not refused and "status" in case:
                body = case["server_answer"]
                return Response(
                    body if isinstance(body, str) else json.dumps(body),
                    case["status"],
                    media_type=case.get("content_type", "application/json"),
                )
            structured = (
                schema_of(request)
                or "JSON object for" in str(request["messages"][0]["content"])
                or any(t["function"]["name"] in ("Verdict", "Facts") for t in request.get("tools") or ())
            )
            if structured:
                return refusing("", lambda _: False)(request)
            if "first_answer" in case and first and first.pop():
                return Response(
                    json.dumps(case["first_answer"]),
                    case.get("first_status", 200),
                    media_type="application/json",
                )
            if "server_answer" in case and not refused and request["messages"][-1]["role"] != "tool":
                return case["server_answer"]
            return message(THANKS)

        server.answer = answer
        with served(server.app) as url:
            chat = Chat(Models(offline_model(), "openai:m", access=Access("sk", f"{url}/v1"), alarm=alarm))
            replies = [await chat.says("hello, do you have a blue vase?", "or a red one?")]
            replies.append(await chat.says("thanks, and a third one?"))
            model = (await chat.state())["model"]
        if "status" in case and refused is None and "first_answer" not in case:
            assert model == "offline" and told, path.name
        else:
            assert replies == [[THANKS], [THANKS]] and model == "openai:m", (path.name, replies)
        seen += 1
    assert seen > 10


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


def _odd(change: Callable[[dict[str, Any]], None]) -> Server:
    """A polite server that calls a tool first, each answer changed on its way."""

    def answer(request: dict[str, Any]) -> Any:
        told = polite(request) if schema_of(request) else message(THANKS)
        if not schema_of(request) and request["messages"][-1]["role"] != "tool":
            told = message(call=("find_product", {"query": "blue vase"}))
        change(told["choices"][0]["message"])
        return told

    return answer


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
    server.answer = _odd(ODD[kind])
    with served(server.app) as url:
        chat = Chat(Models(offline_model(), "openai:m", access=Access("sk", f"{url}/v1")))
        assert await chat.says("do you have a blue vase?") == [THANKS]
        assert (await chat.state())["model"] == "openai:m"


async def test_lines_that_keep_the_connection_open_are_no_part_of_an_answer():
    server = FakeOpenAI()
    server.answer = lambda request: Response(
        f": PROCESSING\n\n: PROCESSING\n\n{json.dumps(polite(request))}", media_type="text/plain"
    )
    with served(server.app) as url:
        models = Models(offline_model(), "openai:m", access=Access("sk", f"{url}/v1"))
        assert (await models.ask("auto", [HumanMessage("hello")])).model == "openai:m"


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
        await models.ask("auto", [HumanMessage("hello")])
    assert told == [kind]


@pytest.mark.parametrize(
    ("status", "text", "when"),
    [
        (404, "No endpoints found that support the provided 'tool_choice' value.", is_forced),
        (500, "Internal Server Error", has_tools),
        (403, "Tool use is not enabled for your project", has_tools),
    ],
)
async def test_more_servers_that_take_less(status: int, text: str, when: Callable[[dict[str, Any]], bool]):
    server = FakeOpenAI()
    server.answer = refusing(text, when, status)
    with served(server.app) as url:
        models = Models(offline_model(), "openai:m", access=Access("sk", f"{url}/v1"), attempts=1)
        chat = Chat(models)
        for _ in range(2):
            assert await chat.says("do you have a blue vase?") == [THANKS]


@pytest.mark.parametrize(
    "text", ["messages.2.content: Input should be a valid string", "Field required: content", "bad request"]
)
async def test_a_server_that_wants_words_beside_every_call_gets_them(text: str):
    server, called, refused = FakeOpenAI(), _odd(lambda said: None), list[str]()

    def answer(request: dict[str, Any]) -> Any:
        if has_blank(request):
            refused.append(text)
            return error(400, "invalid_request_error", None, text)
        return called(request)

    server.answer = answer
    with served(server.app) as url:
        chat = Chat(Models(offline_model(), "openai:m", access=Access("sk", f"{url}/v1")))
        for _ in range(2):
            assert await chat.says("do you have a blue vase?") == [THANKS]
            assert (await chat.state())["model"] == "openai:m"
    assert len(refused) == 1


async def test_what_is_taken_is_not_left_out_with_what_is_not():
    server = FakeOpenAI()
    wrong = {"temperature", "reasoning_effort", "max_tokens", "max_completion_tokens"}

    def answer(request: dict[str, Any]) -> Any:
        return error(400, "x", None, "bad request") if wrong & request.keys() else polite(request)

    server.answer = answer
    options = ModelOptions(temperature=0.1, reasoning_effort="low", max_tokens=100)
    with served(server.app) as url:
        models = Models(offline_model(), "openai:m", access=Access("sk", f"{url}/v1"))
        said = [SystemMessage("You sell."), HumanMessage("hello")]
        assert (await models.ask("auto", said, call=CallSettings(options=options))).model == "openai:m"
        assert models.ways_of("openai:m").lacking == ["temperature", "reasoning_effort", "max_tokens"]
