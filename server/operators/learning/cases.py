"""What there is to learn from: questions that the documents did not answer, and words that people sent in the
place of a draft. Nothing of it is kept a second time: it is read where it stands, and is gone when the
conversation is, by erasure or by retention."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from server.bots.bot import BotRuntime
from server.clock import now_ms
from server.observability.unanswered import LONGEST, kept_questions
from server.operators.learning.edits import kept_edits
from server.store.keys import digest
from server.store.mailbox import DAY
from server.store.records import Contact, Entry

# Lines of a conversation, from its end, in which a question and its answer are looked for.
LINES = 120
# How long (ms) after a question, and within how many lines, a person's words are taken for its answer; and
# how many messages of theirs in a row.
WITHIN, NEAR, IN_A_ROW = DAY, 12, 5
# Conversations that are read at once.
AT_ONCE = 25

What = Literal["question", "edit"]


@dataclass(frozen=True, slots=True)
class Case:
    """One time that the agent did not know, or was corrected. `question` is what the contact wrote, `wrote`
    all that they wrote until it was answered, `answer` what a person wrote (empty: nobody did), `draft` what
    the agent would have said; `asked` and `answered` are the ids of their lines; `at` in Unix ms; `asks`: the
    documents did not answer it."""

    id: str
    what: What
    contact: Contact
    at: int
    question: str
    asked: tuple[str, ...] = ()
    answer: str = ""
    answered: tuple[str, ...] = ()
    draft: str = ""
    asks: bool = False
    wrote: str = ""


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a case begins: the turn that did not know, or whose draft was edited."""

    what: What
    conversation_id: str
    turn_id: str
    at: int
    text: str = ""


async def cases_of(runtime: BotRuntime) -> list[Case]:
    """All that a bot may learn from, oldest first. Whoever was erased is not in it, nor what is older than
    transcripts are kept."""
    bot_id, redis = runtime.bot.id, runtime.redis
    keep = runtime.mailbox.limits.keep
    oldest = now_ms() - keep if keep else 0
    places = [
        _Place("question", row.conversation_id, row.turn_id, row.at, row.text)
        for row in await kept_questions(redis, bot_id)
    ]
    known = {(place.conversation_id, place.turn_id) for place in places}
    edits = [
        _Place("edit", row.conversation_id, row.entry_id.rpartition(":")[0], row.at)
        for row in await kept_edits(redis, bot_id)
    ]
    places += [place for place in edits if (place.conversation_id, place.turn_id) not in known]
    of_conversation: dict[str, list[_Place]] = {}
    for place in places:
        if place.at >= oldest:
            of_conversation.setdefault(place.conversation_id, []).append(place)
    found: list[Case] = []
    ids = list(of_conversation)
    for start in range(0, len(ids), AT_ONCE):
        part = ids[start : start + AT_ONCE]
        read = await asyncio.gather(*(_of_conversation(runtime, id, of_conversation[id]) for id in part))
        found += [case for cases in read for case in cases]
    return sorted(found, key=lambda case: (case.at, case.id))


async def _of_conversation(runtime: BotRuntime, conversation_id: str, places: Sequence[_Place]) -> list[Case]:
    into = await runtime.conversations.merged_into(conversation_id)
    contact = await runtime.conversations.contact(into)
    if contact is None or not contact.created:  # erased, though a turn in hand may have left something
        return []
    entries = await runtime.conversations.transcript(into, LINES)
    cases = [_case(contact, entries, place) for place in places]
    return [case for case in cases if case.question and (case.what == "question" or case.answer)]


def _case(contact: Contact, entries: Sequence[Entry], place: _Place) -> Case:
    end = next((n for n, entry in enumerate(entries) if _is_of(entry, place.turn_id)), None)
    if end is None:  # the turn said nothing
        end = next((n for n, entry in enumerate(entries) if entry.at > place.at), len(entries))
    start = end
    while start and entries[start - 1].author == "contact":
        start -= 1
    asked = entries[start:end]
    said = " ".join(entry.heard or entry.text for entry in asked).strip()
    case = Case(
        id=digest(place.turn_id)[:16],
        what=place.what,
        contact=contact,
        at=place.at,
        question=(place.text or said)[:LONGEST],
        asked=tuple(entry.id for entry in asked),
        asks=place.what == "question",
    )
    if end == 0 and entries and entries[0].at > place.at:  # so long ago that what followed is not here either
        return case
    answers = _answers(entries[end : end + NEAR], place)
    if not answers:
        return case
    return replace(
        case,
        answer="\n".join(entry.text for entry in answers),
        wrote="\n".join(e.heard or e.text for e in entries[start : end + NEAR] if e.author == "contact"),
        answered=tuple(entry.id for entry in answers),
        draft=next((entry.draft for entry in answers if entry.draft), ""),
        what="edit" if any(entry.draft for entry in answers) else place.what,
    )


def _is_of(entry: Entry, turn_id: str) -> bool:
    return bool(turn_id) and (entry.turn_id == turn_id or entry.id.startswith(f"{turn_id}:"))


def _answers(entries: Sequence[Entry], place: _Place) -> list[Entry]:
    """What a person wrote first, in a row; of an edit the words that took the place of its draft."""
    found: list[Entry] = []
    for entry in entries:
        if place.what == "edit" and not _is_of(entry, place.turn_id):
            continue
        if entry.author == "person" and entry.text.strip() and not entry.template:
            if entry.at <= place.at + WITHIN:
                found.append(entry)
        elif found:
            break
    return found[:IN_A_ROW]
