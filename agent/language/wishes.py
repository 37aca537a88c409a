"""What somebody asks of the people of the shop: an order, its cancellation, a complaint. It must not be lost
while no model can act on it.

For the languages the agent speaks, by the words of a decision in the first person or of an instruction; a
question about ordering ("where is my order?") has none."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal

from agent.language.locale import LOCALES, anywhere, phrases_within
from agent.language.locale_file import Locale
from agent.language.notation import narrow

Request = Literal["order", "cancellation", "complaint"]

# Characters around a word in which a no to it is looked for.
NEAR = 60
# Characters that are looked at.
LOOKED_AT = 2_000


def _orders(locale: Locale) -> str:
    """What somebody wants, and what they want, in a language."""
    do, many = anywhere("wishes.do", locale), phrases_within("wishes.many", locale)
    want, asked = anywhere("wishes.want_to", locale), anywhere("wishes.asked_for", locale)
    return rf"(?:{asked})\s+(?:{many})(?!\w)|(?:{want})[^.!?؟\n]{{0,{locale.wishes.reach}}}?(?:{do})"


_WISHES = re.compile(
    "|".join((anywhere("wishes.decided"), *map(_orders, (x for x in LOCALES.values() if x.wishes.do)))), re.I
)
# What turns a sentence into the contrary of a wish: a no, a cancellation, a thing one wants to know or to
# have back.
_CONTRARY = re.compile(anywhere("wishes.contrary"), re.I)
# A sentence that asks when, where or how orders nothing.
_ASKS = re.compile(
    rf"\A\W*(?:(?:{phrases_within('wishes.leads')}) )?(?:{phrases_within('wishes.asks')})(?:\W|\Z)", re.I
)
# Going or coming somewhere is as often asked about as announced.
_ASKED = re.compile(
    rf"\b(?:{phrases_within('wishes.may')})\b[^?]{{0,40}}\b(?:{phrases_within('wishes.go')})\b[^?]{{0,80}}\?",
    re.I,
)
_FORM = re.compile(r"\w[\w ]{0,40}: [^;\n]{1,200}(?:; \w[\w ]{0,40}: [^;\n]{1,200}){1,30}\s*\Z")
_COURTEOUS = re.compile(anywhere("wishes.courteous"), re.I)
_CANCELS = re.compile(anywhere("wishes.cancels"), re.I)
_COMPLAINS = re.compile(anywhere("wishes.complains"), re.I)
# What might be is no complaint yet, and what one may do is no cancellation.
_SUPPOSES = re.compile(
    rf"{anywhere('wishes.supposes')}|\A\W*(?:{phrases_within('wishes.supposes_first')})\b", re.I
)
_NO = re.compile(anywhere("wishes.denial"), re.I)
_NO_AFTER = re.compile(rf"\A(?:{phrases_within('wishes.no_behind')})", re.I)
# A request in the form of a question.
_PLEASE = re.compile(anywhere("wishes.request"), re.I)
# Asking whether one may buy in some way (in instalments, online), or what to take, decides nothing.
_IN_GENERAL = re.compile(anywhere("wishes.in_general"), re.I)
_MAY_FIRST = re.compile(rf"\A\W*(?:{phrases_within('wishes.may')})\b", re.I)
_RECOMMENDS = re.compile(anywhere("wishes.recommends"), re.I)
_DO = re.compile(anywhere("wishes.do"), re.I)
_CLAUSE = re.compile(r"[,;:()—–]")
_SENTENCE = re.compile(r"[^.!?\n؟।]+[.!?\n؟।]*")
_PRICED = re.compile(anywhere("offline.asks_price"), re.I)


def request_in(text: str) -> Request | None:
    """What the text asks of people, None for nothing: to take an order back, to put something right, or an
    order."""
    flat = re.sub(r"[^\S\n]+", " ", narrow(text[:LOOKED_AT]).replace("’", "'"))
    rest = " ".join(
        part for part in _CLAUSE.split(flat) if not _CANCELS.search(part) and not _COMPLAINS.search(part)
    )
    if is_wish(rest):  # "the old one broke, I'll take a new one"
        return "order"
    for sentence in _SENTENCE.findall(flat):
        if _SUPPOSES.search(sentence) or _ASKS.search(sentence):
            continue
        if _says(_CANCELS, sentence) and (
            "?" not in sentence or _COURTEOUS.search(sentence) or _PLEASE.search(sentence)
        ):
            return "cancellation"
        if _says(_COMPLAINS, _told(sentence)):
            return "complaint"
    return "order" if is_wish(text) else None


def _told(sentence: str) -> str:
    """What a sentence says before it asks what is done about that ("it leaks, what now?"); one that asks what
    something costs is about that."""
    if not any(mark in sentence for mark in "?؟"):
        return sentence
    said, _, asked = sentence.rpartition(",")
    return "" if _PRICED.search(asked) else said


def _says(what: re.Pattern[str], sentence: str) -> bool:
    """Whether a sentence says it without a no to it: within three words before, or right after."""
    for found in what.finditer(sentence):
        before = _CLAUSE.split(sentence[max(0, found.start() - NEAR) : found.start()])[-1].split()[-3:]
        after = _CLAUSE.split(sentence[found.end() : found.end() + NEAR])[0].split()[:3]
        if not _NO.search(" ".join(before)) and not _NO_AFTER.search(" ".join([found.group(), *after])):
            return True
    return False


@lru_cache(maxsize=256)
def is_wish(text: str) -> bool:
    """Whether the text orders something, books it, or says that they are coming: a sentence of it does, and
    neither takes it back nor asks about it."""
    if text.startswith("[order]") or _FORM.match(
        text[:LOOKED_AT]
    ):  # a basket of the catalogue, a form filled in
        return True
    flat = re.sub(r"[^\S\n]+", " ", narrow(text[:LOOKED_AT]).replace("’", "'"))
    return any(_wishes(sentence) for sentence in _SENTENCE.findall(flat))


def _wishes(sentence: str) -> bool:
    """What stands around a wish takes it back: up to three words before it, and the two after it, which are
    its object."""
    found = _WISHES.search(sentence)
    if not found or _ASKED.search(sentence):
        return False
    if _asks_in_general(sentence):
        return False
    if _ASKS.search(sentence) and ("?" in sentence or not _COURTEOUS.search(sentence)):
        return False
    before = _CLAUSE.split(sentence[: found.start()])[-1].split()[-3:]
    after = _CLAUSE.split(sentence[found.end() :])[0].split()[:2]
    return not _CONTRARY.search(" ".join([*before, found.group(), *after]))


def _asks_in_general(sentence: str) -> bool:
    if not (any(mark in sentence for mark in "?؟") or _MAY_FIRST.search(sentence)):
        return False
    if _RECOMMENDS.search(sentence) and not _DO.search(sentence):
        return True
    rest, ways = _IN_GENERAL.subn(" ", sentence)
    return ways > 0 and not any(c.isdigit() for c in rest)
