"""The graph with a scripted chat model in place of a provider's; everything else is real."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.utils.function_calling import convert_to_openai_tool
from langgraph.checkpoint.memory import InMemorySaver

from agent.context import Context
from agent.graph import build
from agent.models.chat import Models
from agent.models.usage import Meter
from agent.state import Quoted
from agent.turn_services import TurnServices
from knowledge_base.goods.catalogue import Catalogue

Script = Callable[[list[BaseMessage], list[str]], AIMessage]


class Scripted(BaseChatModel):
    """`script` gets the messages and the names of the tools offered."""

    script: Any
    asked: Any = None

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def bind_tools(self, tools: Any, *, tool_choice: Any = None, **kwargs: Any) -> Any:
        return self.bind(offered=[convert_to_openai_tool(tool)["function"]["name"] for tool in tools])

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        offered = kwargs.get("offered", [])
        self.asked.append((messages, offered))
        return ChatResult(generations=[ChatGeneration(message=self.script(messages, offered))])


class Shelf:
    """A knowledge base of one passage and two products."""

    async def passages(
        self, bot_id: str, question: str, before: str, count: int, meter: Meter
    ) -> list[Quoted]:
        return [
            Quoted(document="a.pdf", page=2, text="Delivery costs 1,500 tenge.", language="en", strong=True)
        ]

    async def price_list(self, bot_id: str) -> Catalogue:
        return Catalogue.of_rows(
            [
                {"name": "Blue vase", "price": "900", "currency": "KZT"},
                {"name": "Red bowl", "price": "950", "currency": "KZT"},
            ]
        )


class Chat:
    """One conversation with the graph; no model reads its replies but where a test says so."""

    def __init__(self, models: Models, **context: Any) -> None:
        self.models = models
        self.shelf: Any = Shelf()
        self.graph = build(models, self.shelf, InMemorySaver())
        self.context = Context(business="Vase shop, vases", **{"verify_model": "off", **context})
        self.services = TurnServices()
        self._config: Any = {"configurable": {"thread_id": "c"}}
        self._count = 0

    async def says(self, *texts: str, **state: Any) -> list[str]:
        """The replies to a burst."""
        self._count += 1
        messages = [HumanMessage(text, id=f"m{self._count}.{i}") for i, text in enumerate(texts)]
        turn = {"messages": messages, "bot_id": "b", "turn_id": str(self._count), **state}
        config = self.services.within(**self._config["configurable"])
        answer = await self.graph.ainvoke(turn, config, context=self.context)
        return answer.get("replies", [])

    async def state(self) -> dict[str, Any]:
        return (await self.graph.aget_state(self._config)).values


def quiet(messages: list[BaseMessage], offered: list[str]) -> AIMessage:
    """Learns nothing and answers in three words."""
    if offered in (["Verdict"], ["Facts"]):
        return call(offered[0], {})
    return AIMessage("Here you are.")


def call(name: str, args: dict[str, Any]) -> AIMessage:
    return AIMessage("", tool_calls=[{"name": name, "args": args, "id": f"call_{name}"}])


def polite(messages: list[Any], offered: list[str]) -> AIMessage:
    """Clients all, and every answer repeats the last question."""
    if "Verdict" in offered:
        verdict = {"contact_class": "client", "intent": "business", "reason": "asks"}
        return AIMessage("", tool_calls=[{"name": "Verdict", "args": verdict, "id": "1"}])
    if "Facts" in offered:
        return AIMessage("", tool_calls=[{"name": "Facts", "args": {}, "id": "1"}])
    return AIMessage(f"You asked: {messages[-1].text}")


def told(messages: list[Any]) -> str:
    """What a model was told by us: the system message, and the note on the turn."""
    return "\n".join(str(m.text) for m in messages if m.type == "system")


def said(messages: list[Any]) -> list[str]:
    """The messages without what we told the model besides."""
    return [str(m.text) for m in messages if m.type != "system" and m.text]


def script(*answers: AIMessage | str) -> Callable[..., AIMessage]:
    """A model that calls these tools and says these things one after another, and the last one again."""
    left = [answer if isinstance(answer, AIMessage) else AIMessage(answer) for answer in answers]

    def say(messages: list[Any], offered: list[str]) -> AIMessage:
        if offered in (["Verdict"], ["Facts"]):
            return call(offered[0], {})
        return left.pop(0) if len(left) > 1 else left[0]

    return say
