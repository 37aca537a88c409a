"""How a bot speaks: its name, tone and goal, what it does and does not, good replies, when a person is
needed, and what it leaves alone. Part of the bot's settings; three presets to begin with."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field

PRESETS = Path(__file__).parent / "voices"

Preset = Literal["", "warm", "brief", "expert"]
Line = Annotated[str, Field(min_length=1, max_length=300)]


class Example(BaseModel):
    """A message, and how this bot would answer it well."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    customer: Line
    reply: Annotated[str, Field(min_length=1, max_length=600)]


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
    dos: tuple[Line, ...] = Field(default=(), max_length=12, description="What it does, a line each.")
    donts: tuple[Line, ...] = Field(
        default=(), max_length=12, description="What it does not do, a line each."
    )
    examples: tuple[Example, ...] = Field(
        default=(), max_length=8, description="Messages of customers with good replies."
    )
    escalate: tuple[Line, ...] = Field(
        default=(), max_length=12, description="When it calls a person, a line each."
    )
    forbidden: tuple[Line, ...] = Field(default=(), max_length=20, description="What it does not talk about.")

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
