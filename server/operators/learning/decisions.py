"""What people decided about suggestions, and the saved conversations of those that were accepted.

learned    HASH   suggestion id -> JSON of `Decision`; no word of a customer stands in it
saved      HASH   suggestion id -> JSON of `LearnedConversation`
learning   HASH   suggestion id -> who accepts it just now, and which documents that may leave behind
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import Field

from server.clock import now_ms
from server.operators.learning.suggestions import Kind, Proof
from server.store.client import Redis
from server.store.counters import COUNTING
from server.store.keys import key
from server.store.readable import readable
from server.store.records import Record
from server.store.scripts import Scripts

# How long (ms) an acceptance may take before it counts as cut off: two answers of a slow model.
STALE = 300_000
# How many decisions a bot keeps; of more, the oldest dismissed ones are forgotten.
MOST = 500


class AskedIn(Record):
    """What a decision is about: who asked, and digests of the words of their question."""

    conversation_id: str = Field(description="The conversation")
    words: tuple[str, ...] = Field(description="Digests of words")


class Decision(Record):
    """What somebody decided about a suggestion."""

    id: str = Field(description="The suggestion's id")
    state: Literal["accepted", "dismissed"] = Field(description="What was decided")
    kind: Kind = Field(description="What was suggested")
    by: str = Field(description="Who decided")
    at: int = Field(description="When, Unix milliseconds")
    reason: str = Field(default="", description="Why it was dismissed")
    home: str = Field(default="", description="The bot whose knowledge base has the document")
    document_id: str = Field(default="", description="The document that it became")
    document: str = Field(default="", description="The name of that document")
    question: str = Field(default="", description="The question, in the words of whoever accepted it")
    before: Proof | None = Field(default=None, description="How the agent answered before")
    after: Proof | None = Field(default=None, description="How the agent answered afterwards")
    asked: tuple[AskedIn, ...] = Field(default=(), description="What it is about")


class LearnedConversation(Record):
    """The saved conversation of an accepted suggestion, with its tape and the document that it learned."""

    name: str = Field(description="Its name, without an ending")
    file: str = Field(description="The saved conversation")
    tape: str = Field(description="Its tape")
    document: str = Field(description="The document's file name")
    text: str = Field(description="The document's text")

    @property
    def files(self) -> dict[str, str]:
        """Its files by their paths, as `salesgraph replay` plays them."""
        return {
            f"{self.name}.yaml": self.file,
            f"{self.name}.tape.yaml": self.tape,
            f"{self.name}/{self.document}": self.text,
        }


@dataclass(frozen=True, slots=True)
class Acceptance:
    """Somebody accepts a suggestion. `left`: documents that attempts before this one may have left behind."""

    token: str
    at: int
    left: tuple[str, ...]
    by: str

    @property
    def is_stale(self) -> bool:
        """Whether it was cut off."""
        return self.at <= now_ms() - STALE


class DecidedMeanwhile(Exception):
    """Somebody else has decided, or is about to; the message says who."""


class Decisions:
    """The decisions of one bot."""

    def __init__(self, redis: Redis, bot_id: str) -> None:
        self._redis, self._bot_id = redis, bot_id
        self._scripts = Scripts(redis, Path(__file__).with_suffix(".lua"), COUNTING)

    async def secret(self) -> bytes:
        """What digests of words are salted with: the secret of the bot's conversations."""
        return await self._redis.get(key(self._bot_id, "secret")) or b""

    async def every(self) -> list[Decision]:
        """All of them, the latest first."""
        rows = await self._redis.hvals(key(self._bot_id, "learned"))
        found = readable(rows, Decision.model_validate_json, "a decision about a suggestion")
        return sorted(found, key=lambda decision: -decision.at)

    async def claims(self) -> dict[str, Acceptance]:
        """Who accepts which suggestion just now, or was cut off."""
        rows = await self._redis.hgetall(key(self._bot_id, "learning"))
        return {id.decode(): _claim(row.decode("utf-8", "replace")) for id, row in rows.items()}

    async def claim(self, id: str, document_id: str, by: str) -> Acceptance:
        """Let nobody else accept a suggestion meanwhile. Raises DecidedMeanwhile."""
        token = secrets.token_hex(8)
        given = {"id": id, "token": token, "documents": document_id or "-", "by": by, "stale": STALE}
        row = await self._scripts.run("claim", [key(self._bot_id, "learning")], given)
        claim = _claim(row.decode("utf-8", "replace"))
        if claim.token != token:
            raise DecidedMeanwhile(f"{claim.by} is accepting this just now; look again in a moment")
        return claim

    async def commit(
        self, claim: Acceptance, decision: Decision, conversation: LearnedConversation | None = None
    ) -> None:
        """Keep a decision, with its saved conversation. Raises DecidedMeanwhile where the claim was taken
        over."""
        names = [key(self._bot_id, part) for part in ("learning", "learned", "saved")]
        given = {"id": decision.id, "token": claim.token, "decision": decision.model_dump_json()}
        given |= {"conversation": conversation.model_dump_json() if conversation else ""}
        if not await self._scripts.run("commit", names, given):
            raise DecidedMeanwhile("this took too long, and somebody else has begun to decide about it")
        await self._prune()

    async def release(self, id: str, claim: Acceptance) -> bool:
        """Give a claim up; False where somebody has taken it over."""
        given = {"id": id, "token": claim.token}
        return bool(await self._scripts.run("release", [key(self._bot_id, "learning")], given))

    async def is_claimed(self, id: str, claim: Acceptance) -> bool:
        """Whether a claim is still its owner's."""
        there = (await self.claims()).get(id)
        return there is not None and there.token == claim.token

    async def conversation(self, id: str) -> LearnedConversation | None:
        """The saved conversation of a suggestion; None where there is none."""
        row = await self._redis.hget(key(self._bot_id, "saved"), id)
        return next(iter(readable([row], LearnedConversation.model_validate_json, "a conversation")), None)

    async def conversations(self, documents: frozenset[str]) -> list[LearnedConversation]:
        """The saved conversations of what was learned and is still among these documents, by name."""
        learned = [each.id for each in await self.every() if each.document_id in documents]
        rows = await self._redis.hmget(key(self._bot_id, "saved"), learned) if learned else []
        found = readable(rows, LearnedConversation.model_validate_json, "a saved conversation")
        return sorted(found, key=lambda conversation: conversation.name)

    async def forget(self, conversation_id: str) -> None:
        """Nothing of a person is left in decisions: what was learned stays, with the words of whoever
        accepted it."""
        for decision in await self.every():
            kept = tuple(each for each in decision.asked if each.conversation_id != conversation_id)
            if len(kept) < len(decision.asked):
                row = decision.model_copy(update={"asked": kept}).model_dump_json()
                await self._redis.hset(key(self._bot_id, "learned"), decision.id, row)

    async def _prune(self) -> None:
        over = await self._redis.hlen(key(self._bot_id, "learned")) - MOST
        if over > 0:
            dismissed = [each.id for each in await self.every() if each.state == "dismissed"]
            if dismissed:
                await self._redis.hdel(key(self._bot_id, "learned"), *dismissed[-over:])


def _claim(row: str) -> Acceptance:
    """A claim as `decisions.lua` writes it; one that is not as it writes them was cut off long ago."""
    token, at, documents, by = [*row.split(" ", 3), "", "", "", ""][:4]
    first, *left = [name for name in documents.split(",") if name and name != "-"] or [""]
    return Acceptance(token, int(at) if at.isdigit() else 0, tuple(filter(None, (first, *left))), by)
