"""One polite sentence for what the agent does not do."""

from __future__ import annotations

from typing import Any

from langchain_core.messages import AIMessage
from langgraph.runtime import Runtime

from agent.access_lists import TURNED_AWAY
from agent.context import Context
from agent.language.phrases import say
from agent.state import State


async def refuse(state: State, runtime: Runtime[Context]) -> dict[str, Any]:
    """Never says why in detail: that would teach how to get round it. Somebody who is no client hears it
    once."""
    language, context = state.get("profile", {}).get("language") or "en", runtime.context
    turned_away = state.get("reason") == "not a client"
    text = (context.not_client_reply if turned_away else "") or say(
        "not_client" if turned_away else "refusal", language, context.business
    )
    return {
        "messages": [AIMessage(text)],
        "replies": [*state.get("replies", []), text],
        "model": "refuse",
        "profile": {TURNED_AWAY: "yes"} if turned_away else {},
    }
