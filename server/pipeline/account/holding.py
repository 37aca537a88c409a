"""What does not go out now because its number may not write to people first, or to no more of them today."""

from __future__ import annotations

import structlog

from server.bots.bot import BotRuntime
from server.outreach.reach import Reach
from server.store.records import Contact, Reply, SendState

log = structlog.get_logger()


async def held_back(runtime: BotRuntime, contact: Contact, fence: int, reply: Reply) -> bool | None:
    """None: the head of an outbox may go out. Else it waits, or is given up because it would be wrong later;
    then whether there is more to do at once."""
    if not (reply.touch or reply.template):
        return None
    hold = await Reach(runtime.redis).hold(runtime, contact, reply)
    if hold is None:
        return None
    log.info("held_back", bot=runtime.bot.id, conversation=contact.id, reply=reply.id, why=hold.why)
    if reply.notice:  # such as the reminder of an appointment
        done = await runtime.mailbox.send_done(
            contact.id, fence, "", reply.id, "", SendState("failed", hold.why)
        )
        return done == 1
    await runtime.mailbox.park(contact.id, fence, hold.wait)
    return False
