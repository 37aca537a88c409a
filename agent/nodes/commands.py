"""What is answered without a model: /reset, /history, /info, opt-out words, and nothing at all."""

from __future__ import annotations

from typing import Any, Literal

from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, RemoveMessage
from langgraph.graph.message import REMOVE_ALL_MESSAGES
from langgraph.runtime import Runtime
from langgraph.types import Command

from agent.context import Context
from agent.language import language_of
from agent.phrases import say
from agent.screens import is_start, is_stop
from agent.state import State, burst, burst_text, text_of

HISTORY = 10
STOPPED = "stopped"

Next = Literal["moderate", "extract", "retrieve", "__end__"]


async def commands(state: State, runtime: Runtime[Context]) -> Command[Next]:
    """Starts every turn: clears what the last one worked out, hears the language, answers commands."""
    said, profile = burst_text(state), state.get("profile", {})
    language = language_of(said, profile.get("language") or "")
    fresh: dict[str, Any] = {
        "replies": [],
        "passages": [],
        "verdict": "answer",
        "reason": "",
        "model": "",
        "forget": False,
    }
    if not burst(state) or state.get("owner") == "person":
        return Command(update={**fresh, "verdict": "silent"}, goto="__end__")
    command = text_of(burst(state)[-1]).strip()
    answer = _answer(command, state, runtime.context, language)
    if answer is not None:
        answer.setdefault("messages", [AIMessage(text) for text in answer["replies"]])
        return Command(update={**fresh, "model": "commands", **answer}, goto="__end__")
    if profile.get("consent") == STOPPED:
        return Command(update={**fresh, "verdict": "silent"}, goto="__end__")
    known = {"language": language} if language != profile.get("language") else {}
    return Command(update={**fresh, "profile": known}, goto=["moderate", "extract", "retrieve"])


def _answer(command: str, state: State, context: Context, language: str) -> dict[str, Any] | None:
    profile = {name: value for name, value in state.get("profile", {}).items() if value}
    word = command.casefold()
    if word == "/reset":
        forgotten = dict.fromkeys((name for name in profile if name not in ("language", "consent")), None)
        return {
            "replies": [say("reset", language, context.business)],
            "messages": [RemoveMessage(id=REMOVE_ALL_MESSAGES)],
            "summary": "",
            "profile": forgotten,
            "forget": True,
        }
    if word == "/history":
        return {"replies": [_history(state.get("messages", [])) or say("no_history", language)]}
    if word == "/info":
        return {"replies": [_info(state, context, profile)]}
    if is_stop(command):
        return {"replies": [say("stopped", language)], "profile": {"consent": STOPPED}}
    if is_start(command) and profile.get("consent") == STOPPED:
        return {"replies": [say("started", language)], "profile": {"consent": None}}
    return None


def _history(messages: list[AnyMessage]) -> str:
    spoken = [m for m in messages[:-1] if isinstance(m, HumanMessage) or (isinstance(m, AIMessage) and text_of(m))]
    lines = [f"{'>' if isinstance(m, HumanMessage) else '<'} {text_of(m)[:200]}" for m in spoken[-HISTORY:]]
    return "\n".join(lines)


def _info(state: State, context: Context, profile: dict[str, str]) -> str:
    known = ", ".join(f"{name}: {value}" for name, value in sorted(profile.items())) or "-"
    rows = [
        f"*{context.business}*",
        f"model: {context.model}",
        f"messages remembered: {len(state.get('messages', []))}",
        f"known: {known}",
        f"still to ask: {', '.join(context.missing(profile)) or '-'}",
    ]
    return "\n".join(rows)
