"""The one gate between what a model writes and what anybody reads: thoughts go, calls written as text become calls.

Formats: <think> and its kin (DeepSeek-R1, Qwen, Magistral's [THINK]), harmony channels (OpenAI, "harmony response format"),
Hermes' and Qwen's <tool_call>, Llama's <function=...>, Mistral's [TOOL_CALLS], and bare JSON.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection
from typing import Any

from langchain_core.messages import AIMessage

# Characters that are looked at; no reply is longer.
LONGEST = 100_000
_TAGS = r"think|thinking|thought|thoughts|reasoning|reflection|analysis|scratchpad|seed:think"
_OPEN = re.compile(rf"<({_TAGS})\b[^<>]{{0,100}}>|\[(THINK)\]|<\|begin_of_thought\|>|<unused94>", re.I)
_CLOSE = re.compile(rf"</(?:{_TAGS})\s*>|\[/THINK\]|<\|end_of_thought\|>|<unused95>", re.I)
_FINAL = re.compile(r"<\|channel\|>\s*final\b[^<]{0,100}(?:<\|message\|>)?|assistantfinal(?=[A-ZА-ЯÀ-Þ¿¡])")
_CHANNEL = re.compile(r"<\|(?:channel|start|message)\|>|^\s*analysis(?=[A-Z])")
_MARKS = re.compile(
    r"<\|(?:end|return|call|start|message|channel|im_end|im_start|eot_id|eom_id|end_of_text|endoftext|assistant|user|system"
    r"|begin_of_solution|end_of_solution)\|>|</?(?:answer|final|response|s|eos|bos)>|\[/?(?:INST|AVAILABLE_TOOLS)\]"
    r"|<(?:start|end)_of_turn>",
    re.I,
)
_CALL_BLOCKS = (
    re.compile(r"<(tool_call|function_call|tool_use|tools?|invoke)\b[^<>]{0,200}>(.*?)(?:</\1\s*>|\Z)", re.S | re.I),
    re.compile(
        r"(<\|tool_calls?(?:_begin|_start)?\|>|<｜tool▁calls?▁begin｜>|<\|python_tag\|>|\[TOOL_CALLS\])(.*)\Z", re.S
    ),
)
_FUNCTION = re.compile(r"<function(?:=|\s+name=\"?)([\w.-]{1,64})\"?>?(.*?)(?:</function>|\Z)", re.S)
_FENCE = re.compile(r"\A\s*```(?:json|tool_code|tool_call)?\s*\n(.*?)\n?```\s*\Z", re.S)


def cleaned(answer: AIMessage, offered: Collection[str]) -> AIMessage:
    """An answer without thoughts and marks, whose calls of `offered` tools are calls, each with an id. What looks like a call
    and is none leaves no text: the answer is empty then, and asked for again."""
    text = str(answer.text)
    said = without_thoughts(text[:LONGEST])
    calls = list(answer.tool_calls)
    if not calls:
        said, calls = _calls_in(said, offered)
    calls = [call if call.get("id") else {**call, "id": _id(call, place)} for place, call in enumerate(calls)]
    if said == text and calls == list(answer.tool_calls):
        return answer
    return answer.model_copy(update={"content": said, "tool_calls": calls})


def without_thoughts(text: str) -> str:
    """What a model says aloud. A thought that was not closed hides all that follows it, one that was not opened all before."""
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
    return _MARKS.sub("", "".join([*parts, rest])).strip()


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
        rows = value if isinstance(value, list) else [value]
        for row in rows:
            if not isinstance(row, dict):
                continue
            nested = row.get("function")
            inner: dict[str, Any] = nested if isinstance(nested, dict) else row
            name = inner.get("name") or row.get("tool") or row.get("tool_name") or row.get("action")
            arguments = next(
                (inner[k] for k in ("arguments", "parameters", "args", "input", "action_input") if k in inner), None
            )
            if isinstance(arguments, str):
                arguments = next(iter(objects_in(arguments)), None)
            if isinstance(name, str) and isinstance(arguments, dict):
                found.append((name, arguments))
            elif re.fullmatch(r"[\w.-]{1,64}", mark) and not name:
                found.append((mark, row))
    return found


def objects_in(text: str) -> list[Any]:
    """Every JSON object or list that stands whole in a text, in order; what stands inside another is not one of its own."""
    decoder, found, at = json.JSONDecoder(), list[Any](), 0
    tries = 0
    while (
        tries < 50 and (start := min((i for i in (text.find("{", at), text.find("[", at)) if i >= 0), default=-1)) >= 0
    ):
        tries += 1
        try:
            value, at = decoder.raw_decode(text, start)
            found.append(value)
        except (ValueError, RecursionError):
            at = start + 1
    return found


def _id(call: Any, place: int) -> str:
    seed = f"{place} {call['name']} {json.dumps(call['args'], sort_keys=True, default=str)}"
    return f"call_{hashlib.blake2b(seed.encode(), digest_size=8).hexdigest()}"
