"""Blue ticks and the typing indicator."""

from __future__ import annotations

import structlog
from redis.exceptions import RedisError

from channels.base import SendError
from server.bots.bot import BotRuntime
from server.bots.routing import ChannelRouter

log = structlog.get_logger()


async def show_typing(runtime: BotRuntime, router: ChannelRouter, conversation_id: str) -> None:
    """As soon as somebody has begun to write, before the burst has ended; a nicety that must never hold up an
    answer."""
    try:
        contact = await runtime.conversations.contact(conversation_id)
        message = await runtime.mailbox.newest(conversation_id)
        channel = router.channel(runtime.bot.id, contact.account) if contact else None
        if (
            contact is None
            or message is None
            or channel is None
            or contact.assignee == "person"
            or contact.stopped
        ):
            return
        if message.kind != "echo":
            await channel.typing(contact.recipient, message.id)
    except (SendError, RedisError, OSError, ValueError) as error:
        log.info(
            "typing_not_shown", bot=runtime.bot.id, conversation=conversation_id, error=repr(error)[:200]
        )
