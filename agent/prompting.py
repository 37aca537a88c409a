"""How state and messages are laid into a prompt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, SystemMessage, ToolMessage

from agent.opening import Opening
from agent.state import Quoted, text_of, untagged

# What a model can see of an image or a file, as content blocks.
Blocks = list[dict[str, Any]]

# Name of the system message that holds what is true in one turn alone. It stands behind the history, so that
# everything before it stays the same from turn to turn, which providers' prompt caches go by.
TURN = "turn"


def with_turn(rules: str, messages: Sequence[AnyMessage], turn: str, first: str) -> list[AnyMessage]:
    """The messages of a call: the rules, the history, what is true in this turn, and what has been said in it
    since the message whose id is `first`."""
    place = next((n for n, message in enumerate(messages) if message.id == first), len(messages))
    note = SystemMessage(turn, name=TURN)
    return [SystemMessage(rules), *messages[:place], note, *messages[place:]]


def with_attachments(messages: Sequence[AnyMessage], attachments: Mapping[str, Blocks]) -> list[AnyMessage]:
    """The messages with the images and files that belong to them, for a model that can see."""
    return [
        message.model_copy(
            update={"content": [{"type": "text", "text": text_of(message)}, *attachments[str(message.id)]]}
        )
        if isinstance(message, HumanMessage) and str(message.id) in attachments
        else message
        for message in messages
    ]


def fenced(passage: Quoted) -> str:
    """A passage between tags that its own text cannot close."""
    text = untagged(passage["text"])
    name = untagged(passage["document"].replace('"', "'"))
    match = "strong" if passage["strong"] else "weak"
    place = f'document="{name}" page="{passage["page"]}" language="{passage["language"]}"'
    return f'<passage {place} match="{match}">\n{text}\n</passage>'


def answerable(messages: Sequence[AnyMessage]) -> list[AnyMessage]:
    """The messages as providers accept them: every tool call followed by its answers, no answer without its
    call.

    A crash can leave a call without an answer; sent like that, the conversation would be refused for ever.
    """
    answers = {m.tool_call_id: m for m in messages if isinstance(m, ToolMessage)}
    kept: list[AnyMessage] = []
    for message in messages:
        if isinstance(message, ToolMessage):
            continue
        if isinstance(message, AIMessage) and message.tool_calls:
            ids = [call["id"] for call in message.tool_calls]
            if all(i in answers for i in ids):
                kept += [message, *(answers[i] for i in ids if i)]
            continue
        kept.append(message)
    return kept


def opening_words(opening: Opening | None) -> str:
    """The opening hours as a prompt states them."""
    if opening is None:
        return "not set: say only what the facts or passages say"
    hours = f"open {opening['days']}, {opening['start']} to {opening['end']}"
    if not opening["until"]:
        return hours
    if opening["open"]:
        return f"{hours}; open now, until {opening['until']}, today"
    return f"{hours}; closed now, opens {opening['until']}"
