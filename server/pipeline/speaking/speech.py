"""Text to speech by OpenAI's wire, as OGG with Opus, which WhatsApp shows as a voice message."""

from __future__ import annotations

import struct
from dataclasses import dataclass

import httpx
import structlog

from agent.models.usage import Meter
from server.config.settings import Settings

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
# Opus counts its samples at 48 kHz whatever it was recorded at (RFC 7845, section 4).
OPUS_RATE = 48_000

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
    if provider != "openai":
        raise Unspoken("SPEECH_MODEL is off")
    if meter.allowance == "offline":
        raise Unspoken("the day's budget is spent")
    asked = {"model": model, "input": order.text, "voice": order.voice, "response_format": "opus"}
    if order.manner and not model.startswith("tts-1"):  # which takes none ("Create speech": instructions)
        asked["instructions"] = order.manner
    try:
        answer = await http.post(
            f"{settings.openai_base_url}/audio/speech",
            json=asked,
            headers={"Authorization": f"Bearer {settings.openai_key or 'none'}"},
            timeout=SECONDS,
        )
    except httpx.HTTPError as error:
        raise Unspoken(f"no answer: {type(error).__name__}") from error
    if answer.status_code != 200:
        raise Unspoken(f"HTTP {answer.status_code}")
    audio = answer.content
    seconds = opus_seconds(audio)
    # it was made, whatever it is worth to us
    meter.add(
        "speak",
        f"openai:{model}",
        len(order.text) // CHARACTERS_A_TOKEN + 1,
        round(seconds * TOKENS_A_SECOND),
    )
    if not seconds or len(audio) > LARGEST:
        raise Unspoken("the answer is no OGG with Opus" if not seconds else f"{len(audio)} bytes")
    log.info("spoken", model=model, characters=len(order.text), seconds=round(seconds, 1), bytes=len(audio))
    return audio


def opus_seconds(audio: bytes) -> float:
    """How long an OGG with Opus lasts, by the position of its last page (RFC 3533, section 6); 0 for what is
    none."""
    last = audio.rfind(b"OggS")
    if not audio.startswith(b"OggS") or b"OpusHead" not in audio[:128] or len(audio) < last + 14:
        return 0
    samples: int = struct.unpack_from("<q", audio, last + 6)[0]
    return max(0, samples) / OPUS_RATE
