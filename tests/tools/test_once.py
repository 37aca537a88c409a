"""A tool call of a turn is made once, however often the turn runs."""

from __future__ import annotations

from typing import Any

from langchain_core.messages import HumanMessage, ToolMessage
from langgraph.types import Command

from agent.tool_calls import call_key, once


class Notes:
    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}

    async def read(self, key: str) -> bytes | None:
        return self.kept.get(key)

    async def write(self, key: str, answer: bytes) -> None:
        self.kept[key] = answer


class Tool:
    """Counts its calls."""

    def __init__(self, answer: Any) -> None:
        self.answer, self.calls = answer, 0

    async def __call__(self) -> Any:
        self.calls += 1
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


async def test_the_answer_on_record_is_given_to_the_new_call():
    notes, tool = Notes(), Tool(ToolMessage("booked for 10:00", tool_call_id="call_1", name="book"))
    first = await once(notes, "key", "call_1", tool)
    again = await once(notes, "key", "call_2", tool)
    assert tool.calls == 1
    assert isinstance(first, ToolMessage) and isinstance(again, ToolMessage)
    assert (again.content, again.tool_call_id, again.name) == ("booked for 10:00", "call_2", "book")


async def test_a_tool_that_changes_the_state_does_so_again_without_being_called():
    update = {"owner": "person", "messages": [HumanMessage("x"), ToolMessage("noted", tool_call_id="call_1")]}
    notes, tool = Notes(), Tool(Command(update=update))
    await once(notes, "key", "call_1", tool)
    again = await once(notes, "key", "call_2", tool)
    assert tool.calls == 1 and isinstance(again, Command)
    assert again.update["owner"] == "person" and again.update["messages"][1].tool_call_id == "call_2"  # pyright: ignore[reportOptionalSubscript]


async def test_what_failed_may_be_tried_again():
    notes = Notes()
    refused = Tool(ToolMessage("no", tool_call_id="1", status="error"))
    for _ in range(2):
        await once(notes, "key", "1", refused)
    assert refused.calls == 2


def test_keys_tell_calls_apart_and_not_the_order_of_arguments():
    same = {
        call_key("c", ["m"], "book", {"day": 1, "hour": 2}),
        call_key("c", ["m"], "book", {"hour": 2, "day": 1}),
    }
    others = {
        call_key("d", ["m"], "book", {}),
        call_key("c", ["m", "n"], "book", {}),
        call_key("c", ["m"], "call", {}),
        call_key("c", ["m"], "book", {"day": 2}),
    }
    assert len(same) == 1 and len(others) == 4
