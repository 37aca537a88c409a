"""The one gate between what a model writes and what anybody reads: thoughts go, calls written as text become
calls.

Formats: <think> and its kin (DeepSeek-R1, Qwen, Magistral's [THINK]), harmony channels (OpenAI, "harmony
response format"), Hermes' and Qwen's <tool_call>, Llama's <function=...>, Mistral's [TOOL_CALLS], and bare
JSON."""

from __future__ import annotations

import ast
import hashlib
import json
import re
from collections.abc import Collection, Iterator
from typing import Any

from langchain_core.messages import AIMessage

from agent.models.json_values import is_json_list, is_json_object

# Characters that are looked at; no reply is longer.
LONGEST = 100_000
_TAGS = r"think|thinking|thought|thoughts|reasoning|reflection|analysis|scratchpad|seed:think"
_OPEN = re.compile(rf"<({_TAGS})\b[^<>]{{0,100}}>|\[(THINK)\]|<\|begin_of_thought\|>|<unused94>", re.I)
_CLOSE = re.compile(rf"</(?:{_TAGS})\s*>|\[/THINK\]|<\|end_of_thought\|>|<unused95>", re.I)
_FINAL = re.compile(
    r"<\|channel\|>\s*final\b[^<]{0,100}(?:<\|message\|>)?"
    r"|assistantfinal(?=[A-Z\u0410-\u042f\u00c0-\u00de¿¡])"
)
_CHANNEL = re.compile(r"<\|(?:channel|start|message)\|>|^\s*analysis(?=[A-Z])")
_MARKS = re.compile(
    r"<\|(?:end|return|call|start|message|channel|im_end|im_start|eot_id|eom_id|end_of_text|endoftext|assistant|user|system"
    r"|begin_of_solution|end_of_solution)\|>|</?(?:answer|final|response|s|eos|bos)>|</?passage\b[^<>]{0,300}>|\[/?(?:INST|AVAILABLE_TOOLS)\]"
    r"|<(?:start|end)_of_turn>|<[|｜][^<>|｜\n]{1,40}[|｜]>|\A\s*(?:assistant|AI|bot|### ?response)\s*:\s*",
    re.I,
)
# What only a machine writes: where it stands, the name of a tool is a call and no word.
_MACHINE = re.compile(
    r"<[|｜/\w]|\[TOOL_CALLS\]|```|\A\s*[\[{]|\bAction:\s|functions\.\w|\{\s*\"(?:name|function|tool|action)\"|\A\s*print\(|\A\s*[a-z_]{3,64}\(",
    re.I,
)
# Shells of calls, whatever is in them, and thoughts of agents that act by text.
_SHELLS = re.compile(
    r"<(function_calls|(?:\w{1,20}:)?tool_calls?|tools)\b[^<>]{0,100}>.*?(?:</\1\s*>|\Z)"
    r"|<[|｜](?:DSML[|｜])?\s?(?:tool[_▁]calls?[_▁]?(?:section[_▁])?(?:begin|start)|invoke|function_calls)\b.*\Z"
    r"|```(?:tool_code|tool_call|tool)\b.*?(?:```|\Z)",
    re.S | re.I,
)
# An agent that acts by text; "Action:" alone is a word of a shop.
_ACTS = re.compile(r"^Action Input:", re.I | re.M)
_ACTING = re.compile(r"^(?:Thought|Action|Action Input|Observation):.*$", re.I | re.M)
# Where a model that answers in JSON puts its words.
_WORDS = (
    "reply",
    "answer",
    "response",
    "message",
    "text",
    "content",
    "output",
    "output_text",
    "result",
    "say",
)
# A small model goes on with the customer's part, and its own: only its first part is an answer.
_OWN_PART = re.compile(r"^\s*(?:assistant|AI|bot)\s*:", re.I | re.M)
_OTHER_PART = re.compile(r"^\s*(?:human|user|customer|client)\s*:", re.I | re.M)
_PARAMETER = re.compile(
    r"<parameter=(\w{1,64})>\s*(.*?)\s*</parameter>|<arg_key>\s*(\w{1,64})\s*</arg_key>\s*<arg_value>\s*(.*?)\s*</arg_value>"
    r"|parameter name=\"(\w{1,64})\"[^<>]{0,60}>\s*(.*?)\s*<[/|｜]",
    re.S,
)
# Characters after a tool's name in which its arguments are looked for.
_NEAR = 4_000
_CALL_BLOCKS = (
    re.compile(
        r"<(tool_call|function_call|tool_use|tools?|invoke)\b[^<>]{0,200}>(.*?)(?:</\1\s*>|\Z)", re.S | re.I
    ),
    re.compile(
        r"(<\|tool_calls?(?:_begin|_start)?\|>|<｜tool▁calls?▁begin｜>|<\|python_tag\|>|\[TOOL_CALLS\])(.*)\Z",
        re.S,
    ),
)
_FUNCTION = re.compile(r"<function(?:=|\s+name=\"?)([\w.-]{1,64})\"?>?(.*?)(?:</function>|\Z)", re.S)
_FENCE = re.compile(r"\A\s*```(?:json|tool_code|tool_call)?\s*\n(.*?)\n?```\s*\Z", re.S)


