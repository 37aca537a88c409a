"""What a model's server takes, learned once from what it refuses, and messages in a shape that every server
takes.

Servers that speak a provider's wire differ: some know no tools, some no forced choice of one, some no system
role, some want roles to alternate, some see no pictures (Ollama, vLLM, Mistral, Gemma, thinking modes of
many)."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, SystemMessage, ToolMessage
from pydantic import BaseModel, ValidationError

from agent.model_options import ModelOptions
from agent.models.cleaning import objects_in
from agent.models.json_values import is_json_object
from agent.prompting import TURN


@dataclass(frozen=True, slots=True)
class Ways:
    """How a model can be asked: with `tools`, with one of them `forced`, with a `system` message, with a
    second one behind the history (`later_system`), with `pictures`, with a `blank` message beside a call,
    with `several` calls in one message, for the `whole` answer at once and not as a stream, over `chat`
    completions, and with which options of a bot. `forms`: it fills a form by calling it as a tool; else it is
    asked for JSON, held to it by the server where that takes a `grammar`. `verifies`: it can be asked to read
    a reply against its evidence."""

    tools: bool = True
    forced: bool = True
    system: bool = True
    later_system: bool = True
    pictures: bool = True
    blank: bool = True
    several: bool = True
    whole: bool = True
    chat: bool = True
    forms: bool = True
    grammar: bool = True
    temperature: bool = True
    reasoning_effort: bool = True
    max_tokens: bool = True
    verifies: bool = True

    @property
    def lacking(self) -> list[str]:
        """What it does not take."""
        return [one.name for one in fields(self) if not getattr(self, one.name)]

    @property
    def calls_forms(self) -> bool:
        """Whether a form is filled by a tool's call."""
        return self.tools and self.forms

    def left_of(self, options: ModelOptions) -> ModelOptions:
        """The options without those it does not take."""
        return options.model_copy(update={name: None for name in OPTIONS if not getattr(self, name)})


# Under this name in `additional_kwargs` is what goes back to a message's model: {model, message, calls}.
KEPT = "kept_for_wire"
# What the agent says while it calls a tool, to models that cannot do without words.
LOOKING = "(I look it up.)"
# What stands in the place of messages that the working memory no longer holds.
GOES_ON = "[The conversation goes on.]"
# Options that a model may not take, the likeliest to be refused first.
OPTIONS = ("reasoning_effort", "temperature", "max_tokens")

_REFUSED = {
    "whole": re.compile(
        r"only support\w* stream|stream\w* (?:mode )?(?:is )?required|stream must be true", re.I
    ),
    "several": re.compile(
        r"(?:single|one|1) (?:tool|function).?calls?|parallel.?(?:tool|function)|multiple (?:tool|function)",
        re.I,
    ),
    "blank": re.compile(
        r"content\b.{0,60}(?:null|none|missing|required|valid string|must be a string|empty)", re.I
    ),
    "grammar": re.compile(r"response_?format|json_schema|guided|grammar|structured output", re.I),
    "chat": re.compile(r"v1/responses|responses (?:api|endpoint)", re.I),
    "reasoning_effort": re.compile(
        r"reasoning.?effort|reasoning\.effort|thinking.?(?:level|budget|config)"
        r"|does not support (?:reasoning|thinking|effort)"
        r"|output_config|\bthink\b",
        re.I,
    ),
    "temperature": re.compile(r"temperature", re.I),
    "max_tokens": re.compile(r"max_(?:completion_|output_)?tokens|maxOutputTokens|num_predict", re.I),
    "tools": re.compile(
        r"tools? (?:is |are |calls? )?(?:not supported|not enabled|unsupported)"
        r"|(?:not|n't) support (?:tools?|function|tool use)|support tool use"
        r"|enable-auto-tool-choice|tool-call-parser|function.?call\w* (?:is )?(?:not|un)"
        r"|unknown (?:field|parameter|argument)\W+tools|`?tools`? is not"
        r"|unrecognized request argument supplied: tools|no tool template|does not support function",
        re.I,
    ),
    "forced": re.compile(r"tool_choice|tool choice|toolchoice|function_calling_config|forced function", re.I),
    "later_system": re.compile(
        r"system.{0,60}(?:first|begin|start|top\b|only one|single|multiple|non-consecutive)|alternat"
        r"|(?:unexpected|invalid|wrong) role|roles? must",
        re.I | re.S,
    ),
    "system": re.compile(
        r"system (?:role|message|prompt|instruction)s? (?:is |are )?(?:not|un)\w*|role\W+system"
        r"|system\W+role|developer instruction|developer role|only user",
        re.I,
    ),
    "pictures": re.compile(
        r"image|picture|vision|multi-?modal|content part|content type|must be a string|input_file", re.I
    ),
}


