"""A model server that speaks OpenAI's chat completions wire and answers as it is told."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Annotated, Any

from fastapi import FastAPI, Form, Request, UploadFile
from fastapi.responses import JSONResponse, Response

from tests.fakes.recordings import opus

Answer = Callable[[dict[str, Any]], dict[str, Any] | Response]


def message(content: str | None = None, call: tuple[str, dict[str, Any]] | None = None) -> dict[str, Any]:
    """A completion in the shape of real recordings."""
    said: dict[str, Any] = {"role": "assistant", "content": content, "refusal": None, "annotations": []}
    if call:
        function = {"name": call[0], "arguments": json.dumps(call[1])}
        said["tool_calls"] = [
            {"id": f"call_{abs(hash(str(call))):x}", "type": "function", "function": function}
        ]
    choice = {
        "index": 0,
        "message": said,
        "finish_reason": "tool_calls" if call else "stop",
        "logprobs": None,
    }
    usage = {"prompt_tokens": 104, "completion_tokens": 16, "total_tokens": 120}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1742842885,
        "model": "gpt-fake",
        "choices": [choice],
        "usage": usage,
        "service_tier": "default",
        "system_fingerprint": "fp_0",
    }


def schema_of(request: dict[str, Any]) -> str:
    """The one tool that the request forces, or an empty text."""
    choice = request.get("tool_choice")
    return choice["function"]["name"] if isinstance(choice, dict) else ""


def last_user(request: dict[str, Any]) -> str:
    return next((str(m["content"]) for m in reversed(request["messages"]) if m["role"] == "user"), "")


def polite(request: dict[str, Any]) -> dict[str, Any]:
    """Everybody is a client, nobody says anything of themselves, every question gets its echo, which claims
    nothing."""
    if schema_of(request) == "Verdict":
        return message(call=("Verdict", {"contact_class": "client", "intent": "business", "reason": "asks"}))
    if schema_of(request) == "Facts":
        return message(call=("Facts", {}))
    if schema_of(request) == "Verified":
        return reads_nothing(request)
    return message(f"You asked: {last_user(request)[:200]}")


def reads_nothing(request: dict[str, Any]) -> dict[str, Any]:
    """A verifier that takes every sentence for small talk."""
    reply = last_user(request).partition("<reply>\n")[2].partition("\n</reply>")[0]
    rows = [{"n": n, "status": "no_claim"} for n, _ in enumerate(reply.split("\n"), 1)]
    return message(call=("Verified", {"sentences": rows}))


class FakeOpenAI:
    """`answer` decides what comes back; `requests` is what was asked; `hang` (seconds) is how long it
    thinks."""

    def __init__(self) -> None:
        self.answer: Answer = polite
        self.requests: list[dict[str, Any]] = []
        self.hang: float | Callable[[dict[str, Any]], float] = 0.0
        self.heard: str | int = "what does delivery cost"  # of a voice message; a number is an HTTP status
        self.spoken: list[dict[str, Any]] = []  # what was to be said aloud
        self.app = FastAPI()

        @self.app.post("/v1/chat/completions")
        async def complete(request: Request) -> Response:
            body = await request.json()
            self.requests.append(body)
            await asyncio.sleep(self.hang(body) if callable(self.hang) else self.hang)
            answer = self.answer(body)
            return answer if isinstance(answer, Response) else JSONResponse(answer)

        @self.app.post("/v1/audio/speech")
        async def speak(request: Request) -> Response:
            body = await request.json()
            self.spoken.append(body)
            await asyncio.sleep(self.hang(body) if callable(self.hang) else self.hang)
            return Response(opus(2), media_type="audio/ogg")

        @self.app.post("/v1/audio/transcriptions")
        async def transcribe(file: UploadFile, model: Annotated[str, Form()]) -> Response:
            assert model and await file.read()
            if isinstance(self.heard, int):
                return error(
                    self.heard, "invalid_request_error", None, "Audio file might be corrupted or unsupported"
                )
            return JSONResponse({"text": self.heard, "usage": {"input_tokens": 14, "output_tokens": 45}})

    def sales_calls(self) -> list[dict[str, Any]]:
        """The calls that fill no form: neither moderation nor extraction, nor the reading of a reply."""
        return [
            request
            for request in self.requests
            if not schema_of(request) and "one JSON object for" not in str(request["messages"][0]["content"])
        ]


def error(status: int, kind: str, code: str | None, text: str) -> Response:
    return JSONResponse({"error": {"message": text, "type": kind, "param": None, "code": code}}, status)
