"""How people at the business handle a conversation: whose it is among them, its labels, whether it is put
off, and whether it is resolved.

contact:C        HASH   colleague (an operator's id) and colleague_name; labels, JSON; snoozed_until (ms);
                        resolved_at (ms) and resolved_by, until the contact writes again
colleague:ID     SET    the conversations of an operator
label:NAME       SET    the conversations of a label; `labels` HASH   label -> how many they are
snoozed          ZSET   conversation -> until when (ms), of those that need a person
resolved         SET    conversations that are resolved
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Literal

from server.bots.bot import BotRuntime
from server.clock import now_ms
from server.conversations.listing import Members, Selection, Show
from server.operators.takeover import Refused
from server.operators.tokens import MASTER, Operator, all_operators, who
from server.store.client import Redis
from server.store.counters import COUNTING, day_of
from server.store.keys import key
from server.store.scripts import Scripts

# Labels of one conversation, and characters of one.
MOST_LABELS, LONGEST_LABEL = 10, 30
# Whoever has it, and nobody.
ANYBODY, NOBODY = "*", ""
# Whoever makes the request in hand.
ME = "me"


async def colleagues(redis: Redis, bot_id: str) -> list[Operator]:
    """Who may answer contacts of a bot: those with tokens of their own, and whoever has API_TOKEN."""
    others = [one for one in await all_operators(redis) if one.role != "read_only" and one.sees(bot_id)]
    return [MASTER, *others]


async def named_colleague(redis: Redis, runtime: BotRuntime, wanted: str) -> Operator | None:
    """Whoever is meant by `me` or by the id of a colleague; None for an empty one. Raises Refused for
    somebody who does not answer contacts of this bot."""
    if not wanted:
        return None
    if wanted == ME:
        return who.get()
    found = next((one for one in await colleagues(redis, runtime.bot.id) if one.id == wanted), None)
    if found is None:
        raise Refused("colleague: nobody of this id answers contacts of this bot; GET /api/colleagues")
    return found


async def assign(
    runtime: BotRuntime, conversation_id: str, colleague: Operator | None, expected: str = ANYBODY
) -> None:
    """Give a conversation to a colleague, or to nobody. `expected`: the id of who has it now, NOBODY, or
    ANYBODY. Raises Refused where somebody else was quicker."""
    given = {"operator": colleague.id if colleague else "", "called": colleague.name if colleague else ""}
    if await _run(runtime, "assign", conversation_id, expected=expected, **given) == -1:
        raise Refused("somebody else has taken this conversation meanwhile")


async def label(runtime: BotRuntime, conversation_id: str, labels: Sequence[str]) -> None:
    """Give a conversation these labels and no others. Raises Refused for too many, for one too long, and for
    one without a letter or digit."""
    wanted = list(dict.fromkeys(one_label(one) for one in labels if one.strip()))
    if len(wanted) > MOST_LABELS:
        raise Refused(f"labels: at most {MOST_LABELS}")
    await _run(runtime, "label", conversation_id, *wanted)


async def change_label(runtime: BotRuntime, conversation_id: str, label: str, wanted: bool) -> None:
    """Give a conversation one label more, or take one away; the others stay, whoever changes them meanwhile.
    Raises Refused as `label` does."""
    given = {"label": one_label(label), "wanted": int(wanted), "most": MOST_LABELS}
    if await _run(runtime, "relabel", conversation_id, **given) == -1:
        raise Refused(f"labels: at most {MOST_LABELS}")


def one_label(text: str) -> str:
    """A label as it is kept. Raises Refused for one too long, and for one without a letter or digit."""
    if not (label := as_label(text)):
        raise Refused(f"labels: {text[:40]!r} has neither letters nor digits")
    if len(label) > LONGEST_LABEL:
        raise Refused(f"labels: at most {LONGEST_LABEL} characters each")
    return label


def as_label(text: str) -> str:
    """A label as it is kept: small letters, one blank between words."""
    return " ".join(re.findall(r"[\w-]+", text.casefold()))


async def labels_of(runtime: BotRuntime) -> dict[str, int]:
    """The labels of a bot's conversations, and how many have each."""
    raw = await runtime.redis.hgetall(key(runtime.bot.id, "labels"))
    return {name.decode(): int(count) for name, count in sorted(raw.items()) if int(count) > 0}


async def snooze(runtime: BotRuntime, conversation_id: str, until: int) -> None:
    """Put a conversation that needs a person off until a time (Unix ms); 0 ends it, and so does the contact
    who writes. Raises Refused where nothing waits in it, or the time is past."""
    if 0 < until <= now_ms():
        raise Refused("until: this time is past")
    if await _run(runtime, "snooze", conversation_id, till=until) == -1:
        raise Refused("nothing waits in this conversation")


async def resolve(runtime: BotRuntime, conversation_id: str, operator: Operator) -> None:
    """Nothing is left to do: the bot goes on, the task is closed, nobody waits."""
    await _run(runtime, "resolve", conversation_id, by=operator.name)


async def reopen(runtime: BotRuntime, conversation_id: str) -> None:
    """Take a conversation out of those that are resolved."""
    await _run(runtime, "reopen", conversation_id)


def selected(show: Show | Literal["mine", "mentions"], label: str = "") -> Selection:
    """The conversations that whoever makes the request in hand asks for: of a label, assigned to them, where
    they were called, or as a filter says."""
    if label:
        return Members(f"label:{label}")
    if show == "mine":
        return Members(f"colleague:{who.get().id}")
    return Members(f"mentioned:{who.get().id}") if show == "mentions" else show


@lru_cache(maxsize=16)
def _scripts(redis: Redis) -> Scripts:
    return Scripts(redis, Path(__file__).with_suffix(".lua"), COUNTING)


async def _run(
    runtime: BotRuntime, name: str, conversation_id: str, *rest: str, **arguments: str | int
) -> int:
    keys = [key(runtime.bot.id, "contact", conversation_id)]
    given = {"conversation": conversation_id, "day": day_of(runtime.bot.limits.timezone), **arguments}
    return int(await _scripts(runtime.redis).run(name, keys, given, *rest))
