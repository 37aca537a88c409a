"""Turns that were given up on, as operators see them."""

from __future__ import annotations

from pydantic import Field, ValidationError

from server.store.dead_letters import GivenUpTurn
from server.store.records import Record


class UnansweredMessage(Record):
    """A message of a turn that was given up on. What cannot be read of it is empty."""

    id: str = Field(default="", description="The provider's id")
    kind: str = Field(default="", description="What sort of message: `text`, `image`, ...")
    text: str = Field(default="", description="Its words")
    timestamp: int = Field(default=0, description="When it was sent, Unix seconds")


class DeadLetter(Record):
    """A turn that was given up on after all tries."""

    id: str = Field(description="The turn")
    bot_id: str = Field(description="Its bot")
    conversation_id: str = Field(description="Its conversation")
    at: int = Field(description="When it was given up on, Unix milliseconds")
    reason: str = Field(default="", description="Why it could not be done")
    messages: list[UnansweredMessage] = Field(description="What nobody has answered")


def readable_letter(turn: GivenUpTurn) -> DeadLetter:
    """A dead letter whose messages can be read: what was given up on."""
    messages = [_message(raw) for raw in turn.batch]
    return DeadLetter(messages=messages, **turn.model_dump(exclude={"batch"}))


def _message(raw: str) -> UnansweredMessage:
    try:
        return UnansweredMessage.model_validate_json(raw)
    except ValidationError:  # that it cannot be read is what the letter is there to show
        return UnansweredMessage()
