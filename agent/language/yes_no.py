"""Whether a message is a definitive yes or no, told without a model; only where that is beyond doubt.

What is not is for the model to judge: "no, make it 5 pm" corrects, "yes, but" bargains, "no, that's all" ends
a talk and refuses nothing. The precision on other people's dialogues stands in `benchmarks/README.md` (`make
eval`)."""

from __future__ import annotations

import re
from typing import Literal

from agent.language.locale import anywhere, phrases_within
from agent.language.notation import narrow

Decision = Literal["yes", "no", "uncertain"]

# A definitive answer is short; whoever writes more says more.
WORDS = 9
_YES, _NO = phrases_within("yes_no.agrees"), phrases_within("yes_no.declines")
# No phrase that says yes may stand among those that follow one: with two ways to read each word, a long row
# of them that ends in another would be read in every way.
_YES_ONLY = re.compile(rf"(?:{_YES})(?:[\s,.!]+(?:{_YES}|{phrases_within('yes_no.agrees_more')}))*", re.I)
_NO_ONLY = re.compile(rf"(?:{_NO})(?:[\s,.!]+(?:{phrases_within('yes_no.declines_more')}))*", re.I)
_MAYBE = re.compile(anywhere("yes_no.maybe"), re.I)
_DECIDES = re.compile(anywhere("yes_no.decides"), re.I)
_UNSURE = re.compile(phrases_within("yes_no.unsure"), re.I)
_ASKS_MORE = re.compile(anywhere("yes_no.asks_more"), re.I)
# Says no to whatever it was, asked or not.
_FLAT_NO = re.compile(
    rf"(?:(?:{phrases_within('yes_no.before_declining')})[\s,.!]+)?(?:{phrases_within('yes_no.declines_flatly')})",
    re.I,
)
_BETWEEN = re.compile(r"[\s,.!]+")


def decision_in(text: str, before: str = "") -> Decision | None:
    """The decision of a message after `before`, the last that was said to its sender; None when a model must
    judge. Where nothing was asked, nothing is decided; a bare no to "anything else?" refuses nothing, and a
    bare yes wants more."""
    bare = " ".join(narrow(text).replace("’", "'").strip(" \t\n.!…,;)(🙂😊👍🙏").split())
    if _FLAT_NO.fullmatch(bare):
        return "no"
    asked = not before or any(mark in narrow(before[-300:]) for mark in "?؟")
    if not bare or "?" in bare or not asked or len(bare.split()) > 40:
        return None
    if _MAYBE.search(bare) and len(bare.split()) <= WORDS:
        return None if _DECIDES.search(_UNSURE.sub("", bare)) else "uncertain"
    if sum(map(bool, _BETWEEN.split(bare))) > WORDS or _ASKS_MORE.search(before[-120:]):
        return None
    if _YES_ONLY.fullmatch(bare):
        return "yes"
    return "no" if _NO_ONLY.fullmatch(bare) else None
