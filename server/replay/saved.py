"""The file of a saved conversation, for people: who says what, when, and what the agent is expected to do."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self, cast, get_args

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    WithJsonSchema,
    model_validator,
)

from server.config.bot import BotConfig, problems_of

Kind = Literal[
    "text",
    "voice",
    "image",
    "video",
    "document",
    "sticker",
    "location",
    "contacts",
    "button",
    "reaction",
    "order",
]
KINDS: tuple[Kind, ...] = get_args(Kind)
# A line of a cart: so many of a product.
_LINE = re.compile(r"\s*(\d{1,4}) x (\S.{0,199})")
# How a chat model may fail in a script, and what it is then said to answer.
Outage = Literal["down", "timeout", "rate_limit", "key", "quota"]
_UNITS = {"m": 1, "h": 60, "d": 1440}


class BadConversation(ValueError):
    """A saved conversation cannot be used; the message names the file, the field and the remedy."""


def _minutes(given: Any) -> Any:
    if isinstance(given, str) and (match := re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([mhd])\s*", given)):
        return float(match[1]) * _UNITS[match[2]]
    return given


Minutes = Annotated[
    float,
    BeforeValidator(_minutes, json_schema_input_type=str),
    Field(gt=0, description="a time such as 30m, 4h or 2d"),
]


Moment = Annotated[
    dt.datetime, WithJsonSchema({"type": "string", "pattern": r"^\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}"})
]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Said(_Part):
    """One message of the contact; exactly one of the kinds."""

    text: str | None = None
    voice: str | None = Field(None, description="the words; empty for a voice message nobody can understand")
    image: str | None = Field(None, description="its caption, may be empty")
    video: str | None = Field(None, description="its caption, may be empty")
    document: str | None = Field(None, description="its caption, may be empty")
    sticker: str | None = None
    location: str | None = None
    contacts: str | None = None
    button: str | None = Field(None, description="the title of a button that was pressed")
    reaction: str | None = Field(
        None, description="an emoji on the agent's last message; no turn comes of it"
    )
    order: str | None = Field(
        None, description="a cart sent from WhatsApp's catalogue, such as `2 x AU-ONE; 1 x GR-PEB`"
    )
    payload: str = Field("", description="what a button carries")
    name: str = Field("", description="a document's file name")
    too_large: bool = Field(False, description="a file or voice message over the limit")
    quotes: str = Field("", description="what of the agent's words is replied to")
    group: str = Field("", description="written in a group, by somebody of this name")

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if len([kind for kind in KINDS if getattr(self, kind) is not None]) != 1:
            raise ValueError(f"say exactly one of {', '.join(KINDS)}")
        if self.order is not None and not all(_LINE.fullmatch(line) for line in self.order.split(";")):
            raise ValueError("order: write `2 x ARTICLE; 1 x ARTICLE`")
        return self

    @property
    def lines(self) -> list[dict[str, Any]]:
        """The cart that it is: how many of which product."""
        found = [line for said in (self.order or "").split(";") if (line := _LINE.fullmatch(said))]
        return [{"retailer_id": line[2].strip(), "quantity": int(line[1])} for line in found]

    @property
    def kind(self) -> Kind:
        """Which of the kinds it is."""
        return next(kind for kind in KINDS if getattr(self, kind) is not None)

    @property
    def words(self) -> str:
        """Text, caption, title or emoji."""
        return getattr(self, self.kind)


def cart_sent(order: Mapping[str, Any]) -> str:
    """A cart that came from a phone as `Said.order` says it; empty for none, or one that it cannot say."""
    items = cast(list[dict[str, Any]], order.get("items") or [])
    lines = [f"{item.get('quantity')} x {item.get('retailer_id')}" for item in items]
    fits = all(_LINE.fullmatch(line) and ";" not in line for line in lines)
    return "; ".join(lines) if fits else ""


def _said(given: Any) -> Any:
    """A text alone, one message, or a burst of them."""
    if given is None:
        return None
    parts = cast(list[Any], given) if isinstance(given, list) else [given]
    return [
        {"text": getattr(each, "raw", str(each))} if isinstance(each, str | int | float) else each
        for each in parts
    ]


Burst = Annotated[
    list[Said],
    BeforeValidator(_said, json_schema_input_type=str | Said | list[str | Said]),
    Field(min_length=1, description="a text, a message of another kind, or a list of them: a burst"),
]

# What a model is said to answer: a text, tool calls with their arguments, or an outage.
Answer = str | dict[str, Any]


def _pattern(given: str) -> str:
    try:
        re.compile(given)
    except re.error as error:
        raise ValueError(f"is no regular expression: {error}") from None
    return given


Pattern = Annotated[str, AfterValidator(_pattern)]


class FollowUp(_Part):
    """What is planned for when the contact stays silent."""

    touch: int | None = Field(None, ge=1, description="the number of the next touch")
    day: dt.date | None = Field(None, description="when it is due, by the bot's clock")
    ended: str | None = Field(None, description="a part of the reason why no more touches come")


class ExpectedReply(_Part):
    """What the contact gets. Upper and lower case do not count in `contains` and `lacks`."""

    is_: str | None = Field(None, alias="is")
    contains: list[str] = []
    lacks: list[str] = []
    matches: Pattern | None = Field(None, description="a regular expression that is found in it")
    shorter_than: int | None = Field(None, ge=1, description="characters")
    language: str | None = Field(None, pattern=r"^[a-z]{2}$")
    judge: str | None = Field(
        None, description="a rubric in words, or `rubrics/NAME.md`: a file of one beside this one"
    )


class Expect(_Part):
    """What a turn should come to. What is not said here is not looked at."""

    route: list[str] | None = Field(None, description="the nodes in order; those of one step by the alphabet")
    verdict: Literal["answer", "refuse", "handoff", "silent"] | None = None
    class_: Literal["client", "non_client", "unknown"] | None = Field(None, alias="class")
    profile: dict[str, str | None] = Field({}, description="fields it must hold; null: must not")
    tools: list[str | dict[str, dict[str, Any]]] | None = Field(
        None, description="the calls in order, by name or with some of their arguments; []: none"
    )
    prompts: list[str] | None = Field(None, description="prompts that must have been used, such as price")
    follow_up: FollowUp | None = None
    owner: Literal["bot", "person"] | None = None
    task: str | None = Field(None, description="a part of what a person has to look after")
    cart: list[str] | None = Field(
        None, description="parts of the cart or order that is shown, as its tool tells it; []: none is shown"
    )
    silent: bool | None = Field(None, description="whether the contact hears nothing")
    reply: ExpectedReply | None = None


class Turn(_Part):
    """One turn: the contact writes, is silent, or a person of the business writes or hands back."""

    user: Burst | None = None
    silence: Minutes | None = Field(
        None, description="nobody writes for so long; a touch that is due then goes out"
    )
    operator: str | None = Field(None, description="a person of the business writes and takes over")
    hand_back: bool = Field(False, description="a person hands the conversation back to the bot")
    after: Minutes | None = Field(
        None, description="how long after the turn before; two minutes when not said"
    )
    model: dict[str, list[Answer]] = Field({}, description="node -> what the model answers it, in order")
    expect: Expect = Expect.model_validate({})

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        given = [bool(self.user), self.silence is not None, self.operator is not None, self.hand_back]
        if sum(given) != 1:
            raise ValueError("say exactly one of user, silence, operator and hand_back")
        return self


class SavedContact(_Part):
    """Who writes. The number is one of those that nobody has (`masking`)."""

    name: str = ""
    number: str = "12025550100"


class SavedConversation(_Part):
    """A conversation kept as a test."""

    about: str = Field(description="what it shows, in a sentence")
    tags: list[str] = []
    at: Moment = Field(dt.datetime(2026, 3, 2, 10, 0), description="when it begins, by the bot's clock")
    channel: Literal["cloud_api", "wappi", "waha"] = "cloud_api"
    contact: SavedContact = SavedContact()
    profile: dict[str, str] = Field({}, description="what is known of the contact before")
    bot: dict[str, Any] = Field({}, description="as in a file of bots, without an id")
    documents: str | None = Field(
        None, description="a folder of documents beside this file; else the sample shop's"
    )
    turns: list[Turn] = Field(min_length=1)

    def scripted(self, number: int, node: str) -> list[Answer]:
        """What the file says a model answers `node` in turn `number` (from 1)."""
        return self.turns[number - 1].model.get(node, [])

    @property
    def is_scripted(self) -> bool:
        """Whether its answers stand in the file, and not on a tape."""
        return any(turn.model for turn in self.turns)


def load_conversation(path: Path) -> SavedConversation:
    """Read a saved conversation, with the rubrics it names. Raises BadConversation."""
    try:
        saved = parse_conversation(path.read_text(encoding="utf-8"), path.name)
        return saved.model_copy(update={"turns": [_with_rubric(turn, path.parent) for turn in saved.turns]})
    except (OSError, UnicodeDecodeError) as error:
        raise BadConversation(f"{path}: cannot be read: {error}") from None


def _with_rubric(turn: Turn, folder: Path) -> Turn:
    reply = turn.expect.reply
    if reply is None or not re.fullmatch(r"rubrics/[\w-]+\.md", reply.judge or ""):
        return turn
    reply = reply.model_copy(
        update={"judge": (folder / str(reply.judge)).read_text(encoding="utf-8").strip()}
    )
    return turn.model_copy(update={"expect": turn.expect.model_copy(update={"reply": reply})})


def parse_conversation(text: str, name: str) -> SavedConversation:
    """A saved conversation from the text of its file. Raises BadConversation."""
    try:
        return SavedConversation.model_validate(yaml.load(text, _Loader))  # noqa: S506 - a safe loader
    except yaml.YAMLError as error:
        raise BadConversation(f"{name}: no YAML: {error}") from None
    except ValidationError as error:
        where = "; ".join(f"{p.field}: {p.problem}" for p in problems_of(error))
        raise BadConversation(f"{name}: {where}") from None


def conversation_file(conversation: dict[str, Any]) -> str:
    """The file of a saved conversation."""
    head = "# yaml-language-server: $schema=../../schemas/conversation.schema.json\n"
    return head + dumped(conversation)


class _Loader(yaml.SafeLoader):
    """YAML as people write conversations: no dates and no `no`; numbers are plain ones, and remember how they
    were written; a key that stands twice is a mistake."""


class _Int(int):
    raw: str


class _Float(float):
    raw: str


def _number(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> _Int | _Float:
    found = _Float(node.value) if "." in node.value else _Int(node.value)
    found.raw = node.value
    return found


def _mapping(loader: yaml.SafeLoader, node: yaml.MappingNode) -> dict[Any, Any]:
    keys: list[Any] = [loader.construct_object(key, deep=True) for key, _ in node.value]  # pyright: ignore[reportUnknownMemberType]
    if twice := [key for number, key in enumerate(keys) if key in keys[:number]]:
        raise yaml.constructor.ConstructorError(None, None, f"{twice[0]} stands twice", node.start_mark)
    loader.flatten_mapping(node)
    return loader.construct_mapping(node, deep=True)


_PLAIN = ("tag:yaml.org,2002:null", "tag:yaml.org,2002:merge")
_Loader.yaml_implicit_resolvers = {
    first: kept
    for first, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
    if (kept := [(tag, pattern) for tag, pattern in found if tag in _PLAIN])
}
# PyYAML gives this function no types.
_resolve = cast(Callable[[str, re.Pattern[str], list[str]], None], _Loader.add_implicit_resolver)  # pyright: ignore[reportUnknownMemberType]
_resolve("tag:yaml.org,2002:bool", re.compile(r"^(?:true|false)$", re.I), list("tTfF"))
_resolve("!number", re.compile(r"^-?(?:0|[1-9]\d*)(?:\.\d+)?$"), list("-0123456789"))
_Loader.add_constructor("!number", _number)
_Loader.add_constructor("tag:yaml.org,2002:map", _mapping)


class _Dumper(yaml.SafeDumper):
    pass


def _block(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    odd = re.search("[\x85\u2028\u2029\ufeff]", text)  # YAML takes them for ends of lines
    style = '"' if odd else "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", str(text), style=style)  # pyright: ignore[reportUnknownMemberType]


def _line(dumper: yaml.SafeDumper, rows: list[Any]) -> yaml.SequenceNode:
    short = all(isinstance(row, str | int | float) for row in rows) and len(str(rows)) < 110
    return dumper.represent_sequence("tag:yaml.org,2002:seq", rows, flow_style=short)


_Dumper.add_multi_representer(str, _block)  # what LangChain calls the text of a message is a kind of str
_Dumper.add_representer(str, _block)
_Dumper.add_representer(list, _line)
_Dumper.add_representer(_Int, yaml.SafeDumper.represent_int)  # as a script gives it to a tool
_Dumper.add_representer(_Float, yaml.SafeDumper.represent_float)


def dumped(data: Any) -> str:
    """YAML as people write it."""
    return yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)


def conversation_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of a saved conversation, for editors."""
    schema = SavedConversation.model_json_schema(by_alias=True, mode="validation")
    bot = BotConfig.model_json_schema(by_alias=False)
    schema["$defs"] |= bot.pop("$defs", {})
    bot["properties"].pop("id")
    bot.pop("required", None)
    schema["properties"]["bot"] = bot
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def saved_in(folder: Path, pattern: str = "") -> list[Path]:
    """The saved conversations of a folder whose name contains `pattern`, by name."""
    found = (p for p in folder.rglob("*.yaml") if not p.name.endswith(TAPE))
    return sorted(p for p in found if pattern in p.stem)


TAPE = ".tape.yaml"


def tape_of(path: Path) -> Path:
    """Where the tape of a saved conversation is."""
    return path.with_name(f"{path.stem}{TAPE}")
