"""Model servers as people run them: what one does not take is left out, and it gets its messages in the
shape it takes."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fastapi.responses import Response
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage

from agent.model_options import CallSettings, ModelOptions
from agent.models.chat import Models, ProviderAccess
from agent.models.failures import Trouble
from agent.models.offline import offline_model
from agent.models.usage import Meter
from agent.models.ways import Ways, shaped
from agent.nodes.moderate import Verdict
from tests.agent.models.servers import (
    THANKS,
    does_not_alternate,
    has_blank,
    has_system,
    has_tools,
    is_forced,
    odd,
    refusing,
)
from tests.fakes.openai_wire import FakeOpenAI, error, message, polite, schema_of
from tests.fakes.serving import served
from tests.support.shop.chatting import Chat

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
        chat = Chat(
            Models(offline_model(), "openai:small", access=ProviderAccess("sk", f"{url}/v1"), alarm=alarm)
        )
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
            chat = Chat(
                Models(offline_model(), "openai:m", access=ProviderAccess("sk", f"{url}/v1"), alarm=alarm)
            )
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
        models = Models(offline_model(), "openai:m", access=ProviderAccess("sk", f"{url}/v1"), attempts=1)
        chat = Chat(models)
        for _ in range(2):
            assert await chat.says("do you have a blue vase?") == [THANKS]


@pytest.mark.parametrize(
    "text", ["messages.2.content: Input should be a valid string", "Field required: content", "bad request"]
)
async def test_a_server_that_wants_words_beside_every_call_gets_them(text: str):
    server, called, refused = FakeOpenAI(), odd(lambda said: None), list[str]()

    def answer(request: dict[str, Any]) -> Any:
        if has_blank(request):
            refused.append(text)
            return error(400, "invalid_request_error", None, text)
        return called(request)

    server.answer = answer
    with served(server.app) as url:
        chat = Chat(Models(offline_model(), "openai:m", access=ProviderAccess("sk", f"{url}/v1")))
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
        models = Models(offline_model(), "openai:m", access=ProviderAccess("sk", f"{url}/v1"))
        said = [SystemMessage("You sell."), HumanMessage("hello")]
        assert (
            await models.ask("auto", said, Meter(), call=CallSettings(options=options))
        ).model == "openai:m"
        assert models.ways_of("openai:m").lacking == ["temperature", "reasoning_effort", "max_tokens"]