# Left out last: without tools an agent knows less, without a system message it minds its rules less.
_BY_ROLE = ("later_system", "tools", "system")


def next_ways(ways: Ways, error: str, used: Ways) -> list[Ways]:
    """The ways to try after a refusal, the likeliest first; `used` is what the refused request made use of. A
    server that says what it does not take is believed; else what it may not take is left out, one thing after
    another."""
    present = [one.name for one in fields(Ways) if getattr(used, one.name) and getattr(ways, one.name)]
    if "chat" in present and _REFUSED["chat"].search(error):
        later = next_ways(replace(ways, chat=True), "", replace(used, chat=False))
        return [replace(ways, chat=False), *later[:2]]
    said = _named(ways, error, used)
    order = [
        *said,
        *(
            name
            for name in (
                *OPTIONS,
                "several",
                "blank",
                "grammar",
                "pictures",
                "forced",
                "later_system",
                "tools",
                "system",
            )
            if name in present and name not in said
        ),
    ]
    options = [name for name in OPTIONS if name in present]
    together = [
        *([name] for name in order),
        options,
        [*options, "forced"],
        ["forced", "later_system"],
        ["tools", "later_system"],
        ["forced", "system"],
        ["tools", "system"],
        [*options, "forced", "system"],
        [*options, "tools"],
        order,
    ]
    return list(
        dict.fromkeys(_without(ways, [n for n in names if n in present]) for names in together if names)
    )


def narrowed(ways: Ways, error: str, used: Ways, first: Ways) -> list[Ways]:
    """The ways to try before all others after a further refusal: without what the server names now, and
    without what the request made no use of at `first`."""
    new = [
        one.name
        for one in fields(Ways)
        if getattr(used, one.name) and getattr(ways, one.name) and not getattr(first, one.name)
    ]
    return [_without(ways, [name]) for name in dict.fromkeys([*_named(ways, error, used), *new])]


_NAMED = (
    "whole",
    "several",
    "blank",
    "grammar",
    "tools",
    "forced",
    "later_system",
    "system",
    "pictures",
    *OPTIONS,
)


def _named(ways: Ways, error: str, used: Ways) -> list[str]:
    """What a refusal names of that which the request made use of, the likeliest first."""
    present = [name for name in _NAMED if getattr(used, name) and getattr(ways, name)]
    said = [name for name in present if _REFUSED[name].search(error)]
    if "tools" in said and "forced" in said:
        said.remove(
            "tools"
            if re.search(r"tool_choice|thinking", error, re.I) and not re.search(r"enable-auto", error)
            else "forced"
        )
    return said


def _without(ways: Ways, names: Sequence[str]) -> Ways:
    along = {"tools": "forced", "system": "later_system"}
    left = {name: False for name in (*names, *(along[name] for name in names if name in along))}
    return replace(ways, **left)


def shaped(
    messages: Sequence[AnyMessage], ways: Ways, schema: type[BaseModel] | None = None, complaint: str = ""
) -> list[AnyMessage]:
    """Messages as any server takes them: one system message first, then contact and agent in turn, the
    contact first. A note on the turn stays behind the history, before the words it belongs to, where a server
    takes a system message there; else it is the end of the first one. With a `schema` and no tools the answer
    is asked for as JSON; a `complaint` says what was wrong with the last one."""
    late = ways.system and ways.later_system
    noted = late and any(isinstance(m, SystemMessage) and m.name == TURN for m in messages)
    system: list[str] = []
    rest: list[AnyMessage] = []
    for message in messages if ways.several or not ways.tools else _one_by_one(messages):
        if isinstance(message, SystemMessage):
            if late and message.name == TURN:
                rest.append(SystemMessage(_text(message)))
            else:
                system.append(_text(message))
            continue
        one = message if ways.tools else _as_text(message)
        one = one if ways.pictures else _blind(one)
        one = one if ways.blank or not is_blank(one) else one.model_copy(update={"content": LOOKING})
        if not rest and isinstance(one, AIMessage) and not one.tool_calls and noted:
            rest.append(HumanMessage(GOES_ON))  # the system message stays the same, which caches go by
        elif not rest and isinstance(one, AIMessage) and not one.tool_calls:
            system.append(f"Your last message was: {_text(one)}")
            continue
        if rest and _joins(rest[-1], one):
            rest[-1] = _joined(rest[-1], one)
        else:
            rest.append(one)
    if schema is not None and not ways.calls_forms:
        system.append(_as_json(schema))
    if complaint:
        system.append(complaint)
    instruction = "\n\n".join(part for part in system if part.strip())
    if not any(isinstance(m, HumanMessage) for m in rest):
        rest.append(HumanMessage("Go on."))
    if not instruction:
        return rest
    if ways.system:
        return [SystemMessage(instruction), *rest]
    first = next(i for i, m in enumerate(rest) if isinstance(m, HumanMessage))
    rest[first] = _joined(HumanMessage(instruction), rest[first])
    return rest


