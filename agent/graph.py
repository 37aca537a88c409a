"""The whole conversation on one screen.

            +-> moderate --+
commands ---+-> extract  --+-> decide -> sell <-> tools
  |         +-> retrieve --+     |         +-> ground -> verify -> remember
  +-> cart ------^               +-> follow_up --^                    ^
        |                        +-> refuse, handoff -----------------+
        +-------------------------------------------------------------+
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Protocol, cast

from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph import END, START, StateGraph  # pyright: ignore[reportMissingTypeStubs] - LangGraph does not mark this part as typed
from langgraph.graph.state import CompiledStateGraph  # pyright: ignore[reportMissingTypeStubs] - LangGraph does not mark this part as typed
from langgraph.store.base import BaseStore

from agent.context import Context
from agent.models.chat import Models
from agent.nodes.cart import tend_cart
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
from agent.nodes.tools import tool_node
from agent.nodes.verify import verify
from agent.state import Outbound, State
from agent.tool_calls import Calling, straight
from tools import allowed


def build(
    models: Models,
    knowledge: Knowledge,
    checkpointer: BaseCheckpointSaver[str] | None = None,
    form: type[Any] = State,
    calling: Calling = straight,
    store: BaseStore | None = None,
) -> CompiledStateGraph[Any, Any, Any, Any]:
    """The graph over these models and this knowledge base. `form` is what its input may hold: less of it in
    Studio. `calling` makes a tool call: straight, once however often its turn is run, or from a tape.
    `store` keeps notes of contacts; without one there are none."""

    graph = StateGraph(State, context_schema=Context, input_schema=form, output_schema=Outbound)
    builder = cast(_Builder, graph)
    builder.add_node("commands", commands)
    tending = _with(tend_cart, knowledge=knowledge)
    builder.add_node("cart", tending, destinations=("moderate", "extract", "retrieve", "remember"))
    builder.add_node("moderate", _with(moderate, models=models))
    builder.add_node("extract", _with(extract, models=models))
    builder.add_node("retrieve", _with(retrieve, knowledge=knowledge))
    builder.add_node("decide", decide)
    selling = _with(sell, models=models, tools=allowed)
    builder.add_node("sell", selling, destinations=("tools", "ground", "remember"))
    builder.add_node("tools", tool_node(knowledge, calling))
    builder.add_node("follow_up", _with(follow_up, models=models))
    grounding = _with(ground, knowledge=knowledge)
    builder.add_node("ground", grounding, destinations=("verify", "sell", "follow_up", "remember"))
    verifying = _with(verify, models=models, knowledge=knowledge)
    builder.add_node("verify", verifying, destinations=("sell", "follow_up", "remember"))
    builder.add_node("refuse", refuse)
    builder.add_node("handoff", handoff)
    builder.add_node("remember", _with(remember, models=models))
    builder.add_edge(START, "commands")
    for branch in ("moderate", "extract", "retrieve"):
        builder.add_edge(branch, "decide")
    builder.add_edge("tools", "sell")
    builder.add_edge("refuse", "remember")
    builder.add_edge("handoff", "remember")
    builder.add_edge("remember", END)
    return builder.compile(checkpointer=checkpointer, store=store, name="salesgraph")


class _Builder(Protocol):
    """What is used of LangGraph's builder, whose own types are not known in full."""

    def add_node(
        self, node: str, action: object, *, destinations: tuple[str, ...] | None = None
    ) -> object: ...
    def add_edge(self, start_key: str, end_key: str) -> object: ...
    def compile(
        self, checkpointer: BaseCheckpointSaver[str] | None, *, store: BaseStore | None, name: str
    ) -> CompiledStateGraph[Any, Any, Any, Any]: ...


def _with(node: Callable[..., Awaitable[Any]], **given: Any) -> Any:
    """A node with what it needs of this process. LangGraph gives it config and runtime by their names, which
    its own types do not know of a node that takes both: hence Any."""
    return partial(node, **given)
