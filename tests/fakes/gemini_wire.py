"""A model server that speaks Gemini's generateContent wire."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI, Request


def part(content: dict[str, Any]) -> dict[str, Any]:
    """A response in the shape of real recordings."""
    candidate = {"content": {"parts": [content], "role": "model"}, "finishReason": "STOP", "index": 0}
    usage = {"promptTokenCount": 104, "candidatesTokenCount": 16, "totalTokenCount": 120}
    return {
        "candidates": [candidate],
        "usageMetadata": usage,
        "modelVersion": "gemini-fake",
        "responseId": "r1",
    }


class FakeGemini:
    """Judges everybody a client, learns nothing, and answers with a greeting."""

    def __init__(self) -> None:
        self.requests: list[dict[str, Any]] = []
        self.app = FastAPI()

        @self.app.post("/v1beta/models/{model}:generateContent")
        async def generate(model: str, request: Request) -> dict[str, Any]:
            body = await request.json()
            self.requests.append({"model": model, "key": request.headers.get("x-goog-api-key"), **body})
            forced = (
                body.get("toolConfig", {}).get("functionCallingConfig", {}).get("allowedFunctionNames", [])
            )
            if forced:
                args = (
                    {"contact_class": "client", "intent": "business", "reason": "asks"}
                    if forced == ["Verdict"]
                    else {}
                )
                return part({"functionCall": {"name": forced[0], "args": args}})
            return part({"text": "Greetings from Gemini."})
