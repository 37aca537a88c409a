"""Chat models of any provider, and the options of a bot on their wires."""

from __future__ import annotations

import json
from typing import Any

import pytest
from fastapi.responses import JSONResponse
from langchain_core.messages import HumanMessage, SystemMessage
from pydantic import ValidationError

from agent.context import Context
from agent.model_options import CallSettings, ModelOptions
from agent.models.chat import LOOKED_UP, Models, ProviderAccess
from agent.models.failures import Trouble
from agent.models.offline import offline_model
from agent.models.setup import NotSetUp, variables
from agent.models.usage import Meter
from agent.models.ways import Ways
from agent.nodes.moderate import Verdict
from tests.fakes.openai_wire import FakeOpenAI, error, message, polite, schema_of
from tests.fakes.other_wires import FakeWire
from tests.fakes.other_wires import polite as polite_elsewhere
from tests.fakes.serving import served
from tests.support.shop.chatting import Chat

ASKED = "how much is the blue vase?"
TOLD = ["The blue vase costs 900 KZT."]
OPTIONS = ModelOptions(temperature=0.3, reasoning_effort="low", max_tokens=700, timeout=12)


async def test_a_bots_options_are_on_the_wire_of_what_writes_replies():
    server = FakeOpenAI()
    with served(server.app) as url:
        chat = Chat(
            Models(offline_model(), "openai:m", access=ProviderAccess("sk", f"{url}/v1")),
            model_options=OPTIONS,
        )
        await chat.says("do you have a blue vase?")
    replies = server.sales_calls()
    assert [(r["temperature"], r["reasoning_effort"]) for r in replies] == [(0.3, "low")] * len(replies)
    assert all(700 in (r.get("max_tokens"), r.get("max_completion_tokens")) for r in replies)
    small = [r for r in server.requests if schema_of(r)]
    assert small and all("temperature" not in r and r["reasoning_effort"] == "low" for r in small)


async def test_a_smaller_model_and_a_fallback_have_no_options_of_the_chat_model():
    server = FakeOpenAI()

    def answer(request: dict[str, Any]) -> Any:
        return (
            error(503, "server_error", None, "overloaded") if request["model"] == "main" else polite(request)
        )

    server.answer = answer
    with served(server.app) as url:
        models = Models(
            offline_model(), "openai:main", "openai:second", ProviderAccess("sk", f"{url}/v1"), attempts=1
        )
        await Chat(models, model_options=OPTIONS, moderate_model="openai:tiny").says(
            "do you have a blue vase?"
        )
    others = [r for r in server.requests if r["model"] in ("second", "tiny")]
    assert {r["model"] for r in others} == {"second", "tiny"}
    assert not any(
        {"temperature", "reasoning_effort", "max_tokens", "max_completion_tokens"} & r.keys() for r in others
    )


@pytest.mark.parametrize(
    ("option", "said"),
    [
        (
            "temperature",
            (
                "Unsupported value: 'temperature' does not support 0.3 with this model. Only the default (1) "
                "value is supported."
            ),
        ),
        ("reasoning_effort", "Unrecognized request argument supplied: reasoning_effort"),
        ("reasoning_effort", "`reasoning_effort` is not supported with this model"),
        (
            "max_tokens",
            (
                "Unsupported parameter: 'max_tokens' is not supported with this model. Use "
                "'max_completion_tokens' instead."
            ),
        ),
        ("temperature", "bad request"),
    ],
)
async def test_an_option_that_is_refused_is_left_out_and_known_from_then_on(option: str, said: str):
    server, learned = FakeOpenAI(), dict[str, Ways]()
    names = {option, "max_completion_tokens"} if option == "max_tokens" else {option}

    def answer(request: dict[str, Any]) -> Any:
        return error(400, "invalid_request_error", None, said) if names & request.keys() else polite(request)

    async def note(name: str, ways: Ways) -> None:
        learned[name] = ways

    server.answer = answer
    with served(server.app) as url:
        models = Models(offline_model(), "openai:m", access=ProviderAccess("sk", f"{url}/v1"), note=note)
        asked = await models.ask("auto", [HumanMessage("hello")], Meter(), call=CallSettings(options=OPTIONS))
        assert asked.model == "openai:m"
        before = len(server.requests)
        await models.ask("auto", [HumanMessage("hello")], Meter(), call=CallSettings(options=OPTIONS))
    assert len(server.requests) == before + 1
    assert learned["openai:m"].lacking == [option]
    kept = {"temperature", "reasoning_effort", "max_completion_tokens", "max_tokens"} & server.requests[
        -1
    ].keys()
    assert len(kept) == 2


async def test_what_was_learned_of_a_model_is_known_after_a_restart():
    server = FakeOpenAI()

    async def recall() -> dict[str, Ways]:
        return {"openai:m": Ways(temperature=False)}

    with served(server.app) as url:
        models = Models(offline_model(), "openai:m", access=ProviderAccess("sk", f"{url}/v1"), recall=recall)
        await models.ask("auto", [HumanMessage("hello")], Meter(), call=CallSettings(options=OPTIONS))
    assert "temperature" not in server.requests[0]


