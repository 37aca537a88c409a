"""How one bot wants its chat model to be asked."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal, Self, get_args

from pydantic import BaseModel, ConfigDict, Field, model_validator

Effort = Literal["none", "minimal", "low", "medium", "high", "xhigh"]
# Asked where only the key of a provider is set.
OPENAI_MODEL, GEMINI_MODEL = "gpt-4.1-mini", "gemini-3.1-flash-lite"
EFFORTS: tuple[str, ...] = get_args(Effort)
_NAME = re.compile(r"[a-z][a-z0-9_]*:\S.*")


def is_name(name: str) -> bool:
    """Whether a text can name a model: PROVIDER:NAME, or offline."""
    return name == "offline" or bool(_NAME.fullmatch(name))


class ModelOptions(BaseModel):
    """Options of a bot's chat model; what is not set is left to the provider. An option that the model turns
    out not to take is left out from then on, and shown by `salesgraph doctor --ask` and on the page of the
    bot."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    temperature: float | None = Field(
        default=None, ge=0, le=2, description="Of replies; 0: the likeliest words."
    )
    reasoning_effort: Effort | None = Field(
        default=None, description="How long a reasoning model thinks, in every call."
    )
    max_tokens: int | None = Field(
        default=None,
        ge=16,
        le=100_000,
        description="Of one reply, thoughts included; a reply that is cut counts as none.",
    )
    timeout: float | None = Field(
        default=None, gt=0, le=300, description="Seconds one call may take; empty: MODEL_TIMEOUT."
    )
    api: Literal["auto", "chat", "responses"] = Field(
        default="auto",
        description="OpenAI's interface: auto is chat completions, and Responses for models that need it.",
    )
    stored_prompt: str = Field(
        default="",
        pattern=r"^(pmpt_[\w-]{1,100})?$",
        description="Id of a prompt kept at OpenAI, for replies.",
    )
    stored_prompt_version: str = Field(
        default="", max_length=20, description="Its version; empty: the current one."
    )

    @model_validator(mode="after")
    def _fit_together(self) -> Self:
        if self.stored_prompt and self.api == "chat":
            raise ValueError("a stored_prompt needs the Responses interface; set api to responses or auto")
        if self.stored_prompt_version and not self.stored_prompt:
            raise ValueError("stored_prompt_version needs a stored_prompt")
        return self

    def of_small(self) -> ModelOptions:
        """What holds for calls that write no reply as well."""
        api = "responses" if self.stored_prompt else self.api
        return ModelOptions(reasoning_effort=self.reasoning_effort, timeout=self.timeout, api=api)


@dataclass(frozen=True, slots=True)
class CallSettings:
    """How one call of a model is made. `purpose` names it on the bill; `cheaper` and `fallback` are the
    models that may answer in its place (empty: those of the settings); `timeout` is in seconds for one try of
    one model, `within` in seconds for all of it. `stood_in`: the offline model called the tools in this turn,
    and answers from what they said."""

    purpose: str = ""
    cheaper: str = ""
    fallback: str = ""
    options: ModelOptions = field(default_factory=ModelOptions)
    timeout: float | None = None
    within: float | None = None
    stood_in: bool = False
