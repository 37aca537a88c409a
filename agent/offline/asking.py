"""What a message asks of the shop, told without a model: how many questions it holds, and what each is
about."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any, Literal

from agent.grounding.units import WEEKDAY
from agent.language.locale import LOCALES, anywhere, phrases_within, table
from agent.language.notation import bordered, narrow, word_count
from agent.language.screens import asks_who, is_goodbye, is_greeting, is_pleasantry, is_thanks

# Questions of one message that are looked up and answered one by one; what is over goes with the last.
MOST = 3
# Characters of a message that are looked at.
LOOKED_AT = 1_500
# Characters of a paragraph that says no more than when the shop is open.
LONGEST_HOURS = 120
# Sentences of a message, and little words between two questions of one, that are looked at.
MOST_SENTENCES, MOST_JOINS = 12, 4

_HOURS = re.compile(anywhere("asking.hours"), re.I)
_WORKS = re.compile(anywhere("asking.works"), re.I)
_NOW = re.compile(anywhere("asking.now"), re.I)
_DAY = re.compile(f"{anywhere('claims.today')}|{anywhere('claims.tomorrow')}", re.I)
_PRICE = re.compile(anywhere("offline.asks_price"), re.I)
_RANGE = re.compile(anywhere("offline.asks_range"), re.I)
_BEGINS = re.compile(rf"\A\W*(?:\w+\W+)?(?:{phrases_within('asking.begins')})(?!\w)", re.I)
_ASKS = re.compile(anywhere("asking.begins"), re.I)
_JOIN = re.compile(rf"[,;]?\s+(?:{phrases_within('asking.joins')})\s+", re.I)
_BLANKS = re.compile(r"[^\S\n]{2,}")
_SENTENCE = re.compile(r"(?<=[.!?…।؟])\s+|\n+|(?<=[\u3002\uff01\uff1f])")
_TOPICS = {topic: re.compile(bordered(phrases), re.I) for topic, phrases in table("asking.topics").items()}
_NOTEWORTHY = {
    kind: re.compile(bordered(phrases), re.I) for kind, phrases in table("asking.noteworthy").items()
}
_STREET = re.compile(anywhere("addresses.street"), re.I)
# `9 to 5`, `10–19`: two hours of a day.
_HOUR = r"(?:[01]?\d|2[0-4])(?:[:.][0-5]\d)?"
_SPAN = re.compile(rf"(?<![\d.,]){_HOUR}\s?(?:[–—-]|[^\W\d_]{{1,3}}\s)\s?{_HOUR}(?![\d%]|[.,]\d|\s?[€$£₽₸])")
_TIME = re.compile(
    r"(?<!\d)\d{1,2}[:.]\d{2}(?!\d)|\d\s?(?:am|pm|a\.m|p\.m|h)\b"
    rf"|\d\s?(?:{phrases_within('claims.hour_behind')})(?!\w)",
    re.I,
)


@lru_cache(maxsize=256)
def asks_hours(text: str) -> bool:
    """Whether it asks when the shop is open."""
    if _HOURS.search(text):
        return True
    return bool(_WORKS.search(text)) and bool(
        WEEKDAY.search(text) or _DAY.search(text) or _NOW.search(text) or word_count(text) <= 3
    )


def asks_now(text: str) -> bool:
    """Whether it asks about this moment, or today."""
    return bool(_NOW.search(text) or _DAY.search(text))


@lru_cache(maxsize=256)
def asks_price(text: str) -> bool:
    """Whether it asks what something costs, or whether it is there."""
    return bool(_PRICE.search(text))


def asks_range(text: str) -> bool:
    """Whether it asks what there is of something: `what machines do you have?`"""
    return bool(_RANGE.search(text))


# Behind "cheaper": a price that goods may cost, as in "a grinder cheaper than 100 000", and no wish for less.
_BOUND = re.compile(r"\s{1,2}(?:\w{1,5}\s{1,2})?\d(?:[\d\s.,]{0,12}\d)?(?<=\d\d\d)(?!\s{0,2}%)")


@lru_cache(maxsize=2048)
def topics_in(text: str) -> frozenset[str]:
    """What a question or a paragraph is about, in whatever language: `discount`, `address`, `payment`,
    `delivery`, `warranty`, `returns`."""
    looked = text[:LOOKED_AT]
    found = frozenset(topic for topic, pattern in _TOPICS.items() if pattern.search(looked))
    if "discount" in found and all(
        _BOUND.match(looked, m.end()) for m in _TOPICS["discount"].finditer(looked)
    ):
        return found - {"discount"}
    return found


@lru_cache(maxsize=2048)
def subjects_of(paragraph: str) -> frozenset[str]:
    """What a paragraph of a document is about, its heading included: as `topics_in`, and `address` where a
    street and a number stand in it."""
    found = topics_in(paragraph)
    return found | {"address"} if _STREET.search(paragraph) and re.search(r"\d", paragraph) else found


def states_hours(paragraph: str) -> int:
    """How plainly a paragraph of a document says when the shop is open: 3 with weekdays, a time and a word
    for being open, 2 with weekdays and times and hardly another word, 1 with such a word and two hours of a
    day; 0 for none. A weekday and times alone may be those of a course."""
    days = len(WEEKDAY.findall(paragraph))
    times = len(_TIME.findall(paragraph))
    if days and times and asks_hours(paragraph):
        return 3
    rest = [word for word in re.findall(r"[^\W\d_]{4,}", paragraph) if not WEEKDAY.fullmatch(word)]
    if days and times > 1 and len(rest) < days:
        return 2
    return int(len(paragraph) <= LONGEST_HOURS and bool(_WORKS.search(paragraph) and _SPAN.search(paragraph)))


def questions_in(text: str) -> list[str]:
    """The questions of a message, each as it was asked; what is no question goes with the one behind it. A
    message without a question is one. Empty for an empty message."""
    asked: list[str] = []
    before = ""
    flat = _BLANKS.sub(" ", text[:LOOKED_AT])  # patterns take longer with every blank of a run
    for sentence in _SENTENCE.split(flat, MOST_SENTENCES):
        if not (sentence := _without_greeting(sentence.strip())) or is_pleasantry(sentence):
            continue
        for part in _halves(sentence):
            if is_question(part) and asked and not before and _is_bare(part):
                asked[-1] = f"{asked[-1]} {part}"
            elif is_question(part):
                asked.append(f"{before} {part}".strip())
                before = ""
            else:
                before = f"{before} {part}".strip()
    if before and asked:
        asked[-1] = f"{asked[-1]} {before}"
    elif before:
        asked = [before]
    return [*asked[: MOST - 1], " ".join(asked[MOST - 1 :])] if len(asked) > MOST else asked


def _is_bare(question: str) -> bool:
    """Whether it asks a price and does not say of what: that stands before it."""
    if not asks_price(question):
        return False
    return not re.search(r"[^\W\d_]{4}", _ASKS.sub(" ", _PRICE.sub(" ", question)))


def _without_greeting(sentence: str) -> str:
    """`Hi there, how much is it?` without its first words."""
    first, comma, rest = sentence.partition(",")
    return rest.strip() if comma and is_greeting(first) else sentence


def also_searched(text: str, language: str) -> list[str]:
    """What else is looked up for a message in documents of a language: the words it has for the subjects
    asked about, which head the paragraphs that answer."""
    locale = LOCALES.get(language)
    if locale is None:
        return []
    lists: Any = locale.asking.topics
    found = [_plain(lists.get(topic, ())) for topic in sorted(topics_in(text))]
    if asks_hours(text):
        found.append(_plain(locale.asking.hours))
    return [words for words in found if words]


def _plain(phrases: Iterable[str]) -> str:
    """A few of the phrases of a list without their notation."""
    bare = (phrase.rstrip("*") for phrase in phrases if re.fullmatch(r"[\w' -]+\*?", phrase))
    return " ".join(itertools.islice(bare, 3))


def thanks_or_bids_farewell(text: str) -> Literal["goodbye", "thanks", ""]:
    """`goodbye` or `thanks` for a short message that does no more, however it is put; else empty."""
    if word_count(text) > 10 or re.search(r"[?؟\uff1f]", text) or _marks(text):
        return ""
    parts = [part.strip() for part in re.split(r"[,.!;()\n]+|\s[-–—]\s", narrow(text)) if part.strip()]
    if any(map(is_goodbye, parts)):
        return "goodbye"
    return "thanks" if any(map(is_thanks, parts)) or any(map(is_thanks, text.split()[:2])) else ""


def noteworthy_in(text: str) -> list[tuple[str, str]]:
    """(key, sentence) of what somebody says that must not be forgotten: an allergy, a budget, their family. A
    later budget has the key of the earlier one and takes its place; allergies and relatives have one each."""
    found: list[tuple[str, str]] = []
    for sentence in _SENTENCE.split(text[:LOOKED_AT], MOST_SENTENCES):
        for kind, pattern in _NOTEWORTHY.items():
            said = pattern.search(sentence)
            if said is None or (kind == "budget" and not re.search(r"\d", sentence)):
                continue
            what = {"budget": "", "family": said.group().split()[-1]}.get(
                kind, max(re.findall(r"\w+", sentence[said.end() :])[:3] or [""], key=len)
            )
            found.append((f"{kind} {what}".strip(), sentence.strip()))
    return found


def _halves(sentence: str) -> list[str]:
    """A sentence cut where one question ends and another begins: `how much is it and where are you?`"""
    for join in itertools.islice(_JOIN.finditer(sentence), MOST_JOINS):
        left, right = sentence[: join.start()].strip(), sentence[join.end() :].strip()
        if not is_question(left) or not right:
            continue
        other = _marks(right) - _marks(left)
        if _BEGINS.match(right) or other:
            return [left, *_halves(right)]
    return [sentence]


@lru_cache(maxsize=256)
def is_question(text: str) -> bool:
    """Whether it asks something, with or without a mark."""
    return bool(re.search(r"[?؟\uff1f]", text) or _ASKS.search(text) or _marks(text) or asks_who(text))


def _marks(text: str) -> set[str]:
    marks = set(topics_in(text))
    if asks_hours(text):
        marks.add("hours")
    if asks_price(text):
        marks.add("price")
    return marks
