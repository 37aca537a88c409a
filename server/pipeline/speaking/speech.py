"""Text to speech by OpenAI's wire or Gemini's, as OGG with Opus, which WhatsApp shows as a voice message."""

from __future__ import annotations

import asyncio
import base64
import struct
from dataclasses import dataclass
from typing import Any

import httpx
import structlog

from agent.models.usage import Meter
from channels.json_parts import as_dict, as_dicts
from channels.requests import object_in
from server.config.settings import Settings
from server.pipeline.speaking.ogg import OPUS_RATE, can_encode, ogg_of, recording_of
from server.pipeline.transcription import GEMINI_URL

# Seconds one speech may take; a reply waits for it.
SECONDS = 30
# What OpenAI's own key speaks with ("Create speech": models).
DEFAULT_MODEL = "openai:gpt-4o-mini-tts"
MIME = "audio/ogg; codecs=opus"
# Bytes that a voice message may have at most on WhatsApp ("Audio messages": 16 MB).
LARGEST = 16 * 1024 * 1024
# The answer is a file without a count of tokens. OpenAI's price list puts a minute of gpt-4o-mini-tts at 1.5
# cents, which is 1,250 of its tokens; a token of text has about four characters, fewer in most scripts.
TOKENS_A_SECOND, CHARACTERS_A_TOKEN = 1_250 / 60, 3
# Who speaks where a bot names no voice.
OPENAI_VOICE, GEMINI_VOICE = "coral", "Kore"
# Models of Gemini's that are told in words how to speak; newer ones read every word of the text aloud.
WORDED = ("gemini-2.5-", "gemini-3.1-")

log = structlog.get_logger()


class Unspoken(Exception):
    """There is no speech of a text; the message says why."""


@dataclass(frozen=True, slots=True)
class SpeechOrder:
    """What is to be said, in which voice, and how."""

    text: str
    voice: str
    manner: str = ""


def speech_model(settings: Settings) -> str:
    """SPEECH_MODEL, else OpenAI's where its own key is set, else `off`."""
    if settings.speech_model:
        return settings.speech_model
    own = settings.openai_key and "api.openai.com" in settings.openai_base_url
    return DEFAULT_MODEL if own else "off"


async def speak(settings: Settings, http: httpx.AsyncClient, order: SpeechOrder, meter: Meter) -> bytes:
    """A text as OGG with Opus; what that costs goes on the bill of `meter`. Raises Unspoken."""
    provider, _, model = speech_model(settings).partition(":")
    if provider not in ("openai", "google_genai"):
        raise Unspoken("SPEECH_MODEL is off")
    if meter.allowance == "offline":
        raise Unspoken("the day's budget is spent")
    ask = _openai if provider == "openai" else _gemini
    audio = await ask(settings, http, model, order, meter)
    seconds = opus_seconds(audio)
    if not seconds or len(audio) > LARGEST:
        raise Unspoken("the answer is no OGG with Opus" if not seconds else f"{len(audio)} bytes")
    log.info("spoken", model=model, characters=len(order.text), seconds=round(seconds, 1), bytes=len(audio))
    return audio


async def _openai(
    settings: Settings, http: httpx.AsyncClient, model: str, order: SpeechOrder, meter: Meter
) -> bytes:
    """POST /audio/speech (OpenAI API reference, "Create speech")."""
    voice = order.voice or OPENAI_VOICE
    asked = {"model": model, "input": order.text, "voice": voice, "response_format": "opus"}
    if order.manner and not model.startswith("tts-1"):  # which takes none ("Create speech": instructions)
        asked["instructions"] = order.manner
    headers = {"Authorization": f"Bearer {settings.openai_key or 'none'}"}
    answer = await _answer(http, f"{settings.openai_base_url}/audio/speech", asked, headers)
    audio = answer.content
    # it was made, whatever it is worth to us
    meter.add(
        "speak",
        f"openai:{model}",
        len(order.text) // CHARACTERS_A_TOKEN + 1,
        round(opus_seconds(audio) * TOKENS_A_SECOND),
    )
    return audio


async def _gemini(
    settings: Settings, http: httpx.AsyncClient, model: str, order: SpeechOrder, meter: Meter
) -> bytes:
    """POST :generateContent for sound (Gemini API, "Text-to-speech generation"), which comes as bare samples
    or, of newer models, as WAV."""
    if not can_encode():
        raise Unspoken("PyAV is not installed: run make voice")
    voice = {"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": order.voice or GEMINI_VOICE}}}
    asked = {
        "contents": [{"role": "user", "parts": [_part(model, order)]}],
        "generationConfig": {"responseModalities": ["AUDIO"], "speechConfig": voice},
    }
    url = f"{settings.gemini_base_url or GEMINI_URL}/v1beta/models/{model}:generateContent"
    answer = await _answer(http, url, asked, {"x-goog-api-key": settings.gemini_key or ""})
    body = object_in(answer)
    usage = as_dict(body.get("usageMetadata"))
    read, written = (_count(usage.get(f"{name}TokenCount")) for name in ("prompt", "candidates"))
    meter.add("speak", f"google_genai:{model}", read, written)
    contents = [as_dict(one.get("content")) for one in as_dicts(body.get("candidates"))]
    parts = [part for content in contents for part in as_dicts(content.get("parts"))]
    sound = as_dict(next((part["inlineData"] for part in parts if part.get("inlineData")), None))
    try:
        data = base64.b64decode(str(sound.get("data") or ""), validate=True)
        recording = recording_of(data, str(sound.get("mimeType") or ""))
        return await asyncio.to_thread(ogg_of, recording)
    except ValueError as error:  # no base64, or no recording
        raise Unspoken(f"the answer is no sound: {error}"[:200]) from error


def _part(model: str, order: SpeechOrder) -> dict[str, Any]:
    """What is to be said, and how: as data of the part, or before the words for models that know no data."""
    if not order.manner:
        return {"text": order.text}
    if model.startswith(WORDED):
        return {"text": f"Read aloud, {order.manner}:\n{order.text}"}
    return {"text": order.text, "speechMetadata": {"style": order.manner}}


async def _answer(
    http: httpx.AsyncClient, url: str, asked: dict[str, Any], headers: dict[str, str]
) -> httpx.Response:
    try:
        answer = await http.post(url, json=asked, headers=headers, timeout=SECONDS)
    except httpx.HTTPError as error:
        raise Unspoken(f"no answer: {type(error).__name__}") from error
    if answer.status_code != 200:
        raise Unspoken(f"HTTP {answer.status_code}")
    return answer


def _count(value: object) -> int:
    return value if isinstance(value, int) else 0


def opus_seconds(audio: bytes) -> float:
    """How long an OGG with Opus lasts, by the position of its last page (RFC 3533, section 6), counted at 48
    kHz whatever it was recorded at (RFC 7845, section 4); 0 for what is none."""
    last = audio.rfind(b"OggS")
    if not audio.startswith(b"OggS") or b"OpusHead" not in audio[:128] or len(audio) < last + 14:
        return 0
    samples: int = struct.unpack_from("<q", audio, last + 6)[0]
    return max(0, samples) / OPUS_RATE
