"""What waits in an outbox: a bubble, with all that its sending needs."""

from __future__ import annotations

from pydantic import BaseModel

from server.bots import Desk
from server.clock import now_ms
from server.conversations import Author, Contact, Entry


class Reply(BaseModel):
    """A bubble on its way. `notice` goes out even to a contact who stopped or was handed over: it says just that.
    `template` (`name:language`) goes out in place of the text."""

    id: str
    text: str
    author: Author = "bot"
    notice: bool = False
    template: str = ""


async def post(desk: Desk, contact: Contact, reply: Reply, delay: float = 0) -> None:
    """Queue a bubble that no turn wrote, to go out after `delay` ms; once for its id."""
    entry = Entry(id=reply.id, author=reply.author, text=reply.text, at=now_ms(), template=reply.template)
    await desk.mailbox.post(contact.id, reply.model_dump_json(), entry.model_dump_json(exclude={"status"}), delay=delay)
