"""OpenAI's wire as its many imitators speak it: what they add to an answer goes back to them with it.

Thinking servers refuse a tool's answer unless the call comes back with the thoughts it was made with:
`reasoning_content` (DeepSeek, "Thinking mode"; Qwen; Moonshot), `reasoning_details` (OpenRouter, "Reasoning
tokens"), and per call `extra_content` with a thought signature (Gemini, "OpenAI compatibility"). LangChain's
client keeps none of them."""

from __future__ import annotations

import json
import re
from typing import Any, cast

from langchain_core.messages import AIMessage
from langchain_core.outputs import ChatResult
from langchain_openai import ChatOpenAI

from agent.models.failures import NoAnswer
from agent.models.json_values import is_json_list, is_json_object
from agent.models.ways import KEPT

# One object of JSON.
Fields = dict[str, Any]

EXTRAS, CALL_EXTRAS = ("reasoning_content", "reasoning_details"), ("extra_content",)


def in_pieces(text: str) -> Fields | None:
    """The completion in an event stream (chat.completion.chunk) that a server sent unasked; None for any
    other text."""
    whole: Fields = {}
    said: Fields = {"content": ""}
    calls: dict[int, Fields] = {}
    for line in re.findall(r"^data:\s*(\{.*\})\s*$", text, re.M):
        try:
            piece: Fields = json.loads(line)
        except ValueError:
            return None
        choice = _first_choice(piece)
        delta: Fields = choice.get("delta") or choice.get("message") or {}
        said["content"] += delta.get("content") or ""
        called: list[Fields] = delta.get("tool_calls") or []
        for call in called:
            known = calls.setdefault(call.get("index", 0), {"function": {"name": "", "arguments": ""}})
            known["id"] = call.get("id") or known.get("id")
            function: Fields = call.get("function") or {}
            for part in ("name", "arguments"):
                known["function"][part] += function.get(part) or ""
        end = choice.get("finish_reason") or _first_choice(whole).get("finish_reason")
        whole = {**whole, **piece, "choices": [{"index": 0, "finish_reason": end}]}
    if not whole:
        return None
    whole["choices"][0]["message"] = {**said, "tool_calls": list(calls.values())}
    return {**whole, "object": "chat.completion"}


def _first_choice(completion: Fields) -> Fields:
    choices: list[Fields] = completion.get("choices") or [{}]
    return choices[0]


def _completion(text: str) -> Fields | None:
    """The completion in an answer that was sent as text: an event stream, or JSON behind lines that only keep
    the connection open (`: PROCESSING`; "Server-sent events", comments)."""
    bare = re.sub(r"^:.*$", "", text, flags=re.M).strip()
    try:
        found = json.loads(bare)
    except ValueError:
        return in_pieces(text)
    return found if is_json_object(found) else None


def as_meant(answer: Fields) -> Fields:
    """A completion as its wire has it, whatever its server made of it: the author is the assistant, the
    arguments of a call are one JSON text, each call has an id, a call in the old place (`function_call`)
    stands in the new one. Raises NoAnswer."""
    given = answer.get("choices")
    if not is_json_list(given):
        return answer
    if not given:
        raise NoAnswer("an answer without choices")
    choices: list[Fields] = []
    for choice in given:
        message: Fields = {**(choice.get("message") or {}), "role": "assistant"}
        if isinstance(message.get("content"), dict):
            message["content"] = [message["content"]]
        calls: list[Any] = list(message.get("tool_calls") or ())
        if not calls and isinstance(message.get("function_call"), dict):
            calls = [{"function": message["function_call"]}]
        message["tool_calls"] = [
            _call(call, place) for place, call in enumerate(calls) if is_json_object(call)
        ] or None
        message.pop("function_call", None)
        choices.append({**choice, "message": message})
    return {**answer, "choices": choices}


def _call(call: Fields, place: int) -> Fields:
    function: Fields = dict(call.get("function") or {})
    arguments = function.get("arguments")
    if isinstance(arguments, str):
        try:
            inner = json.loads(arguments)
        except ValueError:
            inner = None
        arguments = inner if isinstance(inner, str) and inner.lstrip().startswith("{") else arguments
    else:
        arguments = json.dumps(arguments or {}, ensure_ascii=False)
    function["arguments"] = arguments
    return {**call, "id": call.get("id") or f"call_{place}", "type": "function", "function": function}


class OpenAiWire(ChatOpenAI):
    """LangChain's client, with what servers add to their answers kept and returned to the same model."""

    def _create_chat_result(self, response: Any, generation_info: Fields | None = None) -> ChatResult:
        told: Any = _completion(response) if isinstance(response, str) else response
        dump: Any = getattr(told, "model_dump", None)
        if not is_json_object(told) and dump is None:  # no JSON at all
            return self._result(response, generation_info)
        raw = as_meant(dict(told) if is_json_object(told) else dump(warnings=False))
        result = self._result(raw, generation_info)
        choices: list[Fields] = raw.get("choices") or []
        for generation, choice in zip(result.generations, choices, strict=False):
            said: Fields = choice.get("message") or {}
            kept = {name: said[name] for name in EXTRAS if said.get(name)}
            called: list[Fields] = said.get("tool_calls") or []
            calls = [{name: one[name] for name in CALL_EXTRAS if one.get(name)} for one in called]
            if kept or any(calls):
                generation.message.additional_kwargs[KEPT] = {
                    "model": self.model_name,
                    "message": kept,
                    "calls": calls,
                }
        return result

    def _result(self, response: Any, generation_info: Fields | None) -> ChatResult:
        """What LangChain makes of a response, whose type it does not say in full."""
        return super()._create_chat_result(response, generation_info)  # pyright: ignore[reportUnknownMemberType]

    def _get_request_payload(self, input_: Any, *, stop: list[str] | None = None, **kwargs: Any) -> Fields:
        # LangChain does not say what its dictionary holds
        made = super()._get_request_payload(input_, stop=stop, **kwargs)  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
        payload = cast(Fields, made)
        messages = self._convert_input(input_).to_messages()
        rows: list[Fields] = payload.get("messages", [])
        for message, row in zip(messages, rows, strict=False):
            kept = message.additional_kwargs.get(KEPT) if isinstance(message, AIMessage) else None
            if not kept or kept.get("model") != self.model_name:
                continue
            row.update(kept["message"])
            called: list[Fields] = row.get("tool_calls") or []
            for call, extra in zip(called, kept["calls"], strict=False):
                call.update(extra)
        return payload
