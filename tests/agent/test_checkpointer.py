"""Working memory survives, branches stay apart, and a thread never grows."""

from __future__ import annotations

import pytest
from langchain_core.messages import HumanMessage, RemoveMessage
from langgraph.checkpoint.conformance import checkpointer_test, validate
from langgraph.graph import END, START, MessagesState, StateGraph
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisDown

from agent.checkpointer import RedisCheckpointer


async def test_it_passes_every_capability_it_declares(redis: Redis):
    @checkpointer_test(name="salesgraph")
    async def fresh():
        await redis.flushdb()
        yield RedisCheckpointer(redis, prefix="sg:{bot}:thread", keep="all")

    report = await validate(fresh)
    failures = {name: result.failures for name, result in report.results.items() if result.tests_failed}
    assert not failures
    passed = {name: result.tests_passed for name, result in report.results.items() if result.detected}
    assert sum(passed.values()) >= 81, passed
    assert len(passed) >= 8, passed


def chat(saver: RedisCheckpointer, window: int = 20):
    """Two nodes that say something, and one that forgets all but the last `window` messages."""

    async def hear(state: MessagesState):
        return {"messages": [HumanMessage(f"heard {len(state['messages'])}")]}

    async def forget(state: MessagesState):
        return {"messages": [RemoveMessage(id=m.id or "") for m in state["messages"][:-window]]}

    builder = StateGraph(MessagesState).add_node("hear", hear).add_node("forget", forget)
    builder.add_edge(START, "hear").add_edge("hear", "forget").add_edge("forget", END)
    return builder.compile(checkpointer=saver)


async def test_a_thread_does_not_grow_with_the_conversation(redis: Redis):
    graph = chat(RedisCheckpointer(redis, prefix="sg:{bot}:thread"))
    config = {"configurable": {"thread_id": "c"}}
    sizes, fields = [], []
    for turn in range(60):
        await graph.ainvoke({"messages": [HumanMessage(f"message {turn:03}")]}, config, durability="sync")
        sizes.append(await redis.memory_usage("sg:{bot}:thread:c", samples=0))
        fields.append(await redis.hlen("sg:{bot}:thread:c"))
    assert sizes[59] <= sizes[19] * 1.1
    assert fields[59] <= fields[19] + 2
    assert await redis.keys("*thread*") == [b"sg:{bot}:thread:c"]


async def test_an_interrupted_turn_resumes_at_the_node_that_failed(redis: Redis):
    ran: list[str] = []

    async def first(state: MessagesState):
        ran.append("first")
        return {"messages": [HumanMessage("one", id="one")]}

    async def second(state: MessagesState):
        ran.append("second")
        if ran.count("second") == 1:
            raise OSError("the machine went away")
        return {"messages": [HumanMessage("two", id="two")]}

    builder = StateGraph(MessagesState).add_node("first", first).add_node("second", second)
    builder.add_edge(START, "first").add_edge("first", "second").add_edge("second", END)
    graph = builder.compile(checkpointer=RedisCheckpointer(redis))
    config = {"configurable": {"thread_id": "c"}}
    with pytest.raises(OSError):
        await graph.ainvoke({"messages": []}, config, durability="sync")
    result = await graph.ainvoke(None, config, durability="sync")
    assert ran == ["first", "second", "second"]
    assert [m.id for m in result["messages"]] == ["one", "two"]


async def test_a_fork_leaves_the_old_branch_alone(redis: Redis):
    graph = chat(RedisCheckpointer(redis, keep="all"))
    config = {"configurable": {"thread_id": "c"}}
    await graph.ainvoke({"messages": [HumanMessage("a")]}, config)
    await graph.ainvoke({"messages": [HumanMessage("b")]}, config)
    history = [state async for state in graph.aget_state_history(config)]
    old_end = history[0]
    after_first = next(state for state in history if len(state.values["messages"]) == 2 and not state.next)
    await graph.ainvoke({"messages": [HumanMessage("c")]}, after_first.config)
    texts = [m.content for m in (await graph.aget_state(old_end.config)).values["messages"]]
    assert texts == ["a", "heard 1", "b", "heard 3"]
    assert [m.content for m in (await graph.aget_state(config)).values["messages"]] == [
        "a",
        "heard 1",
        "c",
        "heard 3",
    ]


async def test_an_unreachable_server_is_an_error_and_not_an_empty_memory():
    nowhere = RedisCheckpointer(Redis(unix_socket_path="/nonexistent/socket"))
    with pytest.raises(RedisDown):
        await nowhere.aget_tuple({"configurable": {"thread_id": "c"}})