def cleaned(
    answer: AIMessage, offered: Collection[str], form: bool = False, used: Collection[str | None] = ()
) -> AIMessage:
    """An answer without thoughts and marks, whose calls of `offered` tools are calls, each with an id that no
    other has, those `used` before included. What looks like a call and is none leaves no text (but for a
    `form`, which may be JSON): the answer is empty then, and asked for again."""
    text = str(answer.text)
    calls: list[Any] = [{**call, "name": _name(call["name"], offered)} for call in answer.tool_calls]
    raw = text[:LONGEST]
    said = aloud = without_thoughts(raw)
    if not calls:
        said, calls = _calls_in(said, offered)
    if not calls and (loose := _loose(raw if _MARKED.search(raw) else aloud, offered)):
        said, calls = "", loose
    if not form:
        said = _without_names(_spoken(_unwrapped(said)), offered)
    known = set(used)
    for place, call in enumerate(calls):
        if not call.get("id") or call["id"] in known:
            call = {**call, "id": _id(call, place + len(known))}
            calls[place] = call
        known.add(call["id"])
    if said == text and calls == list(answer.tool_calls):
        return answer
    return answer.model_copy(update={"content": said, "tool_calls": calls})


# Calls between marks that are gone from what is said aloud.
_MARKED = re.compile(r"to=functions\.\w|<[|｜]tool[_▁]")


def _name(name: str, offered: Collection[str]) -> str:
    """The name of an offered tool without what some put before it (`functions.find_product`)."""
    bare = name.strip().rpartition(".")[2]
    return bare if name not in offered and bare in offered else name


_WRAPPED = re.compile(
    r"\A```(?:text|txt|markdown|md|plaintext)?[^\S\n]*\n(.+?)\n?\s*```\Z|\A\"([^\"]+)\"\Z|\A“([^“”]+)”\Z",
    re.S,
)


def _unwrapped(text: str) -> str:
    """A reply that stands as a whole between marks of code or of speech, without them."""
    match = _WRAPPED.match(text.strip()) if text[:3].lstrip()[:1] in ("`", '"', "“") else None
    return next(part for part in match.groups() if part is not None).strip() if match else text


def _loose(text: str, offered: Collection[str]) -> list[Any]:
    """The call of an offered tool in a text that a machine wrote for a machine, in whatever of their many
    ways."""
    if not _MACHINE.search(text):
        return []
    for name in offered:
        for found in re.finditer(rf"(?<![\w-]){re.escape(name)}(?![\w-])", text):
            near = text[found.end() : found.end() + _NEAR]
            arguments = _python(near) if near.startswith("(") else _near(near)
            if arguments is not None:
                return [{"name": name, "args": arguments, "id": "", "type": "tool_call"}]
    return []


def _python(text: str) -> dict[str, Any] | None:
    """The named arguments of a call as Python writes it: `(query="blue vase")`."""
    end = text.find(")")
    while 0 < end < _NEAR:
        try:
            call = ast.parse(f"f{text[: end + 1]}", mode="eval").body
            if isinstance(call, ast.Call):
                return {str(part.arg): ast.literal_eval(part.value) for part in call.keywords if part.arg}
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            pass
        end = text.find(")", end + 1) if text.count(")", 0, end) < 5 else -1
    return None


def _near(text: str) -> dict[str, Any] | None:
    """Arguments that follow a tool's name: tags of parameters, or JSON."""
    if named := [[part for part in match if part] for match in _PARAMETER.findall(text)]:
        return {pair[0]: pair[1] if len(pair) > 1 else "" for pair in named}
    for value in objects_in(text)[:1]:
        if is_json_object(value):
            named_so = (value.get(k) for k in ("arguments", "parameters", "args", "input"))
            return next((inner for inner in named_so if is_json_object(inner)), value)
    return None


def _without_names(text: str, offered: Collection[str]) -> str:
    """The sentences that name none of our tools."""
    names = [name for name in offered if "_" in name and name in text]
    if not names:
        return text
    return "".join(
        part for part in re.findall(r"[^.!?\n]+[.!?\n]*|\n", text) if not any(n in part for n in names)
    ).strip()


