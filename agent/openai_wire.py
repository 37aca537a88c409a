"""OpenAI's wire as its many imitators speak it: what they add to an answer goes back to them with it.

Thinking servers refuse a tool's answer unless the call comes back with the thoughts it was made with: `reasoning_content`
(DeepSeek, "Thinking mode"; Qwen; Moonshot), `reasoning_details` (OpenRouter, "Reasoning tokens"), and per call `extra_content`
with a thought signature (Gemini, "OpenAI compatibility"). LangChain's client keeps none of them.
"""

from __future__ import annotations

from typing import Any

from langchain_core.messages import AIMessage
from langchain_core.outputs import ChatResult
from langchain_openai import ChatOpenAI

EXTRAS, CALL_EXTRAS = ("reasoning_content", "reasoning_details"), ("extra_content",)
# Under this name in a message's `additional_kwargs`: {model, message, calls}.
KEPT = "kept_for_wire"


class OpenAiWire(ChatOpenAI):
    """LangChain's client, with what servers add to their answers kept and returned to the same model."""

    def _create_chat_result(self, response: Any, generation_info: dict[str, Any] | None = None) -> ChatResult:
        result = super()._create_chat_result(response, generation_info)
        raw: dict[str, Any] = dict(response) if isinstance(response, dict) else response.model_dump(warnings=False)
        for generation, choice in zip(result.generations, raw.get("choices") or [], strict=False):
            said = choice.get("message") or {}
            kept = {name: said[name] for name in EXTRAS if said.get(name)}
            calls = [{name: one[name] for name in CALL_EXTRAS if one.get(name)} for one in said.get("tool_calls") or ()]
            if kept or any(calls):
                generation.message.additional_kwargs[KEPT] = {"model": self.model_name, "message": kept, "calls": calls}
        return result

    def _get_request_payload(self, input_: Any, *, stop: list[str] | None = None, **kwargs: Any) -> dict[str, Any]:
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
