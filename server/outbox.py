"""What waits in an outbox: a bubble, with all that its sending needs."""

from __future__ import annotations

from pydantic import BaseModel

from server.bots import Desk
from server.clock import now_ms
from server.conversations import Author, Contact, Entry


class File(BaseModel):
    """A small text file that goes along as a document."""

    name: str
    mime_type: str
    text: str


class Reply(BaseModel):
    """A bubble on its way. `notice` goes out even to a contact who stopped or was handed over: it says just that.
    `template` (`name:language`) with its `variables` goes out in place of the text. A `touch` is for somebody who is silent:
    not after they wrote again (later than `since`, ms), and not after `until` (ms; 0: whenever)."""

    id: str
    text: str
    author: Author = "bot"
    notice: bool = False
    template: str = ""
    variables: tuple[str, ...] = ()
    touch: int = 0
    since: int = 0
    until: int = 0
    file: File | None = None


async def post(desk: Desk, contact: Contact, reply: Reply, delay: float = 0) -> bool:
    """Queue a bubble that no turn wrote, to go out after `delay` ms; once for its id, then False."""
    entry = Entry(
        id=reply.id,
        author=reply.author,
        text=reply.text,
        at=now_ms(),
        template=reply.template,
        touch=reply.touch,
        variables=reply.variables,
    )
    return await desk.mailbox.post(
        contact.id, reply.model_dump_json(), entry.model_dump_json(exclude={"status"}), delay=delay
    )
