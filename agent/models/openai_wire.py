"""OpenAI's wire as its many imitators speak it: what they add to an answer goes back to them with it.

Thinking servers refuse a tool's answer unless the call comes back with the thoughts it was made with:
`reasoning_content` (DeepSeek, "Thinking mode"; Qwen; Moonshot), `reasoning_details` (OpenRouter, "Reasoning
tokens"), and per call `extra_content` with a thought signature (Gemini, "OpenAI compatibility"). LangChain's
client keeps none of them."""

from __future__ import annotations

import json
import re
from typing import Any

from langchain_core.messages import AIMessage
from langchain_core.outputs import ChatResult
from langchain_openai import ChatOpenAI

from agent.models.failures import NoAnswer
from agent.models.ways import KEPT

EXTRAS, CALL_EXTRAS = ("reasoning_content", "reasoning_details"), ("extra_content",)


def in_pieces(text: str) -> dict[str, Any] | None:
    """The completion in an event stream (chat.completion.chunk) that a server sent unasked; None for any
    other text."""
    whole: dict[str, Any] = {}
    said: dict[str, Any] = {"content": ""}
    calls: dict[int, dict[str, Any]] = {}
    for line in re.findall(r"^data:\s*(\{.*\})\s*$", text, re.M):
        try:
            piece = json.loads(line)
        except ValueError:
            return None
        choice = (piece.get("choices") or [{}])[0]
        delta = choice.get("delta") or choice.get("message") or {}
        said["content"] += delta.get("content") or ""
        for call in delta.get("tool_calls") or ():
            known = calls.setdefault(call.get("index", 0), {"function": {"name": "", "arguments": ""}})
            known["id"] = call.get("id") or known.get("id")
            for part in ("name", "arguments"):
                known["function"][part] += (call.get("function") or {}).get(part) or ""
        end = choice.get("finish_reason") or (whole.get("choices") or [{}])[0].get("finish_reason")
        whole = {**whole, **piece, "choices": [{"index": 0, "finish_reason": end}]}
    if not whole:
        return None
    whole["choices"][0]["message"] = {**said, "tool_calls": list(calls.values())}
    return {**whole, "object": "chat.completion"}


def _completion(text: str) -> dict[str, Any] | None:
    """The completion in an answer that was sent as text: an event stream, or JSON behind lines that only keep
    the connection open (`: PROCESSING`; "Server-sent events", comments)."""
    bare = re.sub(r"^:.*$", "", text, flags=re.M).strip()
    try:
        found = json.loads(bare)
    except ValueError:
        return in_pieces(text)
    return found if isinstance(found, dict) else None


def as_meant(answer: dict[str, Any]) -> dict[str, Any]:
    """A completion as its wire has it, whatever its server made of it: the author is the assistant, the
    arguments of a call are one JSON text, each call has an id, a call in the old place (`function_call`)
    stands in the new one. Raises NoAnswer."""
    if not isinstance(answer.get("choices"), list):
        return answer
    if not answer["choices"]:
        raise NoAnswer("an answer without choices")
    choices = []
    for choice in answer["choices"]:
        message = {**(choice.get("message") or {}), "role": "assistant"}
        if isinstance(message.get("content"), dict):
            message["content"] = [message["content"]]
        calls = list(message.get("tool_calls") or ())
        if not calls and isinstance(message.get("function_call"), dict):
            calls = [{"function": message["function_call"]}]
        message["tool_calls"] = [
            _call(call, place) for place, call in enumerate(calls) if isinstance(call, dict)
        ] or None
        message.pop("function_call", None)
        choices.append({**choice, "message": message})
    return {**answer, "choices": choices}


def _call(call: dict[str, Any], place: int) -> dict[str, Any]:
    function = dict(call.get("function") or {})
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

    def _create_chat_result(self, response: Any, generation_info: dict[str, Any] | None = None) -> ChatResult:
        told: Any = _completion(response) if isinstance(response, str) else response
        if not isinstance(told, dict) and not hasattr(told, "model_dump"):  # no JSON at all
            return super()._create_chat_result(response, generation_info)  # pyright: ignore[reportArgumentType]
        raw = as_meant(dict(told) if isinstance(told, dict) else told.model_dump(warnings=False))
        result = super()._create_chat_result(raw, generation_info)
        for generation, choice in zip(result.generations, raw.get("choices") or [], strict=False):
            said = choice.get("message") or {}
            kept = {name: said[name] for name in EXTRAS if said.get(name)}
            calls = [
                {name: one[name] for name in CALL_EXTRAS if one.get(name)}
                for one in said.get("tool_calls") or ()
            ]
            if kept or any(calls):
                generation.message.additional_kwargs[KEPT] = {
                    "model": self.model_name,
                    "message": kept,
                    "calls": calls,
                }
        return result

    def _get_request_payload(
        self, input_: Any, *, stop: list[str] | None = None, **kwargs: Any
    ) -> dict[str, Any]:
        payload = super()._get_request_payload(input_, stop=stop, **kwargs)
        messages = self._convert_input(input_).to_messages()
        for message, row in zip(messages, payload.get("messages", ()), strict=False):
            kept = message.additional_kwargs.get(KEPT) if isinstance(message, AIMessage) else None
            if not kept or kept.get("model") != self.model_name:
                continue
            row.update(kept["message"])
            for call, extra in zip(row.get("tool_calls") or (), kept["calls"], strict=False):
                call.update(extra)
        return payload
