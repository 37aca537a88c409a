"""Recordings without a container, and WAV, as OGG with Opus: by the libraries of FFmpeg, which come with the
extra `voice`."""

from __future__ import annotations

import importlib
import importlib.util
import io
import wave
from dataclasses import dataclass
from typing import Any

# What a voice message needs: Opus works at 48 kHz, and speech is well heard at 32 kbit/s (RFC 7587, 3.1.1).
OPUS_RATE, BITS_A_SECOND = 48_000, 32_000
# Bytes of a sample, and the rates at which speech comes.
SAMPLE, LOWEST, HIGHEST = 2, 8_000, 192_000
# Of Opus at its most, 510 kbit/s for 120 ms (RFC 6716, 2.1.1 and 3.2.5), bytes and some.
LARGEST_PACKET = 16_384
# What WebM begins with (RFC 8794, 11.2.1).
_EBML = b"\x1a\x45\xdf\xa3"


class NoRecording(ValueError):
    """What came is no recording that can be heard; the message says why."""


@dataclass(frozen=True, slots=True)
class Recording:
    """Samples of 16 bits, the lower byte first, of one channel, so many of them a second."""

    samples: bytes
    rate: int


def can_encode() -> bool:
    """Whether the library is installed."""
    return importlib.util.find_spec("av") is not None


def recording_of(data: bytes, mime: str) -> Recording:
    """What came as `audio/L16;codec=pcm;rate=24000` or as WAV. Raises NoRecording."""
    kind, *parameters = (part.strip() for part in mime.lower().split(";"))
    if data.startswith(b"RIFF"):
        return _of_wav(data)
    if kind not in ("audio/l16", "audio/pcm"):
        raise NoRecording(f"it is {kind or 'of no type'}")
    given = next((part.removeprefix("rate=") for part in parameters if part.startswith("rate=")), "24000")
    return _checked(data, int(given) if given.isascii() and given.isdecimal() else 0)


def _of_wav(data: bytes) -> Recording:
    try:
        with wave.open(io.BytesIO(data)) as file:
            if (file.getnchannels(), file.getsampwidth()) != (1, SAMPLE):
                raise NoRecording("it is no WAV of one channel and 16 bits")
            return _checked(file.readframes(file.getnframes()), file.getframerate())
    except (wave.Error, EOFError) as error:
        raise NoRecording(f"it is no WAV: {error}") from None


def _checked(samples: bytes, rate: int) -> Recording:
    whole = samples[: len(samples) // SAMPLE * SAMPLE]
    if not whole or not LOWEST <= rate <= HIGHEST:
        raise NoRecording(f"{len(whole)} bytes at {rate} samples a second")
    return Recording(whole, rate)


def as_voice_message(data: bytes) -> bytes:
    """A recording of a browser as OGG with Opus: WebM holds the same Opus, which is put into another
    container. What is OGG stays as it is. Blocks for some milliseconds. Raises NoRecording."""
    if data.startswith(b"OggS"):
        return data
    if not data.startswith(_EBML):
        raise NoRecording("it is neither OGG nor WebM")
    av = _libraries()
    target = io.BytesIO()
    try:
        with (
            av.open(io.BytesIO(data), format="matroska") as source,
            av.open(target, "w", format="ogg") as container,
        ):
            heard = source.streams.audio[0]
            if heard.codec_context.name not in ("opus", "libopus"):
                raise NoRecording(f"it is {heard.codec_context.name}, not Opus")
            stream = container.add_stream_from_template(heard)
            for packet in source.demux(heard):
                if packet.size > LARGEST_PACKET or target.tell() > 2 * len(data) + LARGEST_PACKET:
                    raise NoRecording("it unpacks to more than speech takes")
                if packet.dts is not None:
                    packet.stream = stream
                    container.mux(packet)
    except (av.error.FFmpegError, IndexError) as error:
        raise NoRecording(f"it is no recording: {error}") from None
    return target.getvalue()


def _libraries() -> Any:
    try:
        return importlib.import_module("av")
    except ImportError:
        raise NoRecording("PyAV is not installed: run make voice") from None


def ogg_of(recording: Recording) -> bytes:
    """The recording as OGG with Opus. Blocks for some milliseconds a second of speech. Raises NoRecording."""
    av = _libraries()
    target = io.BytesIO()
    with av.open(target, "w", format="ogg") as container:
        stream = container.add_stream("libopus", rate=OPUS_RATE, layout="mono")
        stream.bit_rate = BITS_A_SECOND
        resampler = av.AudioResampler(format="s16", layout="mono", rate=OPUS_RATE)
        frame = av.AudioFrame(format="s16", layout="mono", samples=len(recording.samples) // SAMPLE)
        frame.planes[0].update(recording.samples)
        frame.sample_rate = recording.rate
        for part in [*resampler.resample(frame), *resampler.resample(None)]:
            container.mux(stream.encode(part))
        container.mux(stream.encode(None))
    return target.getvalue()
