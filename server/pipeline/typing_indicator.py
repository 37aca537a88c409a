"""Blue ticks and the typing indicator."""

from __future__ import annotations

import structlog
from redis.exceptions import RedisError

from channels.base import Message, SendError
from server.bots.bot import Desk
from server.bots.routing import Numbers

log = structlog.get_logger()


async def show_typing(desk: Desk, numbers: Numbers, conversation_id: str) -> None:
    """As soon as somebody has begun to write, before the burst has ended; a nicety that must never hold up an answer."""
    try:
        contact = await desk.conversations.contact(conversation_id)
        newest = await desk.mailbox.newest(conversation_id)
        channel = numbers.channel(desk.bot.id, contact.account) if contact else None
        if contact is None or newest is None or channel is None or contact.owner == "person" or contact.stopped:
            return
        message = Message.model_validate_json(newest)
        if message.kind != "echo":
            await channel.typing(contact.recipient, message.id)
    except (SendError, RedisError, OSError, ValueError) as error:
        log.info("typing_not_shown", bot=desk.bot.id, conversation=conversation_id, error=repr(error)[:200])
