"""A person's yes: the words they wrote become a document of the knowledge base, and a saved conversation that
the agent failed before and passes afterwards. Either both are there, or neither."""

from __future__ import annotations

import asyncio
import html
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path

import structlog

from agent.context import Context
from agent.documents import Bookshelf
from agent.models.chat import Models
from agent.models.usage import Call, Meter
from knowledge_base.document import Unreadable
from knowledge_base.library import Library, document_id_of
from knowledge_base.vocabulary import function_words, plain
from server.bots.bot import BotRuntime
from server.clock import now_ms
from server.observability.costs import Spending
from server.operators.learning.decisions import (
    Acceptance,
    AskedIn,
    DecidedMeanwhile,
    Decision,
    Decisions,
    LearnedConversation,
)
from server.operators.learning.derive import Derived, home_of, is_in_force
from server.operators.learning.proposals import BLANK, expected_of, is_of_customer
from server.operators.learning.suggestions import Proof
from server.operators.tokens import who
from server.replay.export import settings_in_file
from server.replay.heard import Played
from server.replay.masking import people_in
from server.replay.play import Playing, play
from server.replay.saved import conversation_file, parse_conversation
from server.replay.tape import Recorded, as_file

# Characters of a question in a document's name, and of a reply that is kept as a proof.
TITLE, REPLY = 80, 1_000
# What a decision keeps of those who asked: so many of them, the latest.
ASKED = 20
# How long (s) a new document is waited for until it is found, and how often it is looked at.
FOUND, PAUSE = 60.0, 0.2
NOT_SAID = (
    "text: with these words in its documents the agent still does not say them, so nothing was learned; "
    "write an answer that says what the question asks, or change what must stand in the reply."
)

log = structlog.get_logger()


class NotLearnable(ValueError):
    """What cannot be learned as it stands; the message names the field and says why."""


@dataclass(frozen=True, slots=True)
class AcceptedWords:
    """What a person accepts, in their words. `expects`: what must stand in the agent's reply; empty: worked
    out of the text."""

    question: str
    text: str
    expects: tuple[str, ...] = ()

    @property
    def must_say(self) -> list[str]:
        """What must stand in the agent's reply."""
        return list(self.expects) or expected_of(self.question, self.text)


@dataclass(frozen=True, slots=True)
class Learner:
    """What acceptance works with: the documents, the chat models, and the bill that their calls go on."""

    runtime: BotRuntime
    shelf: Library
    models: Models
    spending: Spending

    async def accept(self, derived: Derived, wanted: AcceptedWords) -> Decision:
        """Learn it. Raises NotLearnable for words that cannot be learned, or that the agent does not say
        although they are in its documents, and DecidedMeanwhile where somebody else was first."""
        _check(derived, wanted)
        id, home, store = derived.suggestion.id, home_of(self.runtime), self._store
        name = f"Learned: {_title(wanted.question)} ({id[:6]}).html"
        claim = await store.claim(id, document_id_of(name), who.get().name)
        try:
            await self._refuse_decided(id, "accepted")
            for document_id in claim.left:  # of an attempt that was cut off
                await self.shelf.remove(home, document_id)
            return await self._learn(derived, wanted, name, claim)
        finally:
            await store.release(id, claim)

    async def dismiss(self, derived: Derived, reason: str) -> Decision:
        """It is not to be learned, and not to be suggested again. Raises DecidedMeanwhile where somebody else
        was first."""
        id = derived.suggestion.id
        claim = await self._store.claim(id, "", who.get().name)
        try:
            await self._refuse_decided(id, "accepted", "dismissed")
            for document_id in claim.left:
                await self.shelf.remove(home_of(self.runtime), document_id)
            decision = _decision(derived, "dismissed").model_copy(update={"reason": reason})
            await self._store.commit(claim, decision)
            return decision
        finally:
            await self._store.release(id, claim)

    @property
    def _store(self) -> Decisions:
        return Decisions(self.runtime.redis, self.runtime.bot.id)

    async def _refuse_decided(self, id: str, *states: str) -> None:
        documents = await self.shelf.document_ids(home_of(self.runtime))
        for decision in await self._store.every():
            if decision.id == id and decision.state in states and is_in_force(decision, documents):
                raise DecidedMeanwhile(f"{decision.by} has {decision.state} this already")

    async def _learn(self, derived: Derived, wanted: AcceptedWords, name: str, claim: Acceptance) -> Decision:
        id, home = derived.suggestion.id, home_of(self.runtime)
        file = conversation_file(self._conversation(id, wanted))
        before, _ = await self._played(id, file)
        text = page_of(wanted)
        try:
            await self._add(home, name, text)
            after, tape = await self._played(id, file)
            if not after.passed:
                problems = "; ".join(problem for turn in after.turns for problem in turn.problems)
                raise NotLearnable(f"{NOT_SAID} {problems}"[:1_000])
            kept = LearnedConversation(
                name=_named(id), file=file, tape=as_file(tape), document=name, text=text
            )
            decision = _decision(derived, "accepted").model_copy(
                update={
                    "question": wanted.question,
                    "home": home,
                    "document_id": document_id_of(name),
                    "document": name,
                    "before": _proof(before),
                    "after": _proof(after),
                }
            )
            await self._store.commit(claim, decision, kept)
        except BaseException:  # whatever it was: half of it must not stay, unless it is another's by now
            if await self._store.is_claimed(id, claim):
                await self.shelf.remove(home, document_id_of(name))
            raise
        log.info("suggestion_accepted", bot=self.runtime.bot.id, suggestion=id)
        return decision

    async def _add(self, home: str, name: str, text: str) -> None:
        """Read the document in as an upload is, and wait until searches find it."""
        was = (await self.shelf.shelf(home)).version
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / name
            await asyncio.to_thread(path.write_text, text, "utf-8")
            try:
                await self.shelf.add(home, path)
            except Unreadable as error:
                raise NotLearnable(f"text: no document can be made of it: {error}") from None
        for _ in range(int(FOUND / PAUSE)):
            if (await self.shelf.shelf(home)).version != was:
                return
            await asyncio.sleep(PAUSE)
        raise NotLearnable("text: the documents take too long to be read; try again in a minute")

    def _conversation(self, id: str, wanted: AcceptedWords) -> dict[str, object]:
        bot = self.runtime.bot
        # and its models, which an export leaves out: it is to be played as customers are answered
        settings = {**settings_in_file(bot), **_own_models(bot.context)}
        return {
            "about": f"Learned: {wanted.question}",
            "tags": ["learned"],
            "at": bot.outreach.hours.local(now_ms()).strftime("%Y-%m-%d %H:%M"),
            **({"bot": settings} if settings else {}),
            "documents": _named(id),
            "turns": [
                {"user": {"text": wanted.question}, "expect": {"reply": {"contains": wanted.must_say}}}
            ],
        }

    async def _played(self, id: str, file: str) -> tuple[Played, Recorded]:
        """Play the conversation with the documents and the model that customers are answered by now."""
        bot, calls = self.runtime.bot, list[Call]()
        allowance = await self.spending.allowance(bot)
        playing = Playing(
            self.models,
            Bookshelf(self.shelf),
            "record",
            {"knowledge_base": home_of(self.runtime)},
            meters=lambda: Meter(allowance, calls),
        )
        try:
            return await play(_named(id), parse_conversation(file, _named(id)), Recorded(), playing)
        finally:
            await self.spending.record(bot.id, "", calls)


