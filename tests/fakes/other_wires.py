"""Model servers of three more wires: OpenAI's Responses, Anthropic's Messages, and Ollama's own."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response

# What a server says: a text, or a call of a tool.
Said = str | tuple[str, dict[str, Any]]


class FakeWire:
    """`answer` decides what comes back, from the request as it came; `requests` is what was asked, `keys`
    with which keys."""

    def __init__(self, answer: Callable[[dict[str, Any]], Said | Response]) -> None:
        self.answer, self.app = answer, FastAPI()
        self.requests: list[dict[str, Any]] = []
        self.keys: list[str] = []

        async def asked(request: Request) -> Said | Response:
            body = await request.json()
            self.requests.append(body)
            self.keys.append(request.headers.get("x-api-key") or request.headers.get("authorization", ""))
            return self.answer(body)

        @self.app.post("/v1/responses")
        async def responses(request: Request) -> Response:
            said = await asked(request)
            return said if isinstance(said, Response) else JSONResponse(_response(said))

        @self.app.post("/v1/messages")
        async def messages(request: Request) -> Response:
            said = await asked(request)
            return said if isinstance(said, Response) else JSONResponse(_message(said))

        @self.app.post("/api/chat")
        async def chat(request: Request) -> Response:
            said = await asked(request)
            return (
                said
                if isinstance(said, Response)
                else Response(_line(said), media_type="application/x-ndjson")
            )


def _response(said: Said) -> dict[str, Any]:
    """OpenAI, API reference, "Create a model response"."""
    if isinstance(said, str):
        text = {"type": "output_text", "text": said, "annotations": []}
        spoken = {
            "type": "message",
            "id": "msg_1",
            "role": "assistant",
            "status": "completed",
            "content": [text],
        }
    else:
        name, arguments = said
        spoken = {
            **{"type": "function_call", "id": "fc_1", "call_id": "call_1", "status": "completed"},
            **{"name": name, "arguments": json.dumps(arguments)},
        }
    thought = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "sealed-thought"}
    usage = {
        **{"input_tokens": 90, "output_tokens": 20, "total_tokens": 110},
        **{"input_tokens_details": {"cached_tokens": 10}, "output_tokens_details": {"reasoning_tokens": 8}},
    }
    return {
        **{
            "id": "resp_1",
            "object": "response",
            "created_at": 1790000000,
            "status": "completed",
            "model": "gpt-fake",
        },
        **{
            "output": [thought, spoken],
            "usage": usage,
            "error": None,
            "incomplete_details": None,
            "tools": [],
        },
        **{"parallel_tool_calls": True, "tool_choice": "auto", "metadata": {}, "temperature": 1, "top_p": 1},
    }


def _message(said: Said) -> dict[str, Any]:
    """Anthropic, API reference, "Create a Message"."""
    part = (
        {"type": "text", "text": said}
        if isinstance(said, str)
        else {"type": "tool_use", "id": "toolu_1", "name": said[0], "input": said[1]}
    )
    return {
        **{"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-fake", "content": [part]},
        **{"stop_reason": "end_turn" if isinstance(said, str) else "tool_use", "stop_sequence": None},
        "usage": {"input_tokens": 90, "output_tokens": 20},
    }


def _line(said: Said) -> str:
    """Ollama, API reference, "Generate a chat completion"."""
    message: dict[str, Any] = {"role": "assistant", "content": said if isinstance(said, str) else ""}
    if not isinstance(said, str):
        message["tool_calls"] = [{"function": {"name": said[0], "arguments": said[1]}}]
    row = {
        **{"model": "small", "created_at": "2026-11-29T10:00:00Z", "message": message, "done": True},
        **{"done_reason": "stop", "prompt_eval_count": 90, "eval_count": 20, "total_duration": 1},
    }
    return json.dumps(row) + "\n"


def polite(request: dict[str, Any]) -> Said:
    """Everybody is a client; who asks for a vase has it looked up; then they are told what it costs."""
    offered = json.dumps(request.get("tools", []))
    if "Verdict" in offered:
        return "Verdict", {"contact_class": "client", "reason": "asks"}
    if "Facts" in offered:
        return "Facts", {}
    if "Blue vase" not in json.dumps(request.get("input") or request["messages"]).replace("blue vase", ""):
        return "find_product", {"query": "blue vase"}
    return "The blue vase costs 900 KZT."
