"""Suggestions, worked out of what is stored whenever somebody asks for them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace

from knowledge_base.document import Product
from knowledge_base.library import Library
from server.bots.bot import BotRuntime
from server.operators.learning.cases import Case, cases_of
from server.operators.learning.decisions import Decision, Decisions
from server.operators.learning.grouping import QuestionWords, mean_the_same, question_groups, question_words
from server.operators.learning.proposals import Prices, Proposal, expected_of, proposal_of
from server.operators.learning.suggestions import Suggestion, SuggestionSource

# Other wordings of a question that are shown, and conversations.
WORDINGS, SOURCES = 5, 20


@dataclass(frozen=True, slots=True)
class Derived:
    """A suggestion with the cases it comes from, oldest first, and the words of each."""

    suggestion: Suggestion
    cases: tuple[Case, ...] = ()
    words: tuple[QuestionWords, ...] = ()


def home_of(runtime: BotRuntime) -> str:
    """The bot whose knowledge base a bot answers from."""
    return runtime.bot.context.knowledge_base or runtime.bot.id


async def suggestions_of(runtime: BotRuntime, shelf: Library) -> list[Derived]:
    """All suggestions of a bot, the latest first: what is open, and what was decided."""
    store = Decisions(runtime.redis, runtime.bot.id)
    cases, secret = await cases_of(runtime), await store.secret()
    documents = await shelf.document_ids(home_of(runtime))
    decisions = [each for each in await store.every() if is_in_force(each, documents)]
    claims = await store.claims()
    cut_off = frozenset(id for id, claim in claims.items() if claim.is_stale)
    products = await _products(runtime, shelf, cases)
    # with all that is kept this takes a second, in which others are served
    return await asyncio.to_thread(
        lambda: _Deriving(runtime.bot.id, cases, secret, products).suggestions(decisions, cut_off)
    )


class _Deriving:
    """What is made of the cases of a bot."""

    def __init__(
        self, bot_id: str, cases: Sequence[Case], secret: bytes, products: Sequence[Product]
    ) -> None:
        prices = Prices(products)
        self._bot_id, self._cases = bot_id, cases
        self._words = [question_words(case.question, secret) for case in cases]
        self._proposals = [proposal_of(case, prices) for case in cases]

    def suggestions(self, decisions: Sequence[Decision], cut_off: frozenset[str]) -> list[Derived]:
        """The latest first; `cut_off`: ids of those that somebody began to accept."""
        of_decision: dict[str, list[int]] = {each.id: [] for each in decisions}
        left: list[int] = []
        about = _Decided(decisions)
        for place, case in enumerate(self._cases):
            decision = about.of(case, self._words[place])
            if decision is not None:
                of_decision[decision.id].append(place)
            elif not self._proposals[place].settled:
                left.append(place)
        found = [self._made(of_decision[each.id], each) for each in decisions]
        for group in question_groups([self._words[place] for place in left]):
            derived = self._made([left[place] for place in group])
            unfinished = derived.suggestion.id in cut_off
            changed = derived.suggestion.model_copy(update={"unfinished": unfinished})
            found.append(replace(derived, suggestion=changed))
        return sorted(found, key=lambda each: -(each.suggestion.decided_at or each.suggestion.last_at))

    def _made(self, places: Sequence[int], decision: Decision | None = None) -> Derived:
        chosen = tuple(self._cases[place] for place in places)
        proposals = [self._proposals[place] for place in places]
        suggestion = _suggestion(self._bot_id, chosen, proposals, decision)
        return Derived(suggestion, chosen, tuple(self._words[place] for place in places))


def is_in_force(decision: Decision, documents: frozenset[str]) -> bool:
    """Whether a decision still counts: what was accepted does as long as its document is there."""
    return decision.state == "dismissed" or decision.document_id in documents


class _Decided:
    """Finds what was decided about a question; only decisions that share a word with it are looked at."""

    def __init__(self, decisions: Sequence[Decision]) -> None:
        self._decisions = decisions
        self._known = [tuple(frozenset(each.words) for each in decision.asked) for decision in decisions]
        self._places: dict[str, set[int]] = {}
        for place, known in enumerate(self._known):
            for words in known:
                for word in words:
                    self._places.setdefault(word, set()).add(place)

    def of(self, case: Case, words: QuestionWords) -> Decision | None:
        """The latest decision about a case. What is asked again after it was accepted, and not found, was not
        decided about."""
        for place in sorted({place for word in words for place in self._places.get(word, ())}):
            decision = self._decisions[place]
            again = decision.state == "accepted" and case.at > decision.at
            if not again and any(mean_the_same(words, known) for known in self._known[place]):
                return decision
        return None


async def _products(runtime: BotRuntime, shelf: Library, cases: Sequence[Case]) -> list[Product]:
    """The price list, where there is an edit to compare with it."""
    if not any(case.draft for case in cases):
        return []
    return (await shelf.shelf(home_of(runtime))).catalogue.products


def _suggestion(
    bot_id: str, cases: Sequence[Case], proposals: Sequence[Proposal], decision: Decision | None
) -> Suggestion:
    # the latest answer leads: it is what a person says of it now
    pairs = list(zip(cases, proposals, strict=True))
    lead = next((p for case, p in reversed(pairs) if case.answer), proposals[-1] if proposals else None)
    wordings = list(dict.fromkeys(p.question for p in reversed(proposals)))
    question, text = (lead.question, lead.text) if lead else ("", "")
    shown = (decision.question if decision else "") or question
    kind = decision.kind if decision else lead.kind if lead else "faq"
    return Suggestion(
        id=decision.id if decision else cases[0].id,
        bot_id=bot_id,
        kind=kind,
        state=decision.state if decision else "open",
        question=shown,
        questions=[wording for wording in wordings if wording not in (question, shown)][:WORDINGS],
        text=text,
        draft=lead.draft if lead else "",
        expects=expected_of(question, text) if text else [],
        look_at=list(lead.look_at) if lead else [],
        product=lead.product if lead else None,
        asked=len(cases),
        first_at=cases[0].at if cases else 0,
        last_at=cases[-1].at if cases else 0,
        sources=[_source(case) for case in reversed(cases)][:SOURCES],
        by=decision.by if decision else "",
        decided_at=decision.at if decision else 0,
        reason=decision.reason if decision else "",
        document_id=decision.document_id if decision else "",
        document=decision.document if decision else "",
        before=decision.before if decision else None,
        after=decision.after if decision else None,
        unfinished=False,
    )


def _source(case: Case) -> SuggestionSource:
    return SuggestionSource(
        conversation_id=case.contact.id,
        entry_ids=[*case.asked, *case.answered],
        what=case.what,
        at=case.at,
        answered=bool(case.answer),
    )
