"""Working memory of a conversation, from outside of its turns: forgotten, or set aside when it cannot be
read.

poisoned:C   HASH   working memory that we did not write, or that was damaged, as it was; for 30 days
"""

from __future__ import annotations

import contextlib
from typing import Any, cast

from langchain_core.messages import BaseMessage
from redis.exceptions import ResponseError

from agent.serializer import Poisoned
from agent.state import State
from server.bots.bot import BotRuntime
from server.store import alerts
from server.store.keys import key, thread_prefix

ASIDE_SECONDS = 30 * 86_400
# What the channels of `agent.state.State` hold, where a turn reads them itself.
_SHAPES: dict[str, type | tuple[type, ...]] = {
    **dict.fromkeys(("messages", "passages", "replies", "prompts", "checked", "backed", "cited"), list),
    **dict.fromkeys(("profile", "started_with", "said_in"), dict),
    **dict.fromkeys(
        (
            "bot_id",
            "turn_id",
            "owner",
            "summary",
            "verdict",
            "reason",
            "model",
            "draft",
            "complaint",
            "task",
            "topic",
        ),
        str,
    ),
    **dict.fromkeys(("identity", "session_from", "decision", "back_at"), str),
    **dict.fromkeys(("at", "idle_minutes"), int),
}


def sound(values: object) -> State:
    """What is remembered, in the shape that the graph writes. Raises Poisoned."""
    if not isinstance(values, dict):
        raise Poisoned("a memory that is no record")
    remembered = cast(dict[str, Any], values)
    for name, value in remembered.items():
        if (kinds := _SHAPES.get(name)) and not isinstance(value, kinds):
            raise Poisoned(f"{name} is a {type(value).__name__}")
    messages: list[object] = remembered.get("messages", [])
    if not all(isinstance(message, BaseMessage) for message in messages):
        raise Poisoned("messages that are none")
    started: dict[object, object] = remembered.get("started_with", {})
    for record in (remembered.get("profile", {}), started, started.get("profile", {})):
        if not isinstance(record, dict):
            raise Poisoned("a profile that is none")
        if not all(isinstance(name, str) for name in cast(dict[object, object], record)):
            raise Poisoned("a profile that is none")
    return cast(State, remembered)


async def clear_memory(runtime: BotRuntime, conversation_id: str) -> None:
    """Drop it; transcript and profile stay."""
    await runtime.redis.delete(f"{thread_prefix(runtime.bot.id)}:{conversation_id}")


async def set_aside(runtime: BotRuntime, conversation_id: str, why: str) -> None:
    """Take it out of use for a person to look at; transcript and profile stay, and the next turn begins with
    a fresh one."""
    bot_id = runtime.bot.id
    aside = key(bot_id, "poisoned", conversation_id)
    with contextlib.suppress(ResponseError):  # another worker was first
        await runtime.redis.rename(f"{thread_prefix(bot_id)}:{conversation_id}", aside)
    await runtime.redis.expire(aside, ASIDE_SECONDS)
    await runtime.conversations.quarantine(f"working memory: {why}", f"conversation {conversation_id}")
    text = (
        f"{bot_id}: what a conversation remembers cannot be read and was set aside; see who can write to "
        "Redis"
    )
    await alerts.raise_alert(runtime.redis, f"poisoned:{bot_id}", text, "REDIS_URL", bot_id)