async def test_the_responses_interface_keeps_nothing_there_and_gives_thoughts_back():
    server = FakeWire(polite_elsewhere)
    with served(server.app) as url:
        options = ModelOptions(api="responses", reasoning_effort="low", max_tokens=900)
        chat = Chat(
            Models(offline_model(), "openai:gpt-5-mini", access=ProviderAccess("sk", f"{url}/v1")),
            model_options=options,
        )
        assert await chat.says(ASKED) == TOLD
        assert await chat.says("thank you, and the red bowl?") == TOLD
    assert all(r["store"] is False and "previous_response_id" not in r for r in server.requests)
    assert all(r["reasoning"]["effort"] == "low" for r in server.requests)
    after_the_tool = next(
        r for r in server.requests if any(i.get("type") == "function_call_output" for i in r["input"])
    )
    kinds = [item.get("type") for item in after_the_tool["input"]]
    assert kinds.index("reasoning") < kinds.index("function_call") < kinds.index("function_call_output")
    thought = after_the_tool["input"][kinds.index("reasoning")]
    assert thought["encrypted_content"] == "sealed-thought"


async def test_a_stored_prompt_is_named_with_its_version_for_replies_alone():
    server = FakeWire(polite_elsewhere)
    options = ModelOptions(stored_prompt="pmpt_abc123", stored_prompt_version="7")
    with served(server.app) as url:
        chat = Chat(
            Models(offline_model(), "openai:gpt-4.1", access=ProviderAccess("sk", f"{url}/v1")),
            model_options=options,
        )
        assert await chat.says(ASKED) == TOLD
    prompts = [
        r.get("prompt")
        for r in server.requests
        if "Verdict" not in str(r["tools"]) and "Facts" not in str(r["tools"])
    ]
    assert prompts and all(p == {"id": "pmpt_abc123", "version": "7"} for p in prompts)


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (404, "This model is only supported in v1/responses and not in v1/chat/completions."),
        (
            400,
            (
                "Function tools with reasoning_effort are not supported for gpt-5.4 in /v1/chat/completions. "
                "To use function tools, use /v1/responses."
            ),
        ),
    ],
)
async def test_a_model_that_is_only_there_over_responses_is_asked_there(status: int, said: str):
    server = FakeWire(polite_elsewhere)
    asked_wrongly = []

    @server.app.post("/v1/chat/completions")
    async def chat_completions() -> JSONResponse:
        asked_wrongly.append(1)
        return error(status, "invalid_request_error", None, said)

    with served(server.app) as url:
        chat = Chat(Models(offline_model(), "openai:gpt-5-pro", access=ProviderAccess("sk", f"{url}/v1")))
        assert await chat.says(ASKED) == TOLD
        wrongly = len(asked_wrongly)
        assert await chat.says("and the red bowl?") == TOLD
    assert len(asked_wrongly) == wrongly


async def test_a_fallback_never_sees_the_sealed_parts_of_another_models_answer():
    responses, chat_server = FakeWire(polite_elsewhere), FakeOpenAI()
    down = []

    def answer(request: dict[str, Any]) -> Any:
        if any(i.get("type") == "function_call_output" for i in request["input"]):
            down.append(1)
            return error(503, "server_error", None, "overloaded")
        return polite_elsewhere(request)

    responses.answer = answer
    with served(responses.app) as one, served(chat_server.app) as two:
        others = ProviderAccess("sk", f"{one}/v1", others=lambda _: ("key", f"{two}/v1"))
        models = Models(offline_model(), "openai:gpt-5-mini", "groq:second", others, attempts=1)
        replies = await Chat(models, model_options=ModelOptions(api="responses")).says(ASKED)
    assert down and replies
    assert "sealed-thought" not in json.dumps(chat_server.requests)


@pytest.mark.parametrize("name", ["anthropic:claude-haiku-4-5", "ollama:qwen3"])
async def test_other_providers_answer_over_their_own_wires_with_tools(name: str):
    server = FakeWire(polite_elsewhere)
    with served(server.app) as url:
        access = ProviderAccess(others=lambda provider: (f"key of {provider}", url))
        chat = Chat(Models(offline_model(), name, access=access), model_options=ModelOptions(temperature=0.2))
        assert await chat.says(ASKED) == TOLD
        assert (await chat.state())["model"] == name
    if name.startswith("anthropic"):
        assert {key.removeprefix("Bearer ") for key in server.keys} == {"key of anthropic"}
        assert {r.get("temperature") for r in server.requests} == {0.2, None}
    else:
        assert any(r["options"].get("temperature") == 0.2 for r in server.requests)


