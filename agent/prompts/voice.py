"""How a bot speaks: its name, tone and goal, what it does and does not, good replies, when a person is
needed, and what it leaves alone. Part of the bot's settings; three presets to begin with."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

PRESETS = Path(__file__).parent / "voices"

Preset = Literal["", "warm", "brief", "expert"]
Line = Annotated[str, Field(min_length=1, max_length=300)]
# Between a customer's message and its reply, where an example is written as one line.
ARROW = "=>"


def _lines(given: object) -> object:
    """The lines of a text, as a form sends them."""
    return (
        tuple(line.strip() for line in given.splitlines() if line.strip())
        if isinstance(given, str)
        else given
    )


def _pairs(given: object) -> object:
    """Examples out of the lines of a text, `message => reply`. Raises ValueError."""
    if not isinstance(given, str):
        return given
    pairs = [line.partition(ARROW) for line in given.splitlines() if line.strip()]
    if wrong := [message for message, arrow, _ in pairs if not arrow]:
        raise ValueError(f"{wrong[0]!r}: write an example as MESSAGE {ARROW} REPLY, a line each")
    return tuple({"customer": message.strip(), "reply": reply.strip()} for message, _, reply in pairs)


Lines = Annotated[tuple[Line, ...], BeforeValidator(_lines)]


class Example(BaseModel):
    """A message, and how this bot would answer it well."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    customer: Line = Field(description="What a customer writes")
    reply: Annotated[str, Field(min_length=1, max_length=600, description="A good answer to it")]


class Voice(BaseModel):
    """How a bot speaks. What is left out is the preset's."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    preset: Preset = Field(
        default="", description="warm, brief or expert: a voice to begin with; empty: none."
    )
    name: str = Field(
        default="", max_length=60, description="What the assistant is called; empty: it has no name."
    )
    tone: str = Field(default="", max_length=300, description="How it sounds.")
    goal: str = Field(default="", max_length=300, description="What a conversation is to lead to.")
    dos: Lines = Field(default=(), max_length=12, description="What it does, a line each.")
    donts: Lines = Field(default=(), max_length=12, description="What it does not do, a line each.")
    examples: Annotated[tuple[Example, ...], BeforeValidator(_pairs)] = Field(
        default=(), max_length=8, description="Messages of customers with good replies."
    )
    escalate: Lines = Field(default=(), max_length=12, description="When it calls a person, a line each.")
    forbidden: Lines = Field(default=(), max_length=20, description="What it does not talk about.")

    @property
    def whole(self) -> Voice:
        """The voice with what its preset adds."""
        if not self.preset:
            return self
        own = {name: getattr(self, name) for name in type(self).model_fields if getattr(self, name)}
        return preset(self.preset).model_copy(update=own)

    def words(self) -> str:
        """As the prompt of the sales agent states it: the same text for the same settings."""
        voice = self.whole
        lines = [f"Your name is {voice.name}."] if voice.name else []
        lines += [f"Tone: {voice.tone}."] if voice.tone else []
        lines += [f"Goal: {voice.goal}."] if voice.goal else []
        for title, listed in (
            ("Do", voice.dos),
            ("Do not", voice.donts),
            ("Call a person for", voice.escalate),
            ("Do not talk about", voice.forbidden),
        ):
            if listed:
                lines += [f"{title}:", *(f"- {line}" for line in listed)]
        if voice.examples:
            lines.append("Good replies, for their manner; what they say is no fact:")
            lines += [f"- Customer: {e.customer}\n  You: {e.reply}" for e in voice.examples]
        return "\n".join(lines) or "as the rules above say"


@cache
def preset(name: str) -> Voice:
    """The voice of `prompts/voices/NAME.yaml`."""
    return Voice.model_validate(yaml.safe_load((PRESETS / f"{name}.yaml").read_text(encoding="utf-8")))
