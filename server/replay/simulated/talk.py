"""New saved conversations, by talking: somebody says a line, the agent answers, and both are kept."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from server.replay.heard import Played, PlayedTurn
from server.replay.play import Playing, Talk
from server.replay.saved import BadConversation, SavedConversation, Turn, conversation_file
from server.replay.tape import Recorded, Tape

# What is said next, after what has been heard so far; None when there is no more to say.
Speaker = Callable[[Sequence[PlayedTurn]], Awaitable[str | None]]


@dataclass(frozen=True, slots=True)
class Talked:
    """A conversation that has just been had."""

    file: str
    tape: Recorded
    played: Played


async def talked(name: str, head: dict[str, Any], speaker: Speaker, playing: Playing, most: int) -> Talked:
    """At most `most` turns between a speaker and the agent; `head` is the file without its turns. Raises
    BadConversation when nothing was said."""
    first = SavedConversation.model_validate({**head, "turns": [{"user": "-"}]})
    talk = Talk(name, first, Tape(mode="record"), playing)
    turns: list[dict[str, Any]] = []
    heard: list[PlayedTurn] = []
    while len(turns) < most and (line := await speaker(heard)) is not None:
        if not line.strip():
            continue
        went = await talk.take(Turn.model_validate({"user": line.strip()}))
        turns.append({"user": line.strip(), "expect": _expect(went)})
        heard.append(went)
    if not turns:
        raise BadConversation(f"{name}: nothing was said, so nothing is saved")
    file = conversation_file({**head, "turns": turns})
    tape = talk.tape.recorded(talk.models.default, talk.models.fallback or "")
    return Talked(file, tape, Played(name=name, about=head["about"], turns=tuple(heard)))


def _expect(heard: PlayedTurn) -> dict[str, Any]:
    """What a person would want to keep an eye on; they change it by hand."""
    expect: dict[str, Any] = {"route": list(heard.route)}
    if heard.tools:
        expect["tools"] = [dict(call) for call in heard.tools]
    return expect
