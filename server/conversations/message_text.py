"""How what a contact sends is told to the graph, which reads text: marks for files, words of voice messages,
quotes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from agent.language.screens import is_stop
from channels.base import AMENDING, Message

# What a template's button for opting out says to the graph.
STOP = "stop"
QUOTE_CHARACTERS = 300


def pressed_stop(message: Message) -> bool:
    """Whether a button that opts out was pressed, whatever it says."""
    return bool(message.payload) and is_stop(re.sub(r"[\W_]+", " ", message.payload).strip())


def message_line(message: Message, trouble: str = "") -> str:
    """A message that is no plain text, with its caption; without one, `trouble` says why nobody can look
    inside (the phrase of `agent.language.phrases` that the contact hears)."""
    name = re.sub(r"[^\w .,()+-]", "_", message.media.filename)[:80].strip() if message.media else ""
    mark, caption = f"{message.kind} {name}".strip(), message.text.strip()
    return f"[{mark}: {trouble}]" if trouble and not caption else f"[{mark}] {caption}".strip()


def voiced(heard: str, trouble: str = "unheard") -> str:
    """A voice message with its words."""
    return f"[voice message] {heard}" if heard else f"[audio: {trouble}]"


def quoting(text: str, whose: str) -> str:
    """What a contact replies to, as a line before their own; `whose`: your, or their own."""
    flat = " ".join(text[:QUOTE_CHARACTERS].replace("“", "'").replace("”", "'").split())
    return f"[in reply to {whose} message “{flat}”]\n"


def picked(id: str, title: str) -> str:
    """What was tapped on, as a line before the words of it: a product of the price list by what it goes by, a
    slot of a call; nothing of what its words say."""
    flat = " ".join(title.replace("“", "'").replace("”", "'").split())[:80]
    sort, _, what = id.partition(":")
    what = " ".join(re.sub(r"[\[\]“”]", "", what).split())[:160]
    if sort == "product" and what:
        return f"[picked the product “{what}” from your list: {flat}]\n"
    if sort == "slot" and what:
        return f"[picked the slot {what}]\n"
    return f"[picked “{flat}”]\n" if sort == "choice" and flat else ""


def as_amended(batch: Iterable[Message]) -> list[Message]:
    """The messages as they are now: one that was edited says its last words, one that was taken back is gone.
    What amends a message of an earlier batch stays, the last of each."""
    first: dict[
        str, str
    ] = {}  # an edit, or what takes it back, may name an edit: all of them are of the first message
    batch = list(batch)
    for message in batch:
        if message.kind in AMENDING:
            first[message.id] = first.get(message.amends, message.amends)
    batch = [m.model_copy(update={"amends": first[m.id]}) if m.id in first else m for m in batch]
    last = {message.amends: message for message in batch if message.kind in AMENDING}
    here = {message.id for message in batch if message.kind not in AMENDING}
    kept: list[Message] = []
    for message in batch:
        if message.kind in AMENDING:
            wordless = message.kind == "edit" and not message.text.strip()  # it corrects nothing
            if message.amends not in here and last[message.amends] is message and not wordless:
                kept.append(message)
        elif (change := last.get(message.id)) is None:
            kept.append(message)
        elif change.kind == "edit":  # to words, where there are any: what cannot be read replaces nothing
            kept.append(message.model_copy(update={"text": change.text or message.text}))
    return kept


def correcting(text: str) -> str:
    """What a contact said before, as a line before what they have changed it to; `text` is empty where nobody
    knows it."""
    flat = " ".join(text[:QUOTE_CHARACTERS].replace("“", "'").replace("”", "'").split())
    return (
        f"[corrects their own message “{flat}” to]\n"
        if flat
        else "[corrects an earlier message of theirs to]\n"
    )


def reacted(emoji: Sequence[str]) -> str:
    """Reactions to the last message, as a line before what was written after them."""
    return f"[reacted with {' '.join(emoji)} to your last message]\n"


def of_group(message: Message) -> Message:
    """A message in a group as one of the contact that the group is."""
    who = f"{message.name}: " if message.name else ""
    return message.model_copy(
        update={"wa_id": "", "user_id": message.group_id, "text": f"{who}{message.text}"}
    )