def _own_models(context: Context) -> dict[str, str]:
    """The models of a bot that are not as they are by default."""
    named = {name for name in Context.model_fields if name == "model" or name.endswith("_model")}
    return context.model_dump(mode="json", include=named, exclude_defaults=True)


def page_of(wanted: AcceptedWords) -> str:
    """The document of what was learned: the words that the question is about above its answer. All of it is
    text: no markup of whoever wrote it counts. The answer is one paragraph, so that a line with a price is no
    price list."""
    title, text = html.escape(_subject(wanted.question)), html.escape(" ".join(wanted.text.split()))
    return (
        f'<!doctype html>\n<html><head><meta charset="utf-8"><title>{title}</title></head>\n'
        f"<body>\n<h1>{title}</h1>\n<p>{text}</p>\n</body></html>\n"
    )


def _subject(question: str) -> str:
    """The words of a question that say what it is about: with `Do you have` in it, the document would look
    like an answer to every question that begins so."""
    own = [word for word in re.findall(r"\w+", question) if plain(word) not in function_words()]
    return " ".join(own) or question


def _check(derived: Derived, wanted: AcceptedWords) -> None:
    if not derived.cases:
        raise NotLearnable("question: nobody's question of it is kept any more; add a document instead")
    if derived.suggestion.kind == "product" and derived.suggestion.product:
        product = derived.suggestion.product
        raise NotLearnable(
            f"text: this is a value of the price list, where a second word on it would contradict it; change "
            f"{product.field} of {product.name} instead (PATCH /api/knowledge/products/{product.key})"
        )
    for field, text in (("question", wanted.question), ("text", wanted.text)):
        if blank := BLANK.search(text):
            raise NotLearnable(f"{field}: write something else in the place of {blank[0]}, or take it out")
        for _, raw in people_in(text):
            if any(is_of_customer(raw, case) for case in derived.cases):
                raise NotLearnable(f"{field}: {raw} is the customer's own; take it out")
    for part in wanted.expects:
        if part.casefold() not in wanted.text.casefold():
            raise NotLearnable(f"expects: {part!r} does not stand in the text")


def _decision(derived: Derived, state: str) -> Decision:
    asked = {
        (case.contact.id, tuple(sorted(words)))
        for case, words in zip(derived.cases[-ASKED:], derived.words[-ASKED:], strict=True)
    }
    return Decision.model_validate(
        {
            "id": derived.suggestion.id,
            "state": state,
            "kind": derived.suggestion.kind,
            "by": who.get().name,
            "at": now_ms(),
            "asked": [AskedIn(conversation_id=id, words=words) for id, words in sorted(asked)],
        }
    )


def _proof(played: Played) -> Proof:
    turn = played.turns[-1]
    return Proof(passed=played.passed, reply=turn.reply[:REPLY], model=turn.model)


def _title(question: str) -> str:
    """A question as a part of a file's name."""
    printable = "".join(sign if sign.isprintable() and sign not in '/\\<>:"|?*' else " " for sign in question)
    return _cut(" ".join(printable.split())) or "something"


def _cut(text: str) -> str:
    """At most TITLE characters, and 150 bytes: a file's name has 255 of them."""
    return text[:TITLE].encode("utf-8", "ignore")[:150].decode("utf-8", "ignore").strip(" .")


def _named(id: str) -> str:
    return f"learned-{id}"
