"""Whether what a reply claims stands anywhere: passages, tool answers, facts of the bot, the conversation, or
sums of these.

A claim is not held against every other: what may support it is looked up by its value, and what a sentence
says is found out once for all the claims in it."""

from __future__ import annotations

import bisect
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import regex as re

from agent.grounding import arithmetic, product_names
from agent.grounding.claims import Claim, claims_in
from agent.grounding.evidence import NAME_WORD, Evidence, things
from agent.grounding.numbers import spelled, with_plain_digits
from agent.grounding.units import in_store
from agent.language.detect import language_of
from agent.language.locale import anywhere

CHAIN = 3
# Whole numbers so small count things: `two ways to pay`.
SMALL_COUNTS = (0, 1, 2, 3, 4)
# The words around a number that is part of a name, and characters in which they are looked for.
_WORD_BEFORE, _WORD_BEHIND, LONGEST_WORD = re.compile(r"\p{L}{2,} $"), re.compile(r" \p{L}{2,}"), 40
# So many claims of a reply that stand nowhere are tried to be reckoned; a reply with more of them is wrong
# anyway.
MOST_RECKONED = 30
# A price the customer named is granted only by somebody who may; the agent may deny it, ask about it, or call
# it a budget.
_NOT_GRANTED = re.compile(rf"\?|{anywhere('grounding.not_granted')}", re.I)


@dataclass(frozen=True, slots=True)
class Finding:
    """One claim of a reply, whether it is supported, and by what."""

    claim: Claim
    supported: bool
    why: str


class JudgedReply:
    """A reply that is judged: its claims, and what stands around each."""

    def __init__(self, text: str) -> None:
        self.claims = claims_in(text)
        self.text = with_plain_digits(text)
        self._clauses = [0, *(m.end() for m in _CLAUSE.finditer(self.text))]

    def name_around(self, claim: Claim) -> str:
        """A number with the words right before and behind it, as in `Laminate 33 class`; empty where it does
        not stand between two words."""
        end = claim.start + len(claim.text)
        before = _WORD_BEFORE.search(self.text[max(0, claim.start - LONGEST_WORD) : claim.start])
        behind = _WORD_BEHIND.match(self.text[end : end + LONGEST_WORD])
        return f"{before.group()}{claim.text}{behind.group()}" if before and behind else ""

    def quoting(self, claim: Claim, cells: Sequence[tuple[str, str]]) -> str:
        """The cell of a price list that stands word for word around a number, with its source; empty where
        none does."""
        text, end = self.text.casefold(), claim.start + len(claim.text.rstrip())
        if len(text) != len(self.text):
            return ""
        for cell, source in cells:
            start = text.find(cell, max(0, end - len(cell)), claim.start + len(cell))
            last = start + len(cell)
            apart = not text[max(0, start - 1) : start].isalnum() and not text[last : last + 1].isalnum()
            if 0 <= start <= claim.start and end <= last and apart:
                return f"“{cell}” in {source}"
        return ""

    def grants(self, claim: Claim) -> bool:
        """Whether a price or a discount is a promise of the agent. What counts is the clause: a `no` at the
        head of the sentence denies something else."""
        if claim.kind not in ("money", "percent"):
            return False
        at = bisect.bisect_right(self._clauses, claim.start)
        end = self._clauses[at] if at < len(self._clauses) else len(self.text)
        return not _grants_nothing(self.text[self._clauses[at - 1] : end])


def findings(reply: str, evidence: Evidence) -> list[Finding]:
    """Every claim of the reply with the decision on it."""
    read = JudgedReply(reply)
    claims = read.claims
    why = _each_directly(claims, evidence, read)
    for claim in claims:
        if claim.kind == "number" and not why[claim]:
            why[claim] = evidence.naming(read.name_around(claim)) or read.quoting(claim, evidence.cells)
    asked = claims_in(evidence.asked)
    priced = {
        v for c in (*asked, *claims) if c.kind in ("money", "percent", "phone", "date") for v in c.values
    }
    counts = (spelled(evidence.asked) | spelled(read.text)) - priced
    granted = evidence.granted(asked) if not all(why.values()) else []
    for _ in range(CHAIN):  # a total may be made of totals
        books = arithmetic.Books([c for c in claims if why[c]], claims, asked, granted, counts)
        reckoned: dict[Hashable, str] = {}
        for claim in claims:
            if not why[claim]:
                alike = (claim.kind, claim.text, claim.values, claim.unit, claim.sentence)
                if alike not in reckoned and len(reckoned) < MOST_RECKONED:
                    reckoned[alike] = books.derived(claim)
                why[claim] = reckoned.get(alike, "")
        if not any(reckoned.values()):
            break
    return [Finding(c, bool(why[c]), why[c] or f"{c.kind} “{c.text.strip()}” stands nowhere") for c in claims]


