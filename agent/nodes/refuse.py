"""One polite sentence for what the agent does not do."""

from __future__ import annotations

from typing import Any

from langchain_core.messages import AIMessage
from langgraph.runtime import Runtime

from agent.context import Context
from agent.phrases import say
from agent.state import State


async def refuse(state: State, runtime: Runtime[Context]) -> dict[str, Any]:
    """Never says why in detail: that would teach how to get round it."""
    language = state.get("profile", {}).get("language") or "en"
    phrase = "not_client" if state.get("reason") == "not a client" else "refusal"
    text = say(phrase, language, runtime.context.business)
    return {"messages": [AIMessage(text)], "replies": [*state.get("replies", []), text], "model": "refuse"}