def _spoken(text: str) -> str:
    """What is left for a person to read: no shells of calls, no call of a tool nobody has, and of an answer
    that is JSON its words."""
    if not _MACHINE.search(text) and not _SHELLS.search(text) and not _ACTS.search(text):
        return text
    left = _SHELLS.sub("", text)
    left = _ACTING.sub("", left) if _ACTS.search(left) else left
    for start, end, value in reversed(list(_objects(left))):
        if is_json_object(value) and _is_call(value):
            left = f"{left[:start].rstrip()} {left[end:].lstrip()}".strip()
        elif is_json_object(value) and not (left[:start].strip() or left[end:].strip()):
            left = _words_of(value)
    return re.sub(r"```(?:json)?\s*(?:```|\Z)", "", left).strip()


def _words_of(value: dict[str, Any], depth: int = 3) -> str:
    """The words of an answer that is JSON: under a name that says so, however deep, else its first text."""
    for name in _WORDS:
        inner = value.get(name)
        if isinstance(inner, str) and inner:
            return inner
        if is_json_object(inner) and depth and (words := _words_of(inner, depth - 1)):
            return words
    return next((inner for inner in value.values() if isinstance(inner, str)), "")


def _is_call(value: dict[str, Any]) -> bool:
    inner: Any = value.get("function") if isinstance(value.get("function"), dict) else value
    named = isinstance(inner.get("name"), str)
    return named and any(
        isinstance(inner.get(k), dict | str) for k in ("arguments", "parameters", "args", "input")
    )


def without_thoughts(text: str) -> str:
    """What a model says aloud. A thought that was not closed hides all that follows it, one that was not
    opened all before."""
    if final := list(_FINAL.finditer(text)):
        text = text[final[-1].end() :]
    elif _CHANNEL.search(text):  # thoughts alone
        text = ""
    parts, at = list[str](), 0
    while opened := _OPEN.search(text, at):
        before = text[at : opened.start()]
        parts.append(before)
        closed = _CLOSE.search(text, opened.end())
        at = closed.end() if closed else len(text)
    rest = text[at:]
    if orphan := list(_CLOSE.finditer(rest)):
        parts, rest = [], rest[orphan[-1].end() :]
    said = "".join([*parts, rest])
    if (other := _OTHER_PART.search(said)) and said[: other.start()].strip() and _OWN_PART.search(said):
        said = said[: other.start()]
    return _MARKS.sub("", said).strip()


def _calls_in(text: str, offered: Collection[str]) -> tuple[str, list[Any]]:
    """(the text without calls, the calls of offered tools) of an answer that wrote its calls down."""
    found: list[Any] = []

    def take(match: re.Match[str]) -> str:
        for name, arguments in _written(match.group(2), match.group(1)):
            if name in offered:
                found.append({"name": name, "args": arguments, "id": "", "type": "tool_call"})
        return ""

    left = text
    for pattern in (*_CALL_BLOCKS, _FUNCTION):
        left = pattern.sub(take, left)
    if not found and left == text:
        inner = _FENCE.match(text)
        bare = (inner.group(1) if inner else text).strip()
        if bare.startswith(("{", "[")):
            calls = [(name, arguments) for name, arguments in _written(bare, "") if name in offered]
            if calls:
                return "", [{"name": n, "args": a, "id": "", "type": "tool_call"} for n, a in calls]
    return left.strip(), found


def _written(text: str, mark: str) -> list[tuple[str, dict[str, Any]]]:
    """(tool, arguments) of calls written as JSON."""
    found: list[tuple[str, dict[str, Any]]] = []
    for value in objects_in(text):
        rows = value if is_json_list(value) else [value]
        for row in filter(is_json_object, rows):
            nested = row.get("function")
            inner: dict[str, Any] = nested if is_json_object(nested) else row
            name = inner.get("name") or row.get("tool") or row.get("tool_name") or row.get("action")
            arguments = next(
                (
                    inner[k]
                    for k in ("arguments", "parameters", "args", "input", "action_input")
                    if k in inner
                ),
                None,
            )
            if isinstance(arguments, str):
                arguments = next(iter(objects_in(arguments)), None)
            if isinstance(name, str) and is_json_object(arguments):
                found.append((name, arguments))
            elif re.fullmatch(r"[\w.-]{1,64}", mark) and not name:
                found.append((mark, row))
    return found


def objects_in(text: str) -> list[Any]:
    """Every JSON object or list that stands whole in a text, in order; what stands inside another is not one
    of its own."""
    return [value for _, _, value in _objects(text)]


def _objects(text: str) -> Iterator[tuple[int, int, Any]]:
    """(place, end, value) of each."""
    decoder, at = json.JSONDecoder(), 0
    for _ in range(50):
        start = min((i for i in (text.find("{", at), text.find("[", at)) if i >= 0), default=-1)
        if start < 0:
            return
        try:
            value, at = decoder.raw_decode(text, start)
            yield start, at, value
        except (ValueError, RecursionError):
            at = start + 1


def _id(call: Any, place: int) -> str:
    seed = f"{place} {call['name']} {json.dumps(call['args'], sort_keys=True, default=str)}"
    return f"call_{hashlib.blake2b(seed.encode(), digest_size=8).hexdigest()}"
