"""What is answered without a model: /reset, /history, /info, opt-out words, and nothing at all."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Literal

from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, RemoveMessage
from langgraph.config import get_config
from langgraph.graph.message import REMOVE_ALL_MESSAGES  # pyright: ignore[reportMissingTypeStubs] - LangGraph does not mark this part as typed
from langgraph.runtime import Runtime
from langgraph.types import Command

from agent.access_lists import is_ignored
from agent.context import PROFILE_FIELDS, Context
from agent.language.detect import language_of
from agent.language.phrases import Phrase, say, was_said
from agent.language.screens import asks_for_person, is_media_only, is_pleasantry, is_start, says_stop
from agent.language.wishes import request_in
from agent.memory import notes
from agent.ordering.taps import cart_tap, version_shown
from agent.state import State, burst, names_taken_back, text_of, without_notes
from agent.tapping.form_answers import asked_again

HISTORY = 10
STOPPED = "stopped"
COMMANDS = ("/reset", "/history", "/info")

_FRESH = {
    "verdict": "answer",
    "reason": "",
    "model": "",
    "draft": "",
    "complaint": "",
    "task": "",
    "topic": "",
    "session_from": "",
    "decision": "",
}

# A file as `server.pipeline.inputs` marks it when it cannot be used, with the phrase that says so.
_UNUSABLE = re.compile(
    r"\[(?:audio|image|video|document|unsupported)\b[^\]\n]*: (unheard|too_large|media|unreadable)\]"
)

Next = Literal["moderate", "extract", "retrieve", "cart", "remember"]


async def commands(state: State, runtime: Runtime[Context]) -> Command[Next]:
    """Starts every turn: clears what the last one worked out, hears the language, answers commands.

    A command in the middle of other messages is answered first, and they go on to the agent.
    """
    gone = _taken_back(state["messages"])
    ordered = [
        said
        for m in state["messages"]
        if m.id in gone and request_in(said := without_notes(text_of(m))) == "order"
    ]
    if gone:
        kept = [message for message in state["messages"] if message.id not in gone]
        state = {**state, "messages": kept}
    decided = _decided(state, runtime.context)
    if runtime.store and not runtime.context.keep_notes and _resets(state):
        whose = str(get_config().get("configurable", {}).get("thread_id", ""))
        await notes.forget_notes(runtime.store, state.get("bot_id", "default"), whose)
    update: dict[str, Any] = decided.update  # pyright: ignore[reportAssignmentType] - always made here
    if ordered:  # it may be on the list of the people at the business already
        update["task"] = f"has deleted what they wrote: {' / '.join(ordered)[:300]}"
    if gone:
        update["messages"] = [*(RemoveMessage(id=id) for id in gone), *update.get("messages", [])]
    return decided


def _resets(state: State) -> bool:
    return any(_command(message) == "/reset" for message in burst(state))


def _taken_back(messages: Sequence[AnyMessage]) -> list[str]:
    """The ids of messages that the contact took back, and of those that say so."""
    named = {names_taken_back(message) for message in messages} - {""}
    return [
        str(m.id) for m in messages if names_taken_back(m) or (isinstance(m, HumanMessage) and m.id in named)
    ]


def _decided(state: State, context: Context) -> Command[Next]:
    waiting, profile = burst(state), state.get("profile", {})
    words = "\n".join(without_notes(text_of(message)) for message in waiting).strip()
    language = language_of(words, profile.get("language") or "")
    fresh: dict[str, Any] = {
        **_FRESH,
        "replies": [],
        "passages": [],
        "checked": [],
        "backed": [],
        "prompts": [],
        "said_in": {},
        "shown": [],
        "presented": [],
        "cart_seen": version_shown(state.get("presented", [])),
    }
    form = state.get("form")
    fresh["task"] = form["task"] if form else ""
    if waiting and state.get("idle_minutes", 0) >= context.session_minutes:
        fresh["session_from"] = str(waiting[0].id)
    if says_stop([text_of(message) for message in waiting]):
        return _answered(fresh, say("stopped", language), profile={"consent": STOPPED, "language": language})
    stopped = profile.get("consent") == STOPPED
    if stopped and any(is_start(text_of(message)) for message in waiting):
        return _answered(fresh, say("started", language), profile={"consent": None})
    ignored = is_ignored(context.respond_to_whitelist, context.ignore, state.get("identity", ""))
    if not waiting and state.get("touch") and not (stopped or ignored) and state.get("owner") != "person":
        return Command(update={**fresh, "verdict": "answer"}, goto="retrieve")
    if stopped and not ignored and state.get("owner") != "person":
        fresh["task"] = _for_people(words)
        if _asks_after_stop(waiting, state["messages"]):
            return _answered(fresh, say("write_start", language), profile={"language": language})
    if not waiting or stopped or ignored or state.get("owner") == "person":
        return Command(update={**fresh, "verdict": "silent"}, goto="remember")
    if said := _one_line(fresh, state, context, language):
        return said
    given = [message for message in waiting if _command(message)]
    if given:
        return _carried_out(fresh, state, context, language, given, [m for m in waiting if not _command(m)])
    known = {"language": language} if language != profile.get("language") else {}
    if context.orders.taking and any(cart_tap(m, fresh["cart_seen"]) for m in waiting):
        return Command(update={**fresh, "profile": known}, goto="cart")
    return Command(update={**fresh, "profile": known}, goto=["moderate", "extract", "retrieve"])


def _one_line(fresh: dict[str, Any], state: State, context: Context, language: str) -> Command[Next] | None:
    """The one clear line that is the whole reply to files that nobody can open, and to forms whose answers
    cannot be used; beside other words the line on a form goes before what the agent answers."""
    if unusable := _unusable(burst(state)):
        if unusable == "unreadable" and was_said("unreadable", state["messages"]):
            return Command(update={**fresh, "verdict": "silent"}, goto="remember")
        return _answered(fresh, say(unusable, language))
    form = state.get("form")
    if again := asked_again(form, context, language):
        if form and form["alone"]:
            return _answered(fresh, again)
        fresh["replies"] = [again]
    return None


def _asks_after_stop(waiting: Sequence[AnyMessage], messages: Sequence[AnyMessage]) -> bool:
    """Whether somebody who wants no messages asks for something, and has not been told yet what would bring
    an answer."""
    if all(is_pleasantry(text_of(m)) or is_media_only(text_of(m)) for m in waiting):
        return False
    since = next((n for n in range(len(messages) - 1, -1, -1) if was_said("stopped", messages[n : n + 1])), 0)
    return not was_said("write_start", messages[since:])


def _for_people(words: str) -> str:
    """What somebody who wants no messages asks of the people of the shop, who may write to them by other
    ways; empty where they ask for nothing."""
    asked = "asks for a person" if asks_for_person(words) else request_in(words)
    return f"wrote after STOP, and is not answered ({asked}): {words[:300]}" if asked else ""


def _unusable(waiting: Sequence[AnyMessage]) -> Phrase | None:
    """The one clear line for files that nobody can open or hear, when nothing else was said."""
    found = [_UNUSABLE.fullmatch(text_of(message).strip()) for message in waiting]
    return found[-1].group(1) if found[-1] and all(found) else None  # pyright: ignore[reportReturnType] - a phrase by the pattern


def _answered(fresh: dict[str, Any], text: str, **update: Any) -> Command[Next]:
    update = {**fresh, "model": "commands", "messages": [AIMessage(text)], "replies": [text], **update}
    return Command(update=update, goto="remember")


def _command(message: AnyMessage) -> str:
    word = text_of(message).strip().casefold()
    return word if word in COMMANDS else ""


def _carried_out(
    fresh: dict[str, Any],
    state: State,
    context: Context,
    language: str,
    given: Sequence[AnyMessage],
    rest: Sequence[AnyMessage],
) -> Command[Next]:
    """Answer the commands; what else was said goes on to the agent, without them in its memory."""
    profile = {name: value for name, value in state.get("profile", {}).items() if value}
    words = list(dict.fromkeys(_command(message) for message in given))
    texts = {
        "/reset": lambda: say("reset", language, context.business),
        "/history": lambda: (
            _history(state.get("messages", []), len(given) + len(rest)) or say("no_history", language)
        ),
        "/info": lambda: _info(state, context, profile),
    }
    replies = [texts[word]() for word in words]
    update: dict[str, Any] = {**fresh, "model": "commands", "replies": replies}
    update["messages"] = (
        [RemoveMessage(id=m.id) for m in given if m.id] if rest else [AIMessage(text) for text in replies]
    )
    if "/reset" in words:
        kept = [HumanMessage(text_of(message), id=message.id) for message in rest]
        update["messages"] = [RemoveMessage(id=REMOVE_ALL_MESSAGES), *kept]
        update |= {"summary": "", "cited": []}
    return Command(update=update, goto=["moderate", "extract", "retrieve"] if rest else "remember")


def _history(messages: Sequence[AnyMessage], waiting: int) -> str:
    spoken = [m for m in messages if isinstance(m, HumanMessage) or (isinstance(m, AIMessage) and text_of(m))]
    before = spoken[: len(spoken) - waiting][-HISTORY:]
    return "\n".join(f"{'>' if isinstance(m, HumanMessage) else '<'} {text_of(m)[:200]}" for m in before)


def _info(state: State, context: Context, profile: dict[str, str]) -> str:
    shown = ("class", "stage", *PROFILE_FIELDS, *(field.name for field in context.custom_fields), "language")
    known = ", ".join(f"{name}: {profile[name]}" for name in shown if name in profile) or "-"
    rows = [
        f"*{context.business}*",
        f"model: {context.model}",
        f"messages remembered: {len(state.get('messages', []))}",
        f"known: {known}",
        f"still to ask: {', '.join(context.missing(profile)) or '-'}",
    ]
    return "\n".join(rows)
