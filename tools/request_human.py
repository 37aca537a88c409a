"""Hands the conversation to a person."""

from __future__ import annotations

from typing import Annotated

from langchain_core.messages import ToolMessage
from langchain_core.tools import InjectedToolCallId, tool
from langgraph.types import Command


@tool
async def request_human(reason: str, tool_call_id: Annotated[str, InjectedToolCallId]) -> Command[str]:
    """Pass the conversation to a colleague: the customer asks for a person, is upset, or you cannot help.

    `reason` is a short note for the colleague.
    """
    note = ToolMessage(
        "A colleague has been notified and will write here.", tool_call_id=tool_call_id, name="request_human"
    )
    return Command(update={"owner": "person", "reason": reason[:200], "messages": [note]})
