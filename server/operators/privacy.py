"""What is known of one person: all of it handed out, or all of it gone.

Media are fetched when they are looked at and never stored; an export holds those that the provider still has.
"""

from __future__ import annotations

import asyncio
import io
import json
import zipfile
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Any

import structlog
from langchain_core.messages import messages_to_dict
from pydantic import Field
from redis.exceptions import RedisClusterException, RedisError

from agent.checkpointer import RedisCheckpointer
from agent.memory import notes
from channels.downloads import DownloadError
from server.bots.bot import BotRuntime
from server.bots.routing import ChannelRouter
from server.conversations.attachments import received, sent
from server.conversations.search.index import SearchIndex
from server.observability import turn_traces
from server.operators.learning.decisions import Decisions
from server.operators.teamwork.comments import comments_of
from server.orders.book import OrderBook
from server.outreach import consent
from server.outreach.appointments import Appointments
from server.outreach.timers import Timers
from server.pipeline.agents import note_store
from server.store.client import Redis
from server.store.keys import key, thread_prefix
from server.store.records import Contact, Entry, Record

# What a turn in hand may still write is gone after so many seconds too.
AFTERMATH = 90
# Files of an export, bytes.
MOST_MEDIA = 200 * 1024 * 1024
# Everything of a transcript; a bot keeps at most this much anyway.
ALL = 1_000_000
# Collections of a bot in which a conversation is a member, and those whose entries may tell of one.
_SETS = (
    "busy",
    "fresh",
    "unread",
    "failed",
    "needs",
    "class:client",
    "class:non_client",
    "class:unknown",
    "resolved",
)
_ZSETS = ("due", "active", "changed", "timers", "suppressed", "snoozed")
# Sets of conversations, one for each operator or label.
_FAMILIES = ("colleague", "label", "mentioned")
_LISTS, _HASHES = (
    ("quarantine", "skipped", "consents", "happened", "unanswered", "edited"),
    ("dead", "notices", "reminders", "call_rows", "order_rows", "deliveries", "merges", "merged"),
)
# Keys of their own whose values may tell of somebody.
_VALUES = ("sent", "called", "noticing")
# Digests of message ids: they tell of nobody, and keep an old message from being answered again.
_KEPT = "seen"

log = structlog.get_logger()


class Erased(Record):
    """What an erasure took."""

    id: str = Field(description="The contact's id")
    keys: int = Field(default=0, description="Keys of the database that were deleted")
    entries: int = Field(default=0, description="Entries taken out of lists and sets of the database")
    left: list[str] | None = Field(
        default=None,
        description="Keys that still hold the person's number or id, and the file of this host's search "
        "index if it does; only where `verify` was asked for",
        exclude_if=lambda found: found is None,
    )


async def contact_archive(
    redis: Redis, runtime: BotRuntime, contact: Contact, router: ChannelRouter
) -> bytes:
    """A zip archive of JSON files: the record, the transcript, what the agent remembers, how replies came
    about, touches, appointments, orders, consent; and the files of messages, with a note of those that did
    not come."""
    bot_id = runtime.bot.id
    saver = RedisCheckpointer(redis, prefix=thread_prefix(bot_id))
    found = await saver.aget_tuple({"configurable": {"thread_id": contact.id}})
    memory = dict(found.checkpoint["channel_values"]) if found else {}
    plan = await Timers(redis).plan(bot_id, contact.id)
    entries = await runtime.conversations.transcript(contact.id, ALL)
    media, missing = await _media(runtime, router, contact, entries)
    turns = {entry.turn_id for entry in entries if entry.turn_id}
    found_traces = [await turn_traces.find_trace(redis, bot_id, contact.id, turn) for turn in sorted(turns)]
    orders = OrderBook(redis)
    files = {
        "contact": contact.model_dump(exclude={"id", "bot_id"}),
        "transcript": [entry.model_dump() for entry in entries],
        "turns": [trace.model_dump() for trace in found_traces if trace],
        "media_missing": missing,
        "memory": {
            "messages": messages_to_dict(memory.get("messages", [])),
            "summary": memory.get("summary", ""),
        },
        "comments": [one.model_dump() for one in await comments_of(runtime, contact.id)],
        "notes": notes.as_values(await notes.read_notes(note_store(redis, bot_id), bot_id, contact.id)),
        "follow_up": plan.model_dump() if plan else None,
        "appointments": [
            booked.model_dump()
            for booked in await Appointments(redis).coming(bot_id)
            if booked.conversation_id == contact.id
        ],
        "orders": [order.model_dump(mode="json") for order in await orders.orders_of(bot_id, contact.id)],
        "cart": (await orders.cart(bot_id, contact.id)).cart.model_dump(mode="json"),
        "consent": [
            change.model_dump()
            for change in await consent.changes(redis, bot_id, ALL)
            if change.conversation_id == contact.id
        ],
    }
    return await asyncio.to_thread(_packed, files, media)


