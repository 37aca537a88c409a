"""The whole conversation on one screen.

            +-> moderate --+
commands ---+-> extract  --+-> decide -> sell <-> tools
            +-> retrieve --+     |         +-> ground -> remember
                                 +-> follow_up --^          ^
                                 +-> refuse, handoff -------+
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

import structlog
from langchain_core.messages import ToolMessage
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.prebuilt import ToolNode
from langgraph.store.base import BaseStore

import tools as registry
from agent.context import Context
from agent.models.chat import Models
from agent.nodes.commands import commands
from agent.nodes.decide import decide
from agent.nodes.extract import extract
from agent.nodes.follow_up import follow_up
from agent.nodes.ground import ground
from agent.nodes.handoff import handoff
from agent.nodes.moderate import moderate
from agent.nodes.refuse import refuse
from agent.nodes.remember import remember
from agent.nodes.retrieve import Knowledge, retrieve
from agent.nodes.sell import sell
from agent.nodes.verify import verify
from agent.state import Outbound, State
from agent.tool_calls import Calling, straight
from tools.runtime import price_list

TOOL_SECONDS = 15
TOOL_CHARACTERS = 4_000

log = structlog.get_logger()


def build(
    models: Models,
    knowledge: Knowledge,
    checkpointer: BaseCheckpointSaver[str] | None = None,
    form: type = State,
    calling: Calling = straight,
    store: BaseStore | None = None,
) -> CompiledStateGraph[Any, Any, Any, Any]:
    """The graph over these models and this knowledge base. `form` is what its input may hold: less of it in
    Studio. `calling` makes a tool call: straight, once however often its turn is run, or from a tape.
    `store` keeps notes of contacts; without one there are none."""

    async def guard(request: Any, call: Any) -> Any:
        """Run a tool only if this bot may use it; a failure becomes an answer the model can read."""
        name = request.tool_call["name"]
        problem = f"{name} is not available"
        if request.tool is not None and request.tool in registry.allowed(request.runtime.context.tools):
            context, state = request.runtime.context, request.runtime.state
            price_list.set(
                await knowledge.price_list(context.knowledge_base or state.get("bot_id", "default"))
            )
            try:
                answer = await asyncio.wait_for(calling(request, call), TOOL_SECONDS)
                return _short(answer) if isinstance(answer, ToolMessage) else answer
            except Exception as error:  # a tool may raise anything; the conversation goes on
                log.error("tool_failed", tool=name, error=repr(error)[:300])
                problem = f"{name} failed; say that a colleague will check"
        return ToolMessage(problem, tool_call_id=request.tool_call["id"], name=name, status="error")

    async def sell_with_tools(state: State, runtime: Any) -> Any:
        return await sell(state, runtime, models, registry.allowed(runtime.context.tools))

    builder = StateGraph(State, context_schema=Context, input_schema=form, output_schema=Outbound)
    builder.add_node("commands", commands)
    builder.add_node("moderate", partial(moderate, models=models))
    builder.add_node("extract", partial(extract, models=models))
    builder.add_node("retrieve", partial(retrieve, knowledge=knowledge))
    builder.add_node("decide", decide)
    builder.add_node("sell", sell_with_tools, destinations=("tools", "ground", "remember"))
    builder.add_node("tools", ToolNode(list(registry.found().values()), awrap_tool_call=guard))
    builder.add_node("follow_up", partial(follow_up, models=models))
    builder.add_node("ground", ground)
    builder.add_node("verify", partial(verify, models=models), destinations=("sell", "follow_up", "remember"))
    builder.add_node("refuse", refuse)
    builder.add_node("handoff", handoff)
    builder.add_node("remember", partial(remember, models=models))
    builder.add_edge(START, "commands")
    for branch in ("moderate", "extract", "retrieve"):
        builder.add_edge(branch, "decide")
    builder.add_edge("tools", "sell")
    builder.add_edge("refuse", "remember")
    builder.add_edge("handoff", "remember")
    builder.add_edge("remember", END)
    return builder.compile(checkpointer=checkpointer, store=store, name="salesgraph")


def _short(answer: ToolMessage) -> ToolMessage:
    """The answer as text of a bounded length: a picture or a file among its parts is none of a seller's
    business."""
    text = str(answer.text)
    if len(text) > TOOL_CHARACTERS:
        text = f"{text[:TOOL_CHARACTERS]} (cut)"
    return answer.model_copy(update={"content": text or "no text", "artifact": None})
