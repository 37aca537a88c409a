"""Questions that a bot's documents did not answer: what its owner may write down next.

unanswered   LIST   JSON of `UnansweredQuestion`, newest first, the last 500 of eight weeks
"""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import Field

from channels.base import Message
from server.clock import now_ms
from server.observability.turn_traces import Trace
from server.store.client import Redis
from server.store.keys import key
from server.store.mailbox import DAY
from server.store.readable import readable
from server.store.records import Record

# How many are kept, and for how long (ms): a report by week has eight of them.
MOST, KEPT = 500, 56 * DAY
# How old (ms) a question may be that is shown as asked lately.
LATELY = 21 * DAY
# Characters of a question.
LONGEST = 300
# How a question ends, in any script.
_ASKED = ("?", "？", "؟")
# What the tool says when no product fits.
_NOTHING = "nothing found"


class UnansweredQuestion(Record):
    """A question for which no passage and no product was found."""

    turn_id: str = Field(description="The turn that answered without them")
    conversation_id: str = Field(description="Whose conversation it is")
    at: int = Field(description="When it was asked, Unix milliseconds")
    text: str = Field(description="Its words")


async def note_unanswered(
    redis: Redis, bot_id: str, conversation_id: str, trace: Trace, batch: Sequence[Message]
) -> None:
    """At the end of a turn: keep its question when the documents had nothing for it."""
    text = " ".join(message.text for message in batch if message.kind == "text").strip()
    asked = any(sign in text for sign in _ASKED)
    if not asked or trace.verdict not in ("", "answer") or not trace.model or _is_answered(trace):
        return
    row = UnansweredQuestion(
        turn_id=trace.turn_id, conversation_id=conversation_id, at=now_ms(), text=text[:LONGEST]
    )
    name = key(bot_id, "unanswered")
    async with redis.pipeline(transaction=True) as pipe:
        pipe.lpush(name, row.model_dump_json())
        pipe.ltrim(name, 0, MOST - 1)
        pipe.expire(name, KEPT // 1000)
        await pipe.execute()


def _is_answered(trace: Trace) -> bool:
    """Whether a passage or a product was there for the answer."""
    looked_up = [used for used in trace.tools if used.tool == "find_product" and not used.failed]
    found = any(used.answer and not used.answer.startswith(_NOTHING) for used in looked_up)
    return found or any(passage.strong for passage in trace.passages)


async def kept_questions(redis: Redis, bot_id: str) -> list[UnansweredQuestion]:
    """The questions of the last eight weeks, newest first, each turn's once."""
    rows = await redis.lrange(key(bot_id, "unanswered"), 0, -1)
    found = readable(rows, UnansweredQuestion.model_validate_json, "an unanswered question")
    once = {row.turn_id: row for row in reversed(found) if row.at > now_ms() - KEPT}
    return sorted(once.values(), key=lambda row: -row.at)


async def lately(redis: Redis, bot_id: str, most: int = 50) -> list[UnansweredQuestion]:
    """The questions of the last three weeks, newest first, each turn's and each wording once."""
    recent = [row for row in await kept_questions(redis, bot_id) if row.at > now_ms() - LATELY]
    once = {row.text.casefold(): row for row in reversed(recent)}
    return sorted(once.values(), key=lambda row: -row.at)[:most]
