"""Real provider clients over real HTTP: the right wire, the right key, and a plan when one fails."""

from __future__ import annotations

import pytest
from langchain_core.messages import HumanMessage, SystemMessage

from agent.models.chat import Models, ProviderAccess
from agent.models.offline import offline_model
from agent.models.usage import Meter
from tests.fakes.gemini_wire import FakeGemini
from tests.fakes.openai_wire import FakeOpenAI, error
from tests.fakes.serving import served
from tests.support.shop.chatting import Chat


async def test_gemini_answers_over_its_own_wire():
    gemini = FakeGemini()
    with served(gemini.app) as url:
        access = ProviderAccess(gemini_key="g-key", gemini_url=url)
        chat = Chat(Models(offline_model(), default="google_genai:gemini-2.5-flash", access=access))
        assert await chat.says("how much is the blue vase?") == ["Greetings from Gemini."]
        assert (await chat.state())["profile"]["class"] == "client"
    assert {request["model"] for request in gemini.requests} == {"gemini-2.5-flash"}
    assert {request["key"] for request in gemini.requests} == {"g-key"}
    assert len(gemini.requests) == 3
    sales = next(r for r in gemini.requests if not r.get("toolConfig"))
    assert {f["name"] for t in sales["tools"] for f in t["functionDeclarations"]} == {
        "ask_choice",
        "book_call",
        "find_product",
        "request_human",
        "request_location",
        "show_products",
    }


async def test_the_fallback_model_answers_when_the_first_is_down():
    openai, gemini = FakeOpenAI(), FakeGemini()
    openai.answer = lambda _: error(
        401, "invalid_request_error", "invalid_api_key", "Incorrect API key provided."
    )
    with served(openai.app) as openai_url, served(gemini.app) as gemini_url:
        access = ProviderAccess("sk", f"{openai_url}/v1", "g-key", gemini_url)
        models = Models(offline_model(), "openai:gpt-x", "google_genai:gemini-2.5-flash", access)
        asked = await models.ask("auto", [SystemMessage("You sell."), HumanMessage("hello")], Meter())
    assert (asked.message.text, asked.model) == ("Greetings from Gemini.", "google_genai:gemini-2.5-flash")
    assert len(openai.requests) == 1


async def test_a_hanging_model_is_given_up_and_not_asked_again():
    openai = FakeOpenAI()
    openai.hang = 30
    with served(openai.app) as url:
        models = Models(offline_model(), "openai:gpt-x", access=ProviderAccess("sk", f"{url}/v1", timeout=2))
        asked = await models.ask("auto", [SystemMessage("You sell."), HumanMessage("hello")], Meter())
    assert asked.model == "offline"
    assert len(openai.requests) == 1


async def test_a_model_that_hangs_twice_makes_nobody_else_wait():
    openai = FakeOpenAI()
    openai.hang = 30
    with served(openai.app) as url:
        models = Models(offline_model(), "openai:gpt-x", access=ProviderAccess("sk", f"{url}/v1", timeout=2))
        for _ in range(5):
            asked = await models.ask("auto", [SystemMessage("You sell."), HumanMessage("hello")], Meter())
            assert asked.model == "offline"
        assert len(openai.requests) == 2
        openai.hang, models.rest = 0, 0
        models._until.clear()
        assert (
            await models.ask("auto", [SystemMessage("You sell."), HumanMessage("hello")], Meter())
        ).model == "openai:gpt-x"


async def test_a_rate_limit_is_waited_out():
    openai = FakeOpenAI()
    limited = [1, 1]

    def busy_first(request):
        if limited and limited.pop():
            answer = error(429, "requests", "rate_limit_exceeded", "Rate limit reached for gpt-x")
            answer.headers["retry-after"] = "0.05"
            return answer
        return openai_polite(request)

    from tests.fakes.openai_wire import polite as openai_polite

    openai.answer = busy_first
    with served(openai.app) as url:
        models = Models(offline_model(), "openai:gpt-x", access=ProviderAccess("sk", f"{url}/v1"))
        asked = await models.ask("auto", [SystemMessage("You sell."), HumanMessage("hello")], Meter())
    assert asked.message.text == "You asked: hello"
    assert len(openai.requests) == 3


def test_an_unknown_model_is_named():
    with pytest.raises(ValueError, match="gpt-4"):
        Models(offline_model()).made("gpt-4")
