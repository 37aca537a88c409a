"""Voice messages to text: Gemini's wire, and the model of the `voice` extra on other people's recordings."""

from __future__ import annotations

import importlib.util
import json
import re
from base64 import b64decode
from collections.abc import Callable
from difflib import SequenceMatcher
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from agent.models.usage import Meter
from server.config.settings import Settings
from server.pipeline.transcription import Unheard, VoiceMessage, transcribe
from tests.fakes.gemini_wire import part
from tests.fakes.serving import served

OGG = "audio/ogg; codecs=opus"


async def heard_by_gemini(
    answer: Callable[[dict[str, Any]], JSONResponse], audio: bytes = b"OggS", meter: Meter | None = None
) -> str:
    app = FastAPI()

    @app.post("/v1beta/models/gemini-x:generateContent")
    async def generate(request: Request) -> JSONResponse:
        assert request.headers["x-goog-api-key"] == "g-key"
        return answer(await request.json())

    with served(app) as url:
        settings = Settings(
            _env_file=None,  # pyright: ignore[reportCallIssue]
            gemini_api_key="g-key",  # pyright: ignore[reportArgumentType]
            gemini_base_url=url,
            transcription_model="google_genai:gemini-x",
        )
        async with httpx.AsyncClient() as http:
            return await transcribe(settings, http, VoiceMessage(audio, OGG, "ru"), meter or Meter())


async def test_gemini_hears_a_voice_message_and_its_tokens_are_counted():
    def answer(body: dict[str, Any]) -> JSONResponse:
        order, audio = body["contents"][0]["parts"]
        assert "word for word" in order["text"]
        assert (
            audio["inline_data"]["mime_type"] == "audio/ogg"
            and b64decode(audio["inline_data"]["data"]) == b"OggS"
        )
        return JSONResponse(part({"text": " Сколько стоит доставка? "}))

    meter = Meter()
    assert await heard_by_gemini(answer, meter=meter) == "Сколько стоит доставка?"
    (call,) = meter.calls
    assert (call.purpose, call.model, call.input_tokens, call.output_tokens) == (
        "transcribe",
        "google_genai:gemini-x",
        104,
        16,
    )


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (400, {"error": {"code": 400, "message": "Unsupported audio", "status": "INVALID_ARGUMENT"}}),
        (200, {"candidates": [], "promptFeedback": {"blockReason": "OTHER"}}),
        (200, {"candidates": [{"finishReason": "SAFETY", "index": 0}]}),
        (200, part({"text": "..."})),
        (200, part({"text": "I should listen", "thought": True})),
        (200, [1]),
    ],
    ids=["damaged", "blocked", "unsafe", "silent", "only a thought", "no object"],
)
async def test_what_gemini_cannot_hear_is_unheard(status: int, body: Any):
    with pytest.raises(Unheard):
        await heard_by_gemini(lambda _: JSONResponse(body, status))


async def test_a_provider_that_is_down_may_hear_it_later():
    with pytest.raises(httpx.HTTPStatusError):
        await heard_by_gemini(lambda _: JSONResponse({"error": {"code": 503}}, 503))


@pytest.mark.external_data
async def test_gemini_answers_that_others_recorded_are_heard(external_data):
    lines = (external_data / "07_llm_wire" / "llm_http_recordings.jsonl").read_text().splitlines()
    rows = [
        row for row in map(json.loads, lines) if row["provider"] == "gemini" and "audio_in" in row["features"]
    ]
    bodies = [row["response"]["body"] for row in rows if row["response"]["status"] == 200]
    bodies = [body for body in bodies if isinstance(body, dict)]
    assert bodies
    for body in bodies:
        said = [
            p["text"]
            for p in body["candidates"][0]["content"]["parts"]
            if p.get("text") and not p.get("thought")
        ]
        assert said and await heard_by_gemini(lambda _, b=body: JSONResponse(b)) == "".join(said).strip()


@pytest.mark.external_data
async def test_the_voice_model_of_this_machine_hears_real_speech_and_invents_none(external_data):
    if importlib.util.find_spec("faster_whisper") is None:
        pytest.skip("the voice extra is not installed (make voice): the packaged whisper model is left out")
    folder = external_data / "08_voice"
    settings = Settings(_env_file=None, transcription_model="offline")  # pyright: ignore[reportCallIssue]
    clips = [json.loads(line) for line in (folder / "manifest.jsonl").read_text().splitlines()]
    async with httpx.AsyncClient() as http:

        async def hear(clip: dict[str, Any]) -> str | None:
            language = (clip["lang"] or "")[:2]
            try:
                voice = VoiceMessage((folder / clip["file"]).read_bytes(), OGG, language)
                return await transcribe(settings, http, voice, Meter())
            except Unheard:
                return None

        def near(heard: str | None, said: str) -> bool:
            bare = [re.sub(r"\W", "", text.casefold()) for text in (heard or "", said)]
            return SequenceMatcher(None, *bare).ratio() > 0.7

        spoken = [c for c in clips if c["kind"].startswith("recorded") and len(c["transcript"]) > 5]
        right = [c["file"] for c in spoken if near(await hear(c), c["transcript"])]
        assert len(right) >= len(spoken) - 1, right  # "one two three" is written "1, 2, 3"
        silent = next(c for c in clips if c["kind"] == "silence")
        assert await hear(silent) is None
        for damaged in (c for c in clips if c["kind"] == "damaged"):
            heard = await hear(damaged)  # half a clip still holds words
            assert heard is None or len(heard) < 40