def unsupported_claims(reply: str, evidence: Evidence) -> list[Finding]:
    """The claims that nothing supports."""
    return [finding for finding in findings(reply, evidence) if not finding.supported]


# How people name a sum that is theirs to spend.
_OWN = re.compile(anywhere("grounding.own_to_spend"), re.I)
_CLAUSE = re.compile(r"[,;:()\n]\s|\p{So}+\s?|\s[—–-]\s|[.!?…।]\s")


@lru_cache(maxsize=1024)
def _grants_nothing(clause: str) -> bool:
    return bool(_NOT_GRANTED.search(clause))


@lru_cache(maxsize=1024)
def _own_to_spend(sentence: str) -> bool:
    return bool(_OWN.search(sentence))


def _each_directly(claims: Sequence[Claim], evidence: Evidence, reply: JudgedReply) -> dict[Claim, str]:
    """What supports each claim; one that a sentence repeats is looked for once. A price is judged by the
    clause it stands in."""
    found: dict[Claim, str] = {}
    known: dict[Hashable, str] = {}
    for claim in claims:
        at = claim.start if claim.kind in ("money", "percent") else 0
        alike = (claim.kind, claim.text, claim.values, claim.unit, claim.key, claim.sentence, at)
        if alike not in known:
            known[alike] = _direct(claim, evidence, reply)
        found[claim] = known[alike]
    return found


def _direct(claim: Claim, evidence: Evidence, reply: JudgedReply) -> str:
    """What supports a claim as it stands, without reckoning; an empty text when nothing does."""
    if claim.kind == "product":
        return _name(claim, evidence)
    if claim.kind == "free":
        return _free(claim, evidence)
    if claim.kind == "number" and claim.values[0] in SMALL_COUNTS:
        return "a small count"
    if claim.kind == "number" and "24/7" in claim.sentence:
        return ""
    if why := _in_passing(claim):
        return why
    if claim.kind in ("measure", "number") and _repeats(claim, evidence):
        return "the customer's own number"
    return _said_somewhere(claim, evidence, reply)


def _in_passing(claim: Claim) -> str:
    """A few pieces, when no stock is meant, and a few minutes."""
    if claim.unit == "piece" and claim.values[0] <= 10 and not in_store(claim.sentence):
        return "a count"
    if claim.kind == "duration" and claim.values[0] <= 5 and claim.unit == "minute":
        return "a manner of speaking"
    return ""


def _said_somewhere(claim: Claim, evidence: Evidence, reply: JudgedReply) -> str:
    """The source that says the same. A price that only the contact named supports nothing that the reply
    grants, unless it is their own budget."""
    granted = reply.grants(claim)
    for other in evidence.saying(claim):
        mine_to_spend = claim.kind == "money" and _own_to_spend(other.claim.sentence)
        if not other.source.of_contact or not granted or mine_to_spend:
            return f"“{other.claim.text[:40]}” in {other.source.name}"
    return _day(claim, evidence) if claim.kind in ("weekday", "soon") else ""


def _repeats(claim: Claim, evidence: Evidence) -> bool:
    """Whether the contact said a number, perhaps in thousands or with a unit we do not know."""
    value, (theirs, bare) = claim.values[0], evidence.contacts
    return (claim.kind == "number" and value * 1000 in theirs) or (
        claim.kind == "measure" and claim.unit != "piece" and value in bare
    )


def _day(claim: Claim, evidence: Evidence) -> str:
    """A weekday within a range such as Mon-Sat, or the next day when delivery takes a day."""
    if claim.kind == "soon":
        return evidence.next_day if claim.key == "tomorrow" else ""
    return "open every day" if evidence.every_day else evidence.open_days.get(claim.values[0], "")


def _name(claim: Claim, evidence: Evidence) -> str:
    """Every word of a name must be said somewhere, whatever the script."""
    words = [w for w in NAME_WORD.findall(claim.text) if w.casefold() not in product_names.COMMON]
    missing = [w for w in words if not evidence.words.heard(w)]
    return "" if missing else f"“{claim.text}” is known"


def _free(claim: Claim, evidence: Evidence) -> str:
    """Something is free only where a sentence says so of the same thing. Sentences in two languages cannot be
    compared."""
    if "?" in claim.sentence:
        return "not promised"
    wanted, meant = set(claim.key.split()), things(claim.sentence, claim.text)
    for promise in evidence.promised:
        vague = not (meant and promise.things) and (
            not wanted or wanted & promise.words or _language(claim.sentence) != _language(promise.sentence)
        )
        if meant & promise.things or vague:
            return f"“{promise.sentence.strip()[:40]}” in {promise.source}"
    return ""


@lru_cache(maxsize=1024)
def _language(sentence: str) -> str:
    return language_of(sentence)