@pytest.mark.parametrize("name", ["groq:llama-3.3-70b", "mistralai:mistral-small"])
async def test_providers_of_openais_kind_answer(name: str):
    server = FakeOpenAI()
    path = "/openai" if name.startswith("groq") else ""
    if path:
        server.app.mount(path, server.app)
    with served(server.app) as url:
        base = url if path else f"{url}/v1"
        models = Models(offline_model(), name, access=ProviderAccess(others=lambda _: ("key", base)))
        asked = await models.ask("auto", [SystemMessage("You sell."), HumanMessage("hello")], Meter())
    assert (asked.message.text, asked.model) == ("You asked: hello", name)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("cohere:command-r", "pip install langchain-cohere"),
        ("nobody:x", "knows no provider 'nobody'"),
        ("gpt-4", "PROVIDER:NAME"),
    ],
)
async def test_a_model_that_cannot_be_asked_is_an_alert_that_says_what_to_do(name: str, says: str):
    told: list[tuple[str, Trouble | None]] = []

    async def alarm(whose: str, trouble: Trouble | None) -> None:
        told.append((whose, trouble))

    models = Models(offline_model(), name, alarm=alarm)
    with pytest.raises(NotSetUp, match=r"\w"):
        models.made(name)
    assert (await models.ask("auto", [HumanMessage("hello")], Meter())).model == "offline"
    assert [says in trouble.advice for _, trouble in told if trouble] == [True]


def test_a_missing_extra_is_named_with_its_command(monkeypatch: pytest.MonkeyPatch):
    def gone(*_: Any, **__: Any) -> Any:
        raise ImportError("Initializing ChatAnthropic requires the langchain-anthropic package.")

    monkeypatch.setattr("langchain.chat_models.init_chat_model", gone)
    with pytest.raises(NotSetUp, match="needs the package langchain-anthropic: run make providers"):
        Models(offline_model()).made("anthropic:claude")


@pytest.mark.parametrize(
    "wrong",
    [
        {"model": "gpt-4"},
        {"fallback_model": "Claude"},
        {"model_options": {"temperature": 3}},
        {"model_options": {"effort": "low"}},
        {"model_options": {"stored_prompt": "pmpt_1", "api": "chat"}},
        {"model_options": {"stored_prompt_version": "2"}},
    ],
)
def test_settings_of_a_bot_that_cannot_work_are_refused_by_name(wrong: dict[str, Any]):
    with pytest.raises(ValidationError, match=next(iter(wrong))):
        Context.model_validate(wrong)


def test_the_variables_of_a_provider():
    assert variables("anthropic") == ("ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL")
    assert variables("mistralai") == ("MISTRAL_API_KEY", "MISTRAL_BASE_URL")


@pytest.mark.parametrize("takes_schemas", [True, False])
async def test_a_server_that_writes_where_it_has_to_call_is_asked_for_json(takes_schemas: bool):
    """llama.cpp's server with a template that knows no tools leaves a forced call out without a word."""
    server = FakeOpenAI()

    def answer(request: dict[str, Any]) -> Any:
        if "response_format" in request and not takes_schemas:
            return error(400, "invalid_request_error", None, "This response_format type is unavailable now")
        if "JSON object for Verdict" in str(request["messages"]):
            return message('{"contact_class": "client", "confidence": 95, "reason": "asks"}')
        return message("The vase is a luxury item.")

    server.answer = answer
    with served(server.app) as url:
        models = Models(offline_model(), "openai:m", access=ProviderAccess("sk", f"{url}/v1"))
        for _ in range(3):
            asked = await models.ask("auto", [HumanMessage("how much?")], Meter(), schema=Verdict)
            assert (asked.model, asked.parsed.contact_class, asked.parsed.confidence) == (
                "openai:m",
                "client",
                1.0,
            )
        before = len(server.requests)
        await models.ask("auto", [HumanMessage("how much?")], Meter(), schema=Verdict)
    assert len(server.requests) == before + 1 and "tools" not in server.requests[-1]
    assert ("response_format" in server.requests[-1]) is takes_schemas
    assert models.ways_of("openai:m").tools


async def test_one_slip_of_the_pen_does_not_change_how_a_model_is_asked():
    server, slips = FakeOpenAI(), [1]

    def answer(request: dict[str, Any]) -> Any:
        if slips and slips.pop():
            return message("Well, they are a client.")
        return message('{"contact_class": "client"}') if "response_format" in request else polite(request)

    server.answer = answer
    with served(server.app) as url:
        models = Models(offline_model(), "openai:m", access=ProviderAccess("sk", f"{url}/v1"))
        for _ in range(2):
            assert (
                await models.ask("auto", [HumanMessage("hi")], Meter(), schema=Verdict)
            ).model == "openai:m"
    assert schema_of(server.requests[-1]) == "Verdict"


async def test_what_models_take_is_looked_up_again(monkeypatch: pytest.MonkeyPatch):
    """Others have learned, and what is a day old is forgotten, in a process that runs for weeks too."""
    known, now = [{"openai:m": Ways(tools=False)}, dict[str, Ways]()], [1000.0]

    async def recall() -> dict[str, Ways]:
        return known.pop(0)

    monkeypatch.setattr("agent.models.chat.time.monotonic", lambda: now[0])
    models = Models(offline_model(), recall=recall)
    await models.ask("offline", [HumanMessage("hello")], Meter())
    assert not models.ways_of("openai:m").tools
    now[0] += LOOKED_UP
    await models.ask("offline", [HumanMessage("hello")], Meter())
    assert models.ways_of("openai:m").tools
