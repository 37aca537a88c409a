"""What goes into an outbox: what a turn said, or somebody else, in bubbles."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from agent.context import Context
from agent.models import usage
from agent.state import State
from channels.markup import BUBBLE_LIMIT, MAX_BUBBLES, bubbles, to_whatsapp, utf16_length
from server.bots.bot import BotRuntime
from server.clock import now_ms
from server.conversations.contents import SHORT_BODY, on_record, pieces_of
from server.store.records import Contact, Entry, Reply

# A reply and its line of the transcript.
Pair = tuple[Reply, Entry]
# Characters of the words below a file ("Media", section "Captions").
LONGEST_CAPTION = 1024


async def post(runtime: BotRuntime, contact: Contact, reply: Reply, delay: float = 0) -> bool:
    """Queue a bubble that no turn wrote, to go out after `delay` ms; once for its id, then False."""
    return await runtime.mailbox.post(contact.id, *pair_of(reply), delay=delay)


def pair_of(reply: Reply) -> Pair:
    """A reply that no turn wrote, with its line of the transcript."""
    entry = Entry(
        id=reply.id,
        author=reply.author,
        by=reply.by,
        kind=reply.attached.kind if reply.attached else "text",
        text=reply.text,
        at=now_ms(),
        template=reply.template,
        touch=reply.touch,
        variables=reply.variables,
        quoted_id=reply.quoted_id,
        attached=reply.attached,
        content=on_record(reply.content),
    )
    return reply, entry


def takes_file(reply: Reply) -> bool:
    """Whether a file can go along with a reply: bare words, short enough to stand below it."""
    bare = reply.content is None and reply.file is None and not (reply.template or reply.touch)
    return bare and 0 < utf16_length(reply.text) <= LONGEST_CAPTION


def texts_of(replies: Sequence[str]) -> list[str]:
    """The bubbles that replies become."""
    return [bubble for reply in replies for bubble in bubbles(to_whatsapp(reply))][:MAX_BUBBLES]


def one_text(replies: Sequence[str], tapped: bool) -> list[str]:
    """The replies in one bubble, where each bubble is paid for and one holds them all; `tapped`: something to
    tap on goes along, which takes a shorter text."""
    together = "\n\n".join(filter(None, (to_whatsapp(reply).strip() for reply in replies)))
    fits = utf16_length(together) <= (SHORT_BODY if tapped else BUBBLE_LIMIT)
    return [together] if together and fits else texts_of(replies)


def pairs_of(
    turn_id: str,
    values: State,
    calls: Sequence[usage.Call],
    touch: dict[str, Any],
    context: Context,
    together: bool = False,
) -> list[Pair]:
    """What a turn said, as bubbles, each with its line of the transcript; `values` is what the graph ended
    with, `touch` what a reply has that is one, `together`: in one bubble where that holds it all."""
    notice = values.get("owner") == "person" or values.get("profile", {}).get("consent") == "stopped"
    sources = sorted({f"{p['document']}, p. {p['page']}" for p in values.get("passages", []) if p["strong"]})
    cost = {
        "calls": len(calls),
        "tokens": sum(call.input_tokens + call.output_tokens for call in calls),
        "cost": sum(call.cost for call in calls),
        "checked": values.get("checked", []),
        "prompts": values.get("prompts", []),
    }
    pairs: list[Pair] = []
    language = values.get("profile", {}).get("language") or "en"
    said, presented = values.get("replies", []), values.get("presented", [])
    texts = one_text(said, bool(presented)) if together else texts_of(said)
    pieces = pieces_of(texts, presented, language, context, together)
    for number, (text, content) in enumerate(pieces):
        reply = Reply(id=f"{turn_id}:{number}", text=text, notice=notice, content=content, **touch)
        made: dict[str, Any] = {"turn_id": turn_id, "model": values.get("model", ""), "sources": sources}
        made |= cost if number == 0 else {}
        made["content"] = on_record(content)
        made |= {"touch": reply.touch, "template": reply.template, "variables": reply.variables}
        entry = Entry(id=reply.id, author="bot", text=text, at=now_ms(), **made)
        pairs.append((reply, entry))
    return pairs
