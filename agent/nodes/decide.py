"""Where screening, notes and passages meet: who answers?"""

from __future__ import annotations

from typing import Literal

from langgraph.types import Command

from agent.state import State


async def decide(state: State) -> Command[Literal["sell", "follow_up", "refuse", "handoff", "remember"]]:
    """The sales agent, unless the moderator said otherwise."""
    if state.get("touch"):
        return Command(goto="follow_up")
    verdict = state.get("verdict", "answer")
    if verdict == "silent":
        return Command(goto="remember")
    return Command(goto="refuse" if verdict == "refuse" else "handoff" if verdict == "handoff" else "sell")
