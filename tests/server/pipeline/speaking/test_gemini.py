"""Replies spoken by Gemini: bare samples or WAV on the wire, a voice message on the phone."""

from __future__ import annotations

import base64
import io
import json
import math
import struct
import uuid
import wave
from typing import Any

import pytest
from fastapi import Request
from fastapi.responses import JSONResponse, Response
from redis.asyncio import Redis

from agent.models.chat import Models
from agent.models.usage import Meter
from server.pipeline.speaking.speech import SpeechOrder, Unspoken, opus_seconds, speak
from tests.support.office import Office
from tests.support.shop.chatting import Scripted, polite
from tests.support.waiting import until

av: Any = pytest.importorskip("av", reason="the extra `voice` is not installed")

RATE, L16 = 24_000, "audio/L16;codec=pcm;rate=24000"


def tone(seconds: float, rate: int = RATE) -> bytes:
    """A tone of 440 Hz, as bare samples."""
    count = round(seconds * rate)
    return b"".join(
        struct.pack("<h", round(9_000 * math.sin(n * 880 * math.pi / rate))) for n in range(count)
    )


def wav(samples: bytes, rate: int = 48_000, channels: int = 1) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as made:
        made.setnchannels(channels)
        made.setsampwidth(2)
        made.setframerate(rate)
        made.writeframes(samples)
    return file.getvalue()


def said(data: bytes, mime: str) -> dict[str, Any]:
    """An answer of generateContent with sound."""
    sound = {"mimeType": mime, "data": base64.b64encode(data).decode()}
    content = {"role": "model", "parts": [{"inlineData": sound}]}
    usage = {"promptTokenCount": 12, "candidatesTokenCount": 75, "totalTokenCount": 87}
    return {"candidates": [{"content": content, "finishReason": "STOP"}], "usageMetadata": usage}


class Speaking(Office):
    """An office whose replies Gemini speaks, which the client reaches beside Meta."""

    def __init__(self, redis: Redis, tmp_path: Any, model: str = "gemini-3.8-flash-lite-tts", **speech: Any):
        bot = tmp_path / "bot.json"
        bot.write_text(json.dumps({"speech": {"when": "always", **speech}}))
        known = {
            "gemini_api_key": "g-key",
            "gemini_base_url": "http://speech",
            "bot_file": bot,
            "verifier_model": "off",
        }
        super().__init__(redis, tmp_path, debounce_seconds=0, speech_model=f"google_genai:{model}", **known)
        self.asked: list[dict[str, Any]] = []
        self.answer: Any = said(tone(2), L16)

        @self.emulator.app.post("/v1beta/models/{model}:generateContent")
        async def generate(model: str, request: Request) -> Response:
            assert request.headers["x-goog-api-key"] == "g-key"
            self.asked.append({"model": model, **await request.json()})
            refused = isinstance(self.answer, int)
            return Response("no", self.answer) if refused else JSONResponse(self.answer)

    async def speaks(self, order: SpeechOrder, meter: Meter | None = None) -> bytes:
        return await speak(self.settings, self.client, order, meter or Meter())


def heard(audio: bytes) -> tuple[float, float]:
    """(seconds, how loud) of a recording."""
    with av.open(io.BytesIO(audio)) as container:
        samples = [float(abs(s)) for frame in container.decode(audio=0) for s in frame.to_ndarray().flatten()]
        stream = container.streams.audio[0]
        assert (stream.codec_context.name, stream.layout.name) == ("opus", "mono")
        return len(samples) / stream.rate, max(samples)


async def test_a_reply_is_a_voice_message_on_the_phone_and_its_tokens_on_the_bill(redis: Redis, tmp_path):
    office = Speaking(redis, tmp_path, voice="Puck", manner="calm")
    conversation = await office.writes(f"7701{uuid.uuid4().int % 10**7:07}", "what does delivery cost?")
    async with office.working(Models(Scripted(script=polite, asked=[]))):
        await until(lambda: office.emulator.requests)
        await until(office.idle)
    sent = office.emulator.requests[-1]
    assert sent["type"] == "audio" and sent["audio"]["voice"] is True
    file = office.emulator.files.kept[sent["audio"]["id"]]
    seconds, loud = heard(file.data)
    assert 1.95 < seconds < 2.1 and loud > 0.1 and file.mime_type == "audio/ogg; codecs=opus"
    [asked] = office.asked
    line = (await office.runtime.conversations.transcript(conversation))[-1]
    assert asked["contents"] == [
        {"role": "user", "parts": [{"text": line.text, "speechMetadata": {"style": "calm"}}]}
    ]
    assert asked["generationConfig"]["responseModalities"] == ["AUDIO"]
    voice = asked["generationConfig"]["speechConfig"]["voiceConfig"]["prebuiltVoiceConfig"]["voiceName"]
    assert (asked["model"], voice) == ("gemini-3.8-flash-lite-tts", "Puck") and line.calls


@pytest.mark.parametrize(
    ("data", "mime"),
    [
        (tone(1), L16),
        (tone(1, 16_000), "audio/pcm;rate=16000"),
        (tone(1) + b"\x00", "audio/L16"),
        (wav(tone(1, 48_000)), "audio/wav"),
        (wav(tone(1), RATE), "audio/x-wav"),
    ],
)
async def test_whatever_form_the_sound_has_it_lasts_as_long(redis: Redis, tmp_path, data: bytes, mime: str):
    office, meter = Speaking(redis, tmp_path), Meter()
    office.answer = said(data, mime)
    audio = await office.speaks(SpeechOrder("Hello", ""), meter)
    assert 0.95 < opus_seconds(audio) < 1.1
    [call] = meter.calls
    assert (call.input_tokens, call.output_tokens) == (12, 75)


@pytest.mark.parametrize(
    "answer",
    [
        429,
        500,
        {},
        {"candidates": []},
        {"candidates": [{"content": {"parts": [{"text": "Hello"}]}}]},
        said(b"", L16),
        said(tone(1), "audio/L16;rate=1"),
        said(tone(1), "audio/mp3"),
        said(b"RIFF", "audio/wav"),
        said(wav(tone(1), channels=2), "audio/wav"),
        {"candidates": [{"content": {"parts": [{"inlineData": {"mimeType": L16, "data": "%"}}]}}]},
    ],
)
async def test_what_is_no_sound_is_not_spoken(redis: Redis, tmp_path, answer: Any):
    office = Speaking(redis, tmp_path)
    office.answer = answer
    with pytest.raises(Unspoken):
        await office.speaks(SpeechOrder("Hello", ""))


async def test_older_models_are_told_in_words_how_to_speak(redis: Redis, tmp_path):
    office = Speaking(redis, tmp_path, "gemini-2.5-flash-preview-tts")
    await office.speaks(SpeechOrder("Hello", "", "calm"))
    await office.speaks(SpeechOrder("Hello", ""))
    texts = [asked["contents"][0]["parts"][0] for asked in office.asked]
    assert texts == [{"text": "Read aloud, calm:\nHello"}, {"text": "Hello"}]
    voices = {json.dumps(asked["generationConfig"]["speechConfig"]) for asked in office.asked}
    assert len(voices) == 1 and "Kore" in voices.pop()
