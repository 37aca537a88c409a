"""What can be set per run. Every field is a knob of a bot, and Studio shows it on its node."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from agent.prompts import placeholders, read

PROFILE_FIELDS = ("name", "last_name", "company", "email", "phone")


def _prompt(node: str) -> Any:
    return Field(
        read(node),
        title=f"Prompt of {node}",
        description=f"What `{node}` tells the model; may hold {_holes(node)}.",
        json_schema_extra={"langgraph_nodes": [node], "langgraph_type": "prompt"},
    )


def _holes(node: str) -> str:
    return ", ".join(f"{{{hole}}}" for hole in sorted(placeholders(read(node))))


def _knob(default: Any, *nodes: str, **rules: Any) -> Any:
    return Field(default, json_schema_extra={"langgraph_nodes": list(nodes)}, **rules)


class Context(BaseModel):
    """The settings of one bot that the graph reads."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    business: str = _knob(
        "our shop",
        "sell",
        "moderate",
        "extract",
        title="Business",
        max_length=500,
        description="Name of the business and what it sells, in one line.",
    )
    model: str = _knob(
        "auto",
        "moderate",
        "extract",
        "sell",
        "remember",
        title="Chat model",
        description="openai:NAME, google_genai:NAME, offline, or auto for the one of the settings.",
    )
    sell_prompt: str = _prompt("sell")
    moderate_prompt: str = _prompt("moderate")
    extract_prompt: str = _prompt("extract")
    remember_prompt: str = _prompt("remember")
    passages: int = _knob(5, "retrieve", ge=1, le=20, title="Passages", description="How many the sales agent sees.")
    tools: list[str] = _knob(
        ["*"], "sell", "tools", title="Tools", description="Names or patterns of the tools the agent may call."
    )
    tool_rounds: int = _knob(
        3, "sell", ge=0, le=10, title="Tool rounds", description="Most rounds of tool calls in a turn."
    )
    profile_fields: list[str] = _knob(
        ["name", "email", "company", "phone"],
        "extract",
        "sell",
        title="Profile fields",
        description="What the agent asks for when it is missing, in this order.",
    )
    window: int = _knob(
        24, "remember", ge=4, le=200, title="Messages remembered", description="More than these become a summary."
    )
    window_characters: int = _knob(
        24_000,
        "remember",
        ge=1_000,
        title="Characters remembered",
        description="A bound on the window whatever its messages hold.",
    )

    @model_validator(mode="after")
    def _placeholders_are_known(self) -> Self:
        """A typo such as {buisness} is an error here, not an apology to a customer."""
        for name in ("sell", "moderate", "extract", "remember"):
            try:
                unknown = placeholders(getattr(self, f"{name}_prompt")) - placeholders(read(name))
            except ValueError as error:
                raise ValueError(f"{name}_prompt: {error}; write {{{{ and }}}} for braces that stay") from None
            if unknown:
                holes = ", ".join(f"{{{hole}}}" for hole in sorted(unknown))
                raise ValueError(f"{name}_prompt has unknown {holes}; it may hold {_holes(name)}")
        return self

    def missing(self, profile: dict[str, str]) -> list[str]:
        """The profile fields still to be asked for, in order."""
        return [field for field in self.profile_fields if not profile.get(field)]


Rows = list[dict[str, str]]

# The price list of the bot whose turn this is; the graph sets it before it runs a tool.
price_list: ContextVar[Rows] = ContextVar("price_list")

# The same for a tool call however often its turn is run again; a tool that books or pays elsewhere passes it on.
idempotency_key: ContextVar[str] = ContextVar("idempotency_key", default="")
