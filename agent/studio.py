"""The graph for LangGraph Studio, made of the environment (langgraph.json points here)."""

from __future__ import annotations

import os
from typing import Any

from langgraph.graph.state import CompiledStateGraph  # pyright: ignore[reportMissingTypeStubs] - LangGraph does not mark this part as typed

from agent.documents import folder
from agent.graph import build
from agent.model_options import GEMINI_MODEL, OPENAI_MODEL
from agent.models.chat import OFFLINE, Models, ProviderAccess
from agent.models.offline import offline_model
from agent.state import Inbound


def from_environment() -> CompiledStateGraph[Any, Any, Any, Any]:
    """The graph for Studio: keys from the environment, the documents of STUDIO_DOCUMENTS or the sample shop,
    no Redis and no WhatsApp."""
    openai, gemini = (
        os.environ.get("OPENAI_API_KEY"),
        os.environ.get("GEMINI_API_KEY") or os.environ.get("GOOGLE_API_KEY"),
    )
    by_key = (
        f"openai:{os.environ.get('OPENAI_MODEL') or OPENAI_MODEL}"
        if openai
        else f"google_genai:{os.environ.get('GEMINI_MODEL') or GEMINI_MODEL}"
        if gemini
        else OFFLINE
    )
    access = ProviderAccess(
        openai, os.environ.get("OPENAI_BASE_URL"), gemini, os.environ.get("GEMINI_BASE_URL")
    )
    models = Models(
        offline_model(), os.environ.get("CHAT_MODEL") or by_key, os.environ.get("FALLBACK_MODEL"), access
    )
    return build(models, folder(os.environ.get("STUDIO_DOCUMENTS") or None), form=Inbound)


graph = from_environment()
