"""Which replies go out as voice messages, and their speech: made once, however often a turn is run, kept
beside its reply like any file, with the words in the transcript.

    speech:DIGEST  STRING  the speech of a reply and its words, until it is in the outbox
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import structlog

from agent.models.usage import Meter
from channels.base import Message
from channels.content.media import Audio
from server.bots.bot import BotRuntime
from server.conversations.contents import on_record
from server.conversations.outbox import Pair
from server.pipeline.speaking.speech import MIME, SpeechOrder, Unspoken, speak, speech_model
from server.pipeline.worker_services import WorkerServices
from server.store.counters import day_of
from server.store.keys import digest, key
from server.store.records import Contact

# A longer reply is read, not heard; what is tapped on, and a link, cannot be heard at all.
LONGEST = 1_200
_LINK = re.compile(r"https?://|www\.")
_MARKUP = re.compile(r"[*_~`]")
# A turn that failed may be run again so much later, seconds.
KEPT = 3_600

log = structlog.get_logger()


async def spoken(
    services: WorkerServices,
    runtime: BotRuntime,
    contact: Contact,
    said: Sequence[Message],
    pairs: list[Pair],
) -> list[Pair]:
    """The replies of a turn, those as voice messages that the bot's owner wants so. Whatever goes wrong, the
    words go out instead."""
    if not _wanted(services, runtime, contact, said):
        return pairs
    return [await _voiced(services, runtime, contact, pair) for pair in pairs]


def _wanted(services: WorkerServices, runtime: BotRuntime, contact: Contact, said: Sequence[Message]) -> bool:
    when = runtime.bot.context.speech.when
    if when == "never" or speech_model(services.settings) == "off":
        return False
    channel = services.router.channel(runtime.bot.id, contact.account)
    heard = [message.kind for message in said if message.kind != "echo"][-1:] == ["audio"]
    return (when == "always" or heard) and channel is not None and "audio" in channel.capabilities.shows


async def _voiced(services: WorkerServices, runtime: BotRuntime, contact: Contact, pair: Pair) -> Pair:
    reply, entry = pair
    bare = reply.content is None and not (reply.template or reply.notice or reply.file)
    if not bare or not reply.text.strip() or len(reply.text) > LONGEST or _LINK.search(reply.text):
        return pair
    meter = Meter(await services.spending.allowance(runtime.bot))
    try:
        audio = await _speech(services, runtime, f"{contact.id} {reply.id} {reply.text}", reply.text, meter)
    except Unspoken as error:
        log.warning("speech_failed", bot=runtime.bot.id, conversation=contact.id, reason=str(error)[:200])
        await _counted(runtime, "unspoken")
        return pair
    finally:
        if meter.calls:
            await services.spending.record(runtime.bot.id, contact.id, meter.calls)
    content = Audio(mime_type=MIME, data=audio, name="voice.ogg", voice=True)
    cost = sum(call.cost for call in meter.calls)
    bill = {"calls": entry.calls + len(meter.calls), "cost": entry.cost + cost}
    line = entry.model_copy(update={"content": on_record(content), **bill})
    return reply.model_copy(update={"content": content}), line


async def _speech(
    services: WorkerServices, runtime: BotRuntime, whose: str, text: str, meter: Meter
) -> bytes:
    """The speech of a reply, made once: a turn that is run again after a crash finds it. Raises Unspoken."""
    name = key(runtime.bot.id, "speech", digest(whose))
    if kept := await runtime.redis.get(name):
        return kept
    wanted = runtime.bot.context.speech
    order = SpeechOrder(_MARKUP.sub("", text), wanted.voice, wanted.manner)
    audio = await speak(services.settings, services.http, order, meter)
    await runtime.redis.set(name, audio, ex=KEPT)
    return audio


async def _counted(runtime: BotRuntime, reason: str) -> None:
    """Count it among what went otherwise than set."""
    zone = runtime.bot.limits.timezone
    async with runtime.redis.pipeline(transaction=False) as pipe:
        for name in (key(runtime.bot.id, "figures", day_of(zone)), key(runtime.bot.id, "totals")):
            pipe.hincrby(name, f"otherwise {reason}", 1)
        await pipe.execute()
