"""A person takes over."""

from __future__ import annotations

from typing import Any

from langchain_core.messages import AIMessage

from agent.language.phrases import say, with_return
from agent.state import State


async def handoff(state: State) -> dict[str, Any]:
    """Tells the contact, and when somebody is there again, and leaves the conversation to a person until they
    hand it back."""
    language = state.get("profile", {}).get("language") or "en"
    text = with_return(say("handed_over", language), language, state.get("back_at") or "")
    return {
        "owner": "person",
        "task": state.get("reason") or "asks for a person",
        "messages": [AIMessage(text)],
        "replies": [*state.get("replies", []), text],
        "model": "handoff",
    }