def without_foreign_parts(message: AnyMessage, name: str) -> AnyMessage:
    """An answer in parts, such as sealed thoughts, as text for any model but the one that wrote it: no other
    can read them."""
    if isinstance(message.content, str) or not isinstance(message, AIMessage):
        return message
    if message.response_metadata.get("asked") == name:
        return message
    return message.model_copy(update={"content": _text(message)})


def read_form(answer: AIMessage, schema: type[BaseModel]) -> BaseModel | None:
    """The structured output of an answer: its call, or JSON in its text, whatever stands around it."""
    found: list[Any] = [call["args"] for call in answer.tool_calls if call["name"] == schema.__name__]
    if not found:
        found = [value for value in objects_in(str(answer.text)) if is_json_object(value)]
    for value in found:
        inner = value.get(schema.__name__)
        for candidate in (value, inner):
            if is_json_object(candidate) and (candidate.keys() & schema.model_fields.keys() or not candidate):
                if (filled := _filled(candidate, schema)) is not None:
                    return filled
    return None


def _filled(value: dict[str, Any], schema: type[BaseModel]) -> BaseModel | None:
    """The form with these fields; without those that hold what they may not, where the rest is enough."""
    try:
        return schema.model_validate(value)
    except ValidationError as error:
        wrong = {part["loc"][0] for part in error.errors() if part["loc"]}
    left = {name: given for name, given in value.items() if name not in wrong}
    try:
        return schema.model_validate(left) if left else None
    except ValidationError:
        return None


def _text(message: AnyMessage) -> str:
    return str(message.text)


def is_blank(message: AnyMessage) -> bool:
    """Whether it is a call of a tool without a word beside it."""
    return isinstance(message, AIMessage) and bool(message.tool_calls) and not _text(message)


def _as_text(message: AnyMessage) -> AnyMessage:
    """A tool's call or answer for a model that knows no tools."""
    if isinstance(message, ToolMessage):
        return HumanMessage(f"(Our system answers, {message.name or 'a tool'}: {_text(message)})")
    if isinstance(message, AIMessage) and message.tool_calls:
        return AIMessage(_text(message) or LOOKING)
    return message


def _blind(message: AnyMessage) -> AnyMessage:
    if isinstance(message.content, str):
        return message
    return message.model_copy(
        update={"content": _text(message) or "(a picture or a file that cannot be seen)"}
    )


def _one_by_one(messages: Sequence[AnyMessage]) -> list[AnyMessage]:
    """The messages with each call in one of its own, its answer behind it."""
    answers = {m.tool_call_id: m for m in messages if isinstance(m, ToolMessage)}
    apart: list[AnyMessage] = []
    for message in messages:
        if isinstance(message, ToolMessage):
            continue
        if not isinstance(message, AIMessage) or not message.tool_calls:
            apart.append(message)
            continue
        for place, call in enumerate(message.tool_calls):
            apart.append(_only(message, place))
            apart += [answer for id, answer in answers.items() if id == call["id"]]
    return apart


def _only(message: AIMessage, place: int) -> AIMessage:
    """A message with one of its calls; the first one keeps its words."""
    kept = dict(message.additional_kwargs)
    if KEPT in kept:
        kept[KEPT] = {**kept[KEPT], "calls": kept[KEPT]["calls"][place : place + 1]}
    alone = {"tool_calls": message.tool_calls[place : place + 1], "additional_kwargs": kept}
    return message.model_copy(update=alone if not place else {**alone, "content": ""})


def _joins(before: AnyMessage, after: AnyMessage) -> bool:
    if isinstance(before, HumanMessage) and isinstance(after, HumanMessage):
        return True
    if isinstance(before, AIMessage) and isinstance(after, AIMessage):
        return not before.tool_calls and not after.tool_calls
    return False


def _joined(before: AnyMessage, after: AnyMessage) -> AnyMessage:
    if isinstance(before.content, str) and isinstance(after.content, str):
        content: Any = "\n\n".join(part for part in (before.content, after.content) if part)
    else:
        content = [*_blocks(before), *_blocks(after)]
    return after.model_copy(update={"content": content, "name": None})


def _blocks(message: AnyMessage) -> list[Any]:
    return (
        [{"type": "text", "text": message.content}]
        if isinstance(message.content, str)
        else list(message.content)
    )


def _as_json(schema: type[BaseModel]) -> str:
    known = {
        name: part.get("description") or part.get("enum") or part.get("type") or ""
        for name, part in schema.model_json_schema().get("properties", {}).items()
    }
    return (
        f"Answer with one JSON object for {schema.__name__} and nothing else, no words around it. "
        f"Leave out what is not known. "
        f"Its fields: {json.dumps(known, ensure_ascii=False)}"
    )
