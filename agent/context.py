"""What can be set per run. Every field is a knob of a bot, and Studio shows it on its node."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from agent.model_options import CallSettings, ModelOptions, is_name
from agent.ordering.rules import OrderRules
from agent.profile import PROFILE_FIELDS, CustomField
from agent.prompts import placeholders, prompt, version
from agent.prompts.voice import Voice
from agent.sendable.shared import SharedFile, SharedForm
from agent.sendable.speech import Speech

STAGES = ("situation", "problem", "implication", "need_payoff", "closing")
TOPICS = ("price", "comparison", "objection", "next_step")
# The nodes that ask a model, and the knob that names a smaller one for it.
SMALL = ("moderate", "extract", "remember")

# No model reads replies.
OFF = "off"
# Seconds that the reading of a reply may take, whoever reads: a third of what one call of the seller may.
VERIFY_SECONDS = 10.0

# Characters of a prompt: several times the longest of ours, and no more than a model reads for nothing.
LONGEST_PROMPT = 20_000


def _prompt(name: str) -> Any:
    known = prompt(name)
    return Field(
        known.text,
        max_length=LONGEST_PROMPT,
        title=f"Prompt of {name}"
        if known.node == name
        else f"Prompt of {known.node}: {name.replace('_', ' ')}",
        description=f"{known.about} It may hold {_holes(name) or 'no placeholder'}.",
        json_schema_extra={"langgraph_nodes": [known.node], "langgraph_type": "prompt"},
    )


def _holes(name: str) -> str:
    return ", ".join(f"{{{hole}}}" for hole in prompt(name).placeholders)


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
    facts: str = _knob(
        "",
        "sell",
        "ground",
        title="Facts",
        max_length=8_000,
        description="What is always true and may be promised: address, hours, payment, contacts.",
    )
    model: str = _knob(
        "auto",
        "moderate",
        "extract",
        "sell",
        "remember",
        title="Chat model",
        description="PROVIDER:NAME, such as openai:gpt-4.1-mini or anthropic:claude-haiku-4-5; "
        "offline; or auto for the one of the settings.",
    )
    model_options: ModelOptions = _knob(
        ModelOptions(),
        "sell",
        "moderate",
        "extract",
        title="Options of the chat model",
        description="Temperature, reasoning effort, token limit, time limit, interface; what is not "
        "set is the provider's.",
    )
    fallback_model: str = _knob(
        "",
        "sell",
        title="Fallback model",
        description="Asked when the chat model fails; empty: the one of the settings.",
    )
    moderate_model: str = _knob(
        "", "moderate", title="Model of moderate", description="A smaller one; empty: the chat model."
    )
    extract_model: str = _knob(
        "", "extract", title="Model of extract", description="A smaller one; empty: the chat model."
    )
    remember_model: str = _knob(
        "", "remember", title="Model of remember", description="A smaller one; empty: the chat model."
    )
    verify_model: str = _knob(
        "",
        "verify",
        title="Verifier",
        description="Reads every reply that claims something against its evidence, sentence by "
        "sentence, before it is sent. Empty: the model of extract or moderate where one is named, else "
        "the chat model; off: code alone checks, figures only.",
    )
    cheaper_model: str = _knob(
        "",
        "sell",
        title="Cheaper model",
        description="Asked when most of the daily budget is spent; empty: the fallback model.",
    )
    daily_budget: float = _knob(
        0, "sell", ge=0, title="Daily budget", description="US dollars of model calls a day; 0: no limit."
    )
    voice: Voice = _knob(
        Voice(),
        "sell",
        title="Voice",
        description="How the agent speaks: name, tone, goal, what it does and does not, examples of good "
        "replies, when it calls a person, what it does not talk about; `preset` to begin with.",
    )
    sell_prompt: str = _prompt("sell")
    turn_prompt: str = _prompt("turn")
    moderate_prompt: str = _prompt("moderate")
    extract_prompt: str = _prompt("extract")
    ground_prompt: str = _prompt("ground")
    verify_prompt: str = _prompt("verify")
    remember_prompt: str = _prompt("remember")
    situation_prompt: str = _prompt("situation")
    problem_prompt: str = _prompt("problem")
    implication_prompt: str = _prompt("implication")
    need_payoff_prompt: str = _prompt("need_payoff")
    closing_prompt: str = _prompt("closing")
    price_prompt: str = _prompt("price")
    comparison_prompt: str = _prompt("comparison")
    objection_prompt: str = _prompt("objection")
    next_step_prompt: str = _prompt("next_step")
    follow_up_prompt: str = _prompt("follow_up")
    reminder_prompt: str = _prompt("reminder")
    value_prompt: str = _prompt("value")
    social_proof_prompt: str = _prompt("social_proof")
    last_chance_prompt: str = _prompt("last_chance")
    farewell_prompt: str = _prompt("farewell")
    not_client_reply: str = _knob(
        "",
        "refuse",
        title="Line for non-clients",
        max_length=1_000,
        description="Said once; empty: a polite sentence of ours.",
    )
    allow: list[str] = _knob(
        [],
        "moderate",
        title="Allow list",
        description="Numbers or user ids that are always clients; * stands for anything.",
    )
    respond_to_whitelist: list[str] = _knob(
        [],
        "commands",
        title="Answer only these",
        description="Numbers or user ids, and nobody else is answered; * stands for anything; empty: "
        "everybody is.",
    )
    ignore: list[str] = _knob(
        [],
        "commands",
        title="Ignore list",
        description="Numbers or user ids that are never answered; * stands for anything.",
    )
    knowledge_base: str = _knob(
        "",
        "retrieve",
        title="Knowledge base",
        description="The bot whose documents are used; empty: its own.",
    )
    passages: int = _knob(
        5, "retrieve", ge=1, le=20, title="Passages", description="How many the sales agent sees."
    )
    tools: list[str] = _knob(
        ["*"],
        "sell",
        "tools",
        title="Tools",
        description="Names or patterns of the tools the agent may call.",
    )
    tool_rounds: int = _knob(
        3, "sell", ge=0, le=10, title="Tool rounds", description="Most rounds of tool calls in a turn."
    )
    files: list[SharedFile] = _knob(
        [],
        "tools",
        title="Files",
        max_length=30,
        description="Files at public addresses that the agent may send.",
    )
    forms: list[SharedForm] = _knob(
        [], "tools", title="Forms", max_length=30, description="WhatsApp Flows that the agent may send."
    )
    catalogue_id: str = _knob(
        "",
        "ground",
        title="Catalogue",
        pattern=r"^([0-9]{5,32})?$",
        description="Meta's Commerce catalogue of the shop: it is read as knowledge, and products that it "
        "has at the price of the price list go out as WhatsApp's product messages.",
    )
    speech: Speech = _knob(
        Speech(), "remember", title="Voice replies", description="Whether replies are spoken, and how."
    )
    tap_choices: bool = _knob(
        True,
        "ground",
        title="Choices by tap",
        description="Whether what a person would tap goes out as buttons, lists and cards.",
    )
    orders: OrderRules = _knob(
        OrderRules(),
        "cart",
        title="Orders",
        description="Whether orders are taken, what delivery costs, how they are paid.",
    )
    profile_fields: list[str] = _knob(
        ["name", "email", "company", "phone"],
        "extract",
        "sell",
        title="Profile fields",
        description="What the agent asks for when it is missing, in this order; custom fields come "
        "after them.",
    )
    custom_fields: list[CustomField] = _knob(
        [],
        "extract",
        "sell",
        title="Custom fields",
        max_length=30,
        description="Profile fields of this business's own.",
    )
    grounding: bool = _knob(
        True,
        "ground",
        title="Grounding",
        description="Whether every price and promise of a reply must be supported.",
    )
    keep_notes: bool = _knob(
        False,
        "commands",
        title="Keep notes",
        description="Whether what is noted of a customer outlives /reset; a new session never erases it.",
    )
    session_minutes: int = _knob(
        720,
        "remember",
        ge=1,
        title="Session",
        description="A longer pause starts a new session: what was said becomes a summary.",
    )
    handoff_minutes: int = _knob(
        0,
        "commands",
        ge=0,
        title="Handoff pause",
        description="The bot goes on so long after a person last wrote; 0: when handed back.",
    )
    window: int = _knob(
        24,
        "remember",
        ge=4,
        le=200,
        title="Messages remembered",
        description="More than these become a summary.",
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
        for name in [
            field.removesuffix("_prompt") for field in type(self).model_fields if field.endswith("_prompt")
        ]:
            try:
                unknown = placeholders(getattr(self, f"{name}_prompt")) - set(prompt(name).placeholders)
            except ValueError as error:
                raise ValueError(
                    f"{name}_prompt: {error}; write {{{{ and }}}} for braces that stay"
                ) from None
            if unknown:
                holes = ", ".join(f"{{{hole}}}" for hole in sorted(unknown))
                raise ValueError(f"{name}_prompt has unknown {holes}; it may hold {_holes(name) or 'none'}")
        return self

    @field_validator("model", "fallback_model", "cheaper_model", *(f"{node}_model" for node in SMALL))
    @classmethod
    def _is_a_model(cls, name: str) -> str:
        if name not in ("", "auto") and not is_name(name):
            raise ValueError("use PROVIDER:NAME, such as openai:gpt-4.1-mini, or offline")
        return name

    @field_validator("verify_model")
    @classmethod
    def _is_a_verifier(cls, name: str) -> str:
        if name not in ("", "auto", OFF) and not is_name(name):
            raise ValueError("use PROVIDER:NAME, such as openai:gpt-4.1-mini, auto, or off")
        return name

    @model_validator(mode="after")
    def _fields_are_known(self) -> Self:
        names = [field.name for field in self.custom_fields]
        if len(set(names)) < len(names):
            raise ValueError("custom_fields: two have the same name")
        if unknown := [name for name in self.profile_fields if name not in (*PROFILE_FIELDS, *names)]:
            raise ValueError(
                f"profile_fields: {', '.join(unknown)} is neither built in nor among custom_fields"
            )
        into = {field for form in self.forms for field in form.fields.values() if field}
        if strange := sorted(into - {*PROFILE_FIELDS, *names}):
            raise ValueError(
                f"forms: {', '.join(strange)} is no profile field and not among custom_fields; an empty text "
                "leaves an answer in the transcript"
            )
        return self

    def missing(self, profile: Mapping[str, str]) -> list[str]:
        """The profile fields still to be asked for, in order."""
        wanted = dict.fromkeys([*self.profile_fields, *(field.name for field in self.custom_fields)])
        return [field for field in wanted if not profile.get(field)]

    def question(self, field: str) -> str:
        """How the agent may ask for a field; empty where it finds its own words."""
        return next((custom.question for custom in self.custom_fields if custom.name == field), "")

    def versions(self, *names: str) -> list[str]:
        """`NAME@VERSION` of prompts, so that a reply can say which ones wrote it."""
        return [f"{name}@{version(getattr(self, f'{name}_prompt'))}" for name in names]

    def model_of(self, node: str) -> str:
        """The model a node asks."""
        if node == "verify":
            return self.verify_model or self.extract_model or self.moderate_model or self.model
        return (getattr(self, f"{node}_model", "") if node in SMALL else "") or self.model

    @property
    def models(self) -> list[str]:
        """Every model the bot may ask, the chat model first."""
        small = (getattr(self, f"{node}_model") for node in SMALL)
        named = dict.fromkeys(
            (self.model, *small, self.verify_model, self.cheaper_model, self.fallback_model)
        )
        return [name for name in named if name not in ("", "auto", "offline", OFF)]

    @property
    def verifies(self) -> bool:
        """Whether a model reads replies before they are sent."""
        return self.grounding and self.model_of("verify") not in (OFF, "offline")

    def options_of(self, node: str) -> ModelOptions:
        """The options a node asks its model with: of a smaller model only the time limit is set."""
        if node == "verify":
            return ModelOptions(timeout=self.model_options.timeout)
        if node not in SMALL:
            return self.model_options
        own = getattr(self, f"{node}_model")
        return ModelOptions(timeout=self.model_options.timeout) if own else self.model_options.of_small()

    def call_of(self, node: str) -> CallSettings:
        """How a node asks its model."""
        within = VERIFY_SECONDS if node == "verify" else None
        return CallSettings(
            node, self.cheaper_model, self.fallback_model, self.options_of(node), within=within
        )
