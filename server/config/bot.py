"""What may be said about a bot, through the API, in a file of bots or in BOT_FILE: one schema, checked whole.

Everything that is not said is as the settings say. A channel's secrets go in and never come out.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal, Optional

from pydantic import (
    AliasChoices,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    create_model,
    field_validator,
    model_validator,
)

from agent.context import Context
from agent.phone_numbers import WRITTEN
from agent.prompts import split_front_matter
from channels.registry import channels
from server.config.follow_ups import Outreach, with_new_names
from server.config.turn_settings import OneMessage, ReplyMode
from server.config.whatsapp_prices.rate_card import OwnPrices

BOT_ID = r"^[a-z0-9][a-z0-9_-]{0,47}$"
# Only whoever runs the deployment sets these: they lead to other people's money, machines or documents.
OWNERS_ONLY = (
    *("channel", "knowledge_base", "prompt_set", "daily_budget", "operator_webhook_url", "tools"),
    *("model", "fallback_model", "cheaper_model", "moderate_model", "extract_model", "remember_model"),
    *("verify_model", "model_options", "whatsapp_prices"),
)
# What a reader of credentials sees in the place of a secret, and a writer may send back to keep it.
KEPT = "********"


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class OpenHours(_Part):
    """When the business reaches out and makes appointments; `holidays`: an ISO country, `none`, or that of
    the time zone."""

    timezone: str | None = None
    days: str | None = Field(None, description="such as Mon-Fri,Sun")
    start: str | None = Field(None, pattern=r"^\d{2}:\d{2}$")
    end: str | None = Field(None, pattern=r"^\d{2}:\d{2}$")
    holidays: str | None = None


class Inbox(_Part):
    """What one turn takes of one contact; what is over stays in the transcript and is not answered."""

    max_messages: int | None = Field(None, ge=1, le=1000)
    max_characters: int | None = Field(None, ge=100)
    max_days: float | None = Field(
        None, gt=0, le=365, description="a message that waited longer is not answered"
    )
    debounce_seconds: float | None = Field(None, ge=0, le=60)
    debounce_max_seconds: float | None = Field(None, ge=0, le=120)


class Retention(_Part):
    """What is kept, and how long; 0 days: until it is erased."""

    transcript_messages: int | None = Field(None, ge=10)
    transcript_days: int | None = Field(None, ge=0)
    dead_letter_days: int | None = Field(None, ge=1)


class Conversions(_Part):
    """Whether Meta's Conversions API is told what ads brought: only where customers have agreed to it, as
    your law asks. CONVERSIONS_TOKEN may write to the dataset."""

    enabled: bool | None = Field(None, description="whether it is told; the customers must have agreed")
    dataset_id: str | None = Field(None, pattern=r"^\d{5,32}$", description="its id at Meta")


class _Base(BaseModel):
    """One bot. Every prompt can be given in full (`sell_prompt`, ...), or `prompt_set` names a folder of
    them."""

    model_config = ConfigDict(extra="forbid", frozen=True, title="Bot")

    id: str = Field(
        pattern=BOT_ID, validation_alias=AliasChoices("id", "bot_id"), description="short, never changes"
    )
    channel: dict[str, Any] | None = Field(
        None, description="its type and what reaches the number; secrets are stored encrypted and never shown"
    )
    prompt_set: str | None = Field(None, pattern=r"^[\w-]{1,64}$", description="a folder of PROMPT_SETS")
    hours: OpenHours | None = None
    inbox: Inbox | None = None
    retention: Retention | None = None
    conversions: Conversions | None = None
    allow_group_messages: bool = Field(False, description="whether messages written in groups are answered")
    reply_template: str | None = Field(None, pattern=r"^[a-z0-9_]+:[a-z]{2,3}(_[A-Z]{2})?$")
    one_message: OneMessage | None = Field(
        None, description="whether a turn's replies go out as one message: auto, on or off"
    )
    reply_mode: ReplyMode | None = Field(
        None, description="whether replies go out (auto), wait for a person (draft) or are not made (off)"
    )
    whatsapp_prices: OwnPrices | None = Field(
        None, description="prices of your own by market and category, US dollars a message"
    )
    operator_number: str | None = Field(None, pattern=WRITTEN)
    operator_webhook_url: str | None = Field(None, pattern=r"^https?://")

    @field_validator("id")
    @classmethod
    def _is_no_page(cls, id: str) -> str:
        if id == "bots":
            raise ValueError("the dashboard has a page of this name; choose another")
        return id


# ruff: noqa: UP045 - `X | None` needs classes, not annotations
def _optional(model: type[BaseModel], left_out: tuple[str, ...] = ()) -> dict[str, Any]:
    """The fields of a model, none of which has to be given."""
    return {
        name: (
            Optional[Annotated[(field.annotation, *field.metadata)]]
            if field.metadata
            else Optional[field.annotation],
            Field(None, title=field.title, description=field.description),
        )
        for name, field in model.model_fields.items()
        if name not in left_out
    }


class _Renamed(_Part):
    @model_validator(mode="before")
    @classmethod
    def _with_new_names(cls, given: Any) -> Any:
        return with_new_names(given)


OutreachPart = create_model(
    "Outreach",
    __base__=_Renamed,
    **_optional(Outreach, ("hours",)),
)
_FIELDS: dict[str, Any] = {"outreach": (Optional[OutreachPart], None), **_optional(Context)}
BotConfig = create_model("BotConfig", __base__=_Base, **_FIELDS)


class Problem(BaseModel):
    """What is wrong with one field of a configuration, and how to mend it."""

    field: str = Field(description="The field, such as `channel.token`")
    problem: str = Field(description="What is wrong with it, and how to mend it")


class BadConfig(ValueError):
    """A configuration that cannot be used; `problems` say why."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("; ".join(f"{p.field}: {p.problem}" for p in problems))
        self.problems = problems


