"""One turn: a batch of messages through the graph, to replies for the outbox."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import structlog
from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, RemoveMessage
from langgraph.graph.state import CompiledStateGraph

from channels.base import Message
from channels.markup import bubbles, to_whatsapp
from server.bots import Desk
from server.conversations import Contact, Entry, now_ms
from server.mailbox import Work
from server.sending import Reply

log = structlog.get_logger()

Pair = tuple[str, str]


async def run(
    graph: CompiledStateGraph[Any, Any, Any, Any],
    desk: Desk,
    contact: Contact,
    work: Work,
    batch: Sequence[Message],
    longest: int,
) -> list[Pair]:
    """(reply, transcript entry) pairs of a turn, each as JSON.

    After a crash the same turn comes again with the same batch: it resumes at the interrupted node, or only reads off
    what it had decided. `longest` is how many characters of one message the model sees. Raises LeaseLost when another
    worker has taken the turn over.
    """
    turn_id, config = work.turn_id, _config(contact.id, work)
    values = await _remembered(graph, config)
    source = batch[-1].id if batch else turn_id
    resumed = values.get("turn_id") == turn_id
    if resumed:
        before = await graph.aget_state(config)
        if not (before.next or before.tasks):
            await _settle(desk, contact.id, values, source)
            return _pairs(turn_id, values)
    start: Any = None if resumed else _start(desk, contact, turn_id, batch, values, longest)
    stream = graph.astream(
        start, config, context=desk.bot.context, durability="sync", stream_mode=["updates", "values"]
    )
    chunk: Any
    async for mode, chunk in stream:
        if mode == "values":
            values = chunk
            continue
        for update in chunk.values():
            await _learn(desk, contact.id, update, source)
    if resumed:
        await _settle(desk, contact.id, values, source)
    return _pairs(turn_id, values)


def _config(conversation_id: str, work: Work) -> Any:
    return {"configurable": {"thread_id": conversation_id, "fence": work.fence}}


async def _remembered(graph: CompiledStateGraph[Any, Any, Any, Any], config: Any) -> dict[str, Any]:
    """The working memory, without the tasks that `aget_state` would prepare."""
    saver: Any = graph.checkpointer
    found = await saver.aget_tuple(config)
    return found.checkpoint["channel_values"] if found else {}


async def undo(graph: CompiledStateGraph[Any, Any, Any, Any], conversation_id: str, work: Work) -> None:
    """Take the messages of a turn that was given up out of the working memory, so that they do not spoil the next."""
    config = _config(conversation_id, work)
    known = {message.id for message in (await graph.aget_state(config)).values.get("messages", [])}
    gone = [RemoveMessage(id=id) for raw in work.batch if (id := json.loads(raw).get("id")) in known]
    if gone:
        await graph.aupdate_state(config, {"messages": gone, "turn_id": ""}, as_node="remember")


def _start(
    desk: Desk, contact: Contact, turn_id: str, batch: Sequence[Message], values: dict[str, Any], longest: int
) -> dict[str, Any]:
    gone = dict.fromkeys(values.get("profile", {}), None)
    known = {**_own_phone(contact), **contact.profile}
    # what an operator wrote meanwhile is known, and must not pass for the answer to what the contact wrote
    in_order = sorted(batch, key=lambda message: message.kind != "echo")
    return {
        "messages": [_said(message, longest) for message in in_order],
        "bot_id": desk.bot.id,
        "turn_id": turn_id,
        "profile": {**gone, **known},
        "owner": contact.owner,
        "started_with": {"profile": known, "owner": contact.owner},
    }


def _said(message: Message, longest: int) -> AnyMessage:
    if message.kind == "echo":
        return AIMessage(message.text[:longest], id=message.id, name="operator")
    plain = message.kind in ("text", "button")
    name = f" {message.media.filename}" if message.media and message.media.filename else ""
    text = message.text if plain else f"[{message.kind}{name}] {message.text}".strip()
    return HumanMessage(
        text[:longest].strip() or "[empty message]", id=message.id
    )  # some providers refuse an empty one


def _own_phone(contact: Contact) -> dict[str, str]:
    return {"phone": f"+{contact.wa_id}"} if contact.wa_id.isascii() and contact.wa_id.isdigit() else {}


async def _settle(desk: Desk, conversation_id: str, values: dict[str, Any], source: str) -> None:
    """Put on record what nodes found out before a crash came between their checkpoint and `_learn`."""
    before, profile = values["started_with"], values.get("profile", {})
    facts = {name: value for name, value in profile.items() if before["profile"].get(name) != value}
    gone = dict.fromkeys(before["profile"].keys() - profile.keys(), None)
    await desk.conversations.learn(conversation_id, {**facts, **gone}, source)
    if values.get("owner") == "person" != before["owner"]:
        await desk.conversations.set(conversation_id, owner="person")


async def _learn(desk: Desk, conversation_id: str, update: Any, source: str) -> None:
    """What a node found out is on record before the next node runs."""
    for part in update if isinstance(update, list) else [update]:
        if not isinstance(part, dict):
            continue
        if part.get("profile"):
            await desk.conversations.learn(conversation_id, part["profile"], source)
        if part.get("owner"):
            await desk.conversations.set(conversation_id, owner=part["owner"])


def _pairs(turn_id: str, values: dict[str, Any]) -> list[Pair]:
    notice = values.get("owner") == "person" or values.get("profile", {}).get("consent") == "stopped"
    sources = sorted({f"{p['document']}, p. {p['page']}" for p in values.get("passages", []) if p["strong"]})
    texts = [bubble for reply in values.get("replies", []) for bubble in bubbles(to_whatsapp(reply))][:3]
    pairs = []
    for number, text in enumerate(texts):
        reply = Reply(id=f"{turn_id}:{number}", text=text, notice=notice)
        entry = Entry(
            id=reply.id,
            author="bot",
            text=text,
            at=now_ms(),
            turn_id=turn_id,
            model=values.get("model", ""),
            sources=sources,
        )
        pairs.append((reply.model_dump_json(), entry.model_dump_json(exclude={"status"})))
    return pairs