def _packed(files: dict[str, Any], media: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(f"{name}.json", json.dumps(content, ensure_ascii=False, indent=2))
        for name, data in media.items():  # pictures and sound are as small as they get
            archive.writestr(f"media/{name}", data, zipfile.ZIP_STORED)
    return packed.getvalue()


async def _media(
    runtime: BotRuntime, router: ChannelRouter, contact: Contact, entries: Sequence[Entry]
) -> tuple[dict[str, bytes], list[dict[str, str]]]:
    """The files by name, and why others did not come. All together they are at most MOST_MEDIA bytes."""
    files: dict[str, bytes] = {}
    missing: list[dict[str, str]] = []
    for entry in entries:
        if entry.media is None and entry.attached is None:
            continue
        try:
            file = await received.of_entry(runtime, router, contact, entry)
            if sum(map(len, files.values())) + len(file.data) > MOST_MEDIA:
                raise DownloadError("too_large", "the archive is full")
            files[f"{len(files):03}-{file.name}"] = file.data
        except (DownloadError, received.NoMedia) as error:
            missing.append({"id": entry.id, "reason": str(error)})
    return files, missing


async def erased(
    redis: Redis,
    runtime: BotRuntime,
    contact: Contact,
    verify: bool = False,
    index: SearchIndex | None = None,
) -> Erased:
    """Forget a person: record, conversation, working memory, touches, appointments, dead letters and every
    line that names them; and what the search index of this host holds. Whoever wanted no more messages gets
    none if they are ever written to again. `verify` looks through all keys of the bot afterwards, and through
    the bytes of the index."""
    if contact.stopped:
        await runtime.conversations.keep_silent(contact)
    done = await _swept(redis, runtime, contact)
    if await redis.unlink(key(runtime.bot.id, "contact", contact.id)):  # of many who ask at once, one
        done = done.model_copy(update={"keys": done.keys + 1})
        for name in contact.profile:
            await redis.hincrby(key(runtime.bot.id, "fields"), name, -1)
    if index:
        await index.forget(runtime.bot.id, contact.id)
    try:
        await redis.execute_command("BGREWRITEAOF")  # its append-only file still says what was there
    except (RedisError, RedisClusterException) as error:  # a managed server rewrites it by itself
        log.info("append_only_file_kept", reason=str(error)[:100])
    log.info(
        "contact_erased", bot=runtime.bot.id, conversation=contact.id, keys=done.keys, entries=done.entries
    )
    if not verify:
        return done
    needles = _needles(contact, with_id=False)
    left = [name async for name in holders(redis, runtime.bot.id, needles)]
    if index and (file := await index.holds(needles)):
        left.append(file)
    return done.model_copy(update={"left": left})


async def erase_again(
    redis: Redis, runtime: BotRuntime, contact: Contact, index: SearchIndex | None = None
) -> None:
    """Once more after AFTERMATH, for what a turn in hand still wrote; not when they have written to us
    anew."""
    await asyncio.sleep(AFTERMATH)
    if not await redis.hexists(key(runtime.bot.id, "contact", contact.id), "created"):
        await _swept(redis, runtime, contact)
        await redis.unlink(key(runtime.bot.id, "contact", contact.id))
        if index:
            await index.forget(runtime.bot.id, contact.id)


async def holders(redis: Redis, bot_id: str, needles: Iterable[bytes]) -> AsyncIterator[str]:
    """The keys of a bot that hold one of these texts, in name or value; documents are not looked at."""
    needles = list(needles)
    async for name in redis.scan_iter(match=key(bot_id, "*"), count=1000):
        if name.startswith(key(bot_id, "knowledge").encode()):
            continue
        if _holds(name, needles) or _holds(await _content(redis, name), needles):
            yield name.decode()


async def _content(redis: Any, name: bytes) -> bytes:
    kind = (await redis.type(name)).decode()
    if kind == "string":
        return await redis.get(name) or b""
    if kind == "hash":
        return b"\n".join(part for pair in (await redis.hgetall(name)).items() for part in pair)
    if kind == "list":
        return b"\n".join(await redis.lrange(name, 0, -1))
    if kind == "set":
        return b"\n".join(await redis.smembers(name))
    return b"\n".join(await redis.zrange(name, 0, -1)) if kind == "zset" else b""


def _needles(contact: Contact, with_id: bool = True) -> list[bytes]:
    wanted = [contact.wa_id, contact.user_id, *([contact.id] if with_id else [])]
    return [text.encode() for text in wanted if text]


def _holds(value: bytes, needles: Iterable[bytes]) -> bool:
    return any(needle in value for needle in needles)


async def _swept(redis: Any, runtime: BotRuntime, contact: Contact) -> Erased:
    bot_id, needles = runtime.bot.id, _needles(contact)
    appointments = Appointments(redis)
    for booked in await appointments.of(bot_id, contact.id):
        await appointments.cancel(bot_id, booked.id)
    keys = [name async for name in redis.scan_iter(match=key(bot_id, f"*{contact.id}*"), count=1000)]
    keys = [name for name in keys if not name.startswith(key(bot_id, _KEPT, "").encode())]
    last = key(bot_id, "contact", contact.id).encode()
    keys = [name for name in keys if name != last]
    keys += [name.encode() for name in await runtime.conversations.aliases(contact)]
    for part in _VALUES:
        async for name in redis.scan_iter(match=key(bot_id, part, "*"), count=1000):
            if _holds(await _content(redis, name), needles):
                keys.append(name)
    for entry in await runtime.conversations.transcript(contact.id, ALL):
        if entry.attached:
            await sent.forget(redis, bot_id, entry.id)
    await Decisions(redis, bot_id).forget(contact.id)
    count = sum([await redis.unlink(name) for name in dict.fromkeys(keys)])
    entries = sum([await redis.srem(key(bot_id, part), contact.id) for part in _SETS])
    entries += sum([await redis.zrem(key(bot_id, part), contact.id) for part in _ZSETS])
    entries += await _out_of_families(redis, bot_id, contact)
    for part in _LISTS:
        for row in await redis.lrange(key(bot_id, part), 0, -1):
            entries += await redis.lrem(key(bot_id, part), 0, row) if _holds(row, needles) else 0
    for part in _HASHES:
        for field, row in (await redis.hgetall(key(bot_id, part))).items():
            if _holds(field + row, needles):
                entries += await redis.hdel(key(bot_id, part), field)
                await redis.zrem(key(bot_id, "changed"), field)  # one that was merged into it
                await redis.zrem(key(bot_id, "call_starts"), field)
                await redis.zrem(key(bot_id, "order_index"), field)
    return Erased(id=contact.id, keys=count, entries=entries)


async def _out_of_families(redis: Any, bot_id: str, contact: Contact) -> int:
    """Take a contact out of the sets of colleagues and labels; out of how many."""
    count = 0
    for label in contact.labels:
        if await redis.srem(key(bot_id, "label", label), contact.id):
            count += 1
            await redis.hincrby(key(bot_id, "labels"), label, -1)
    for part in _FAMILIES:
        async for name in redis.scan_iter(match=key(bot_id, part, "*"), count=1000):
            count += await redis.srem(name, contact.id)
    return count