def problems_of(error: ValidationError, under: str = "") -> list[Problem]:
    """One problem a field."""
    return [
        Problem(
            field=".".join([*([under] if under else []), *map(str, e["loc"])]) or "bot",
            problem="there is no such field"
            if e["type"] == "extra_forbidden"
            else e["msg"].removeprefix("Value error, "),
        )
        for e in error.errors()
    ]


def parse_config(raw: Any) -> Any:
    """A configuration as given. Raises BadConfig, which names every field that is unknown, missing or
    wrong."""
    if not isinstance(raw, dict):
        raise BadConfig([Problem(field="bot", problem="give an object with at least an id")])
    try:
        return BotConfig.model_validate(raw)
    except ValidationError as error:
        raise BadConfig(problems_of(error)) from None


def split_secrets(channel: dict[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """(what may be shown, the secrets) of a `channel`. Raises BadConfig for an unknown type."""
    kind = channels().get(str(channel.get("type")))
    if channel.get("type") in (None, "simulator"):
        extra = sorted(channel.keys() - {"type"})
        if extra:
            raise BadConfig(
                [Problem(field=f"channel.{name}", problem="the simulator needs none") for name in extra]
            )
        return {"type": "simulator"}, {}
    if kind is None:
        known = ", ".join(["simulator", *channels()])
        raise BadConfig([Problem(field="channel.type", problem=f"use one of {known}")])
    hidden = kind.Credentials.secrets()
    wrong = [n for n in hidden & channel.keys() if not isinstance(channel[n], str | SecretStr)]
    if wrong:
        raise BadConfig([Problem(field=f"channel.{name}", problem="must be a text") for name in wrong])
    plain = {
        n: c.get_secret_value() if isinstance(c, SecretStr) else c for n, c in channel.items() if n in hidden
    }
    return {n: v for n, v in channel.items() if n not in hidden}, {
        n: v for n, v in plain.items() if v and v != KEPT
    }


def shown_config(config: dict[str, Any], secrets: dict[str, str]) -> dict[str, Any]:
    """A stored configuration for people: that a secret is there, never which."""
    if not config.get("channel"):
        return config
    return {**config, "channel": {**config["channel"], **dict.fromkeys(secrets, KEPT)}}


def prompts_in(folder: Path, name: str) -> dict[str, str]:
    """The prompts of a set, by the name of the setting each one fills. Raises BadConfig."""
    home = folder / name
    if not home.is_dir():
        known = ", ".join(sorted(p.name for p in folder.iterdir() if p.is_dir())) if folder.is_dir() else ""
        problem = f"there is no folder {name} in PROMPT_SETS ({folder}); it holds {known or 'none'}"
        raise BadConfig([Problem(field="prompt_set", problem=problem)])
    try:
        found = {
            f"{path.stem}_prompt": split_front_matter(path.read_text(encoding="utf-8"))[1]
            for path in sorted(home.glob("*.md"))
        }
    except (OSError, UnicodeDecodeError) as error:
        raise BadConfig([Problem(field="prompt_set", problem=f"{home} cannot be read: {error}")]) from None
    unknown = [name for name in found if name not in Context.model_fields]
    if unknown:
        files = ", ".join(f"{name.removesuffix('_prompt')}.md" for name in unknown)
        raise BadConfig([Problem(field="prompt_set", problem=f"{home}: there is no prompt for {files}")])
    return found


def bots_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of a file of bots, for editors: one bot or a list of them."""
    one = BotConfig.model_json_schema(by_alias=False, ref_template="#/$defs/{model}")
    definitions: dict[str, Any] = one.pop("$defs", {})
    kinds: list[dict[str, Any]] = []
    for name, kind in channels().items():
        fields: dict[str, Any] = {"type": (Literal[name], ...)}
        made = create_model(f"{name}_channel", __base__=kind.Credentials, **fields)
        schema = made.model_json_schema(ref_template="#/$defs/{model}")
        definitions |= schema.pop("$defs", {})
        kinds.append(
            {**schema, "title": name, "description": re.sub(r"\s+", " ", kind.Credentials.__doc__ or "")}
        )
    simulator = {
        "type": "object",
        "properties": {"type": {"const": "simulator"}},
        "additionalProperties": False,
    }
    one["properties"]["channel"] = {"oneOf": [*kinds, simulator, {"type": "null"}]}
    one["properties"]["id"] = {**one["properties"]["id"], "title": "Id"}
    definitions["Bot"] = one
    bot = {"$ref": "#/$defs/Bot"}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Salesgraph bots",
        "anyOf": [bot, {"type": "array", "items": bot}],
        "$defs": definitions,
    }


BotId = Annotated[str, Field(pattern=BOT_ID)]
