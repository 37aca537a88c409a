"""What a message names of the goods, told without a model and without the price list itself: what is looked
up for a question, and which of the answers is meant. A bare name (`Luna?`), two products of one question, and
what only goes on from the products last spoken of (`and the XL?`) are found so."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from typing import Any

from agent.language.locale import locale_phrases, phrases_within
from agent.language.notation import expression, word_count
from agent.offline.asking import asks_hours, asks_price, asks_range, is_question, topics_in
from agent.offline.heard import Heard
from knowledge_base.goods.question import telling

# Words of a message that may be no more than a name. With so few it is one, whatever they are: `can opener`.
MOST_WORDS, FEWEST_WORDS = 8, 2
# Products that one question may name.
MOST_PARTS = 4
# Ways in which a question may give up words of what was spoken of before.
MOST_WAYS = 8
# Of rows of several products so many are shown of each, together about as many as of one.
ROWS_TOGETHER = 6
# A lone word that asks nothing names goods by so many of its letters, not by a typing error.
TELLING_LETTERS = 4

Rows = list[dict[str, Any]]
# The rows that the price list has for a query; none where it has only others near to it.
Found = Callable[[str], Rows]

_ABOUT = re.compile(rf"\A\W*(?:(?:{phrases_within('asking.about')})(?!\w)\W*){{1,3}}", re.I)
# Arabic writes a word for `and` with the next one, Chinese with both.
_ATTACHED, _SPACELESS = re.compile(r"[\u0600-\u06ff]"), re.compile(r"[\u3040-\u30ff\u3400-\u9fff]")
_NAMED = re.compile(r"^\*([^*\n]{1,200})\*", re.M)
_WORD = re.compile(r"[^\W_]+")


def _join(phrase: str) -> str:
    before = r"\s*" if _SPACELESS.search(phrase) else r"\s+"
    behind = r"\s*" if _SPACELESS.search(phrase) or _ATTACHED.search(phrase) else r"\s+"
    return f"{before}{expression(phrase, lambda _: '').source}{behind}"


_JOINS = "|".join(map(_join, sorted(locale_phrases("asking.joins"), key=len, reverse=True)))
_BETWEEN = re.compile(rf"(?:\s*[,;]\s+|\s*[\u3001\uff0c]\s*|(?:{_JOINS}))+", re.I)


def is_bare_name(question: str) -> bool:
    """Whether it may be no more than the name of a thing, or its number."""
    bare = query_of(question).strip(" ?؟\uff1f!.,")
    words = word_count(bare)
    if not 0 < words <= MOST_WORDS or topics_in(bare) or asks_hours(bare) or not telling(bare):
        return False
    return words <= FEWEST_WORDS or not is_question(bare)


def is_looked_up(question: str) -> bool:
    """Whether the price list may answer it."""
    return asks_price(question) or asks_range(question) or is_bare_name(question)


def query_of(question: str) -> str:
    """A question as the price list is asked it, on one line: patterns take longer with every blank of a
    run."""
    flat = " ".join(question.split())
    return _ABOUT.sub("", flat) or flat


def queries_of(question: str, heard: Heard) -> list[str]:
    """What the price list is asked for a question: itself, the products it names one by one, and what it may
    go on from."""
    parts = _parts(question)
    if parts:
        return [query_of(question), *parts]
    going_on = _going_on(question, heard)
    return [query_of(question), going_on] if going_on else [query_of(question)]


def queries_giving_up(question: str, heard: Heard) -> list[str]:
    """What the price list is asked for a question that goes on from a product which is not as it asks:
    without one word of that, the last first, or two. What the product is stays where nothing says that the
    question goes on, such as `and`."""
    asked, goes_on = query_of(question), bool(_ABOUT.match(question))
    if _parts(question) or not (goes_on or (is_bare_name(question) and len(telling(asked)) == 1)):
        return []
    spoken = _spoken_of(heard).split()[:MOST_WORDS]
    places = [*range(len(spoken))][:0:-1]
    first = [(0,)] if goes_on else []
    ways = [*((n,) for n in places), *first, *itertools.combinations(places, 2)]
    kept = ([word for n, word in enumerate(spoken) if n not in way] for way in ways[:MOST_WAYS])
    return [f"{' '.join(words)} {asked}" for words in kept if words]


def rows_meant(question: str, heard: Heard, found: Found) -> Rows:
    """The rows a question means, of what was found for its queries; none for none."""
    going_on = _going_on(question, heard)
    if going_on and (rows := found(going_on)):
        return rows
    for query in queries_giving_up(question, heard):
        if rows := found(query):
            return rows
    if rows := found(query_of(question)):
        return rows if not is_lone(question) or _shares(question, rows) else []
    each = [found(part) for part in _parts(question)]
    most = max(1, ROWS_TOGETHER // max(1, len(each)))
    return [row for rows in each for row in rows[:most]] if each and all(each) else []


def is_lone(question: str) -> bool:
    """Whether it is one word that asks nothing, such as a name somebody gives."""
    return word_count(question) == 1 and not is_question(question) and not any(map(str.isdigit, question))


def _shares(word: str, rows: Rows) -> bool:
    """Whether a word, or its beginning, stands in a row."""
    spelt = word.casefold().strip(" !.,")
    told = " ".join(str(value) for row in rows for value in row.values()).casefold()
    return any(each.startswith(spelt[: max(TELLING_LETTERS, len(spelt) - 2)]) for each in _WORD.findall(told))


def _parts(question: str) -> list[str]:
    """The products a question names one by one; none where it is about one."""
    parts = [part.strip() for part in _BETWEEN.split(query_of(question), MOST_PARTS - 1)]
    parts = [part for part in parts if _WORD.search(part)]
    return parts if len(parts) > 1 else []


def _going_on(question: str, heard: Heard) -> str:
    """A short question with what was last spoken of before it; empty where nothing was."""
    spoken, asked = _spoken_of(heard), query_of(question)
    return f"{spoken} {asked}" if spoken and word_count(asked) <= MOST_WORDS else ""


def _spoken_of(heard: Heard) -> str:
    """What the last reply named: the words that all of its rows have. Where it had none, what was asked."""
    names = [name.split() for name in _NAMED.findall(heard.before)]
    if not names:
        return heard.asked_before if is_looked_up(heard.asked_before) else ""
    return " ".join(word for word in names[0] if all(word in other for other in names[1:]))
