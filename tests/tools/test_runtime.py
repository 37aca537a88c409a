"""What a tool may ask for is that of the turn it is called in, and of no other."""

from __future__ import annotations

import asyncio
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage
from langgraph.prebuilt import ToolRuntime

import tools
from agent.models.chat import Models, ProviderAccess
from agent.models.offline import offline_model
from agent.models.usage import Meter
from agent.turn_services import TurnServices
from knowledge_base.goods.catalogue import Catalogue
from tests.fakes.gemini_wire import FakeGemini
from tests.fakes.openai_wire import FakeOpenAI
from tests.fakes.serving import served
from tests.support.shop.chatting import Chat, Scripted, call, quiet
from tools.find_product import find_product
from tools.runtime import Calendar, Runtime, ToolServices, with_services

ROWS = [
    {"sku": "AU-ONE", "name": "Aurora One espresso machine", "price": "189000"},
    {"sku": "AU-DUO", "name": "Aurora Duo espresso machine", "price": "449000"},
]


class Booked:
    """The appointments of one contact, which nobody else may see."""

    def __init__(self, whose: str) -> None:
        self.whose = whose

    async def free(self, day: str = "") -> list[str]:
        return []

    async def mine(self) -> list[str]:
        return [self.whose]

    async def book(self, start: str, about: str, idempotency_key: str) -> bool:
        return False

    async def cancel(self) -> bool:
        return False


def calling(name: str, args: dict[str, Any]) -> Any:
    """Calls a tool once, and repeats what it answered."""

    def script(messages: list[BaseMessage], offered: list[str]) -> AIMessage:
        if offered in (["Verdict"], ["Facts"]):
            return quiet(messages, offered)
        answers = [m for m in messages if isinstance(m, ToolMessage)]
        return AIMessage(answers[-1].text) if answers else call(name, args)

    return script


async def said(name: str, args: dict[str, Any], calendar: Calendar | None = None) -> list[str]:
    """What a conversation of its own makes of one call."""
    chat = Chat(Models(Scripted(script=calling(name, args), asked=[])), grounding=False)
    chat.services = TurnServices(calendar=calendar)
    return await chat.says("please look it up for me")


def outside() -> Runtime:
    return ToolRuntime(
        state={}, context=None, config={}, stream_writer=print, tool_call_id="call_1", store=None
    )


async def test_the_price_list_of_the_turn_is_the_one_that_counts():
    asked = {"query": "Aurora Duo", "runtime": outside()}
    assert await find_product.ainvoke(asked) == "nothing found"
    served = with_services(outside(), ToolServices(Catalogue.of_rows(ROWS)))
    assert "449000" in await find_product.ainvoke({**asked, "runtime": served})


async def test_a_tool_in_the_graph_has_the_price_list_of_its_bot():
    assert "Blue vase" in (await said("find_product", {"query": "blue vase"}))[0]


async def test_turns_at_once_have_each_their_own_appointments():
    calendars = [Booked(f"2026-11-2{n} 15:00") for n in range(5)]
    turns = [said("book_call", {"action": "free"}, calendar) for calendar in calendars]
    for calendar, replies in zip(calendars, await asyncio.gather(*turns), strict=True):
        assert replies == [f"Free: nothing in two weeks. Booked already: {calendar.whose}."]


async def test_without_a_calendar_nothing_is_booked():
    assert await said("book_call", {"action": "book", "start": "2026-11-24 15:00"}) == [
        "calls cannot be booked here"
    ]


async def test_what_a_tool_is_given_is_shown_to_no_model():
    openai, gemini, offered = FakeOpenAI(), FakeGemini(), list(tools.installed().values())
    with served(openai.app) as openai_url, served(gemini.app) as gemini_url:
        access = ProviderAccess("sk", f"{openai_url}/v1", "g-key", gemini_url)
        models = Models(offline_model(), access=access)
        for name in ("openai:gpt-x", "google_genai:gemini-2.5-flash"):
            await models.ask(name, [HumanMessage("hello")], Meter(), tools=offered)
    (asked,) = openai.requests
    on_openai = {tool["function"]["name"]: tool["function"] for tool in asked["tools"]}
    (asked,) = gemini.requests
    on_gemini = {row["name"]: row for tool in asked["tools"] for row in tool["functionDeclarations"]}
    for shown in (on_openai, on_gemini):
        assert set(shown) == {tool.name for tool in offered} >= {"book_call", "find_product", "request_human"}
        for row in shown.values():
            given = row.get("parameters", {}).get("properties", {})
            assert not {"runtime", "tool_call_id"} & given.keys()
