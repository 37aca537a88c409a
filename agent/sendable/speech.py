"""Whether a bot's replies are spoken, and in which voice."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class Speech(BaseModel):
    """Voice replies of one bot."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    when: Literal["never", "after_voice", "always"] = Field(
        default="never", description="After a voice message of the customer, always, or never."
    )
    voice: str = Field(
        default="",
        pattern=r"^[A-Za-z0-9_-]{0,64}$",
        description="A voice of the speech model: of OpenAI's, such as coral, nova, onyx or sage, or of "
        "Gemini's, such as Kore, Puck or Aoede; empty: coral or Kore.",
    )
    manner: str = Field(
        default="", max_length=500, description="How it speaks, such as: calm and friendly, not too fast."
    )
