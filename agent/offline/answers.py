"""The reply of the offline model: every question of a message answered in turn, or an honest word where there
is no answer."""

from __future__ import annotations

import itertools
import json
import re
from typing import Any, cast

from agent.language.detect import script_of
from agent.language.notation import word_count
from agent.language.phrases import clock_line, opening_lines
from agent.language.screens import (
    asks_who,
    is_goodbye,
    is_greeting,
    is_pleasantry,
    is_small_talk,
    is_thanks,
)
from agent.language.wishes import request_in
from agent.offline.asking import (
    asks_hours,
    asks_now,
    asks_price,
    asks_range,
    is_question,
    questions_in,
    thanks_or_bids_farewell,
    topics_in,
)
from agent.offline.heard import Heard
from agent.offline.naming import (
    ROWS_TOGETHER,
    is_bare_name,
    is_looked_up,
    queries_giving_up,
    queries_of,
    query_of,
    rows_meant,
)
from agent.offline.quoting import Embed, Quotes, holds, row_line

# Rows of a price list in one answer, and of those that are only near to what was asked for.
MOST_ROWS, MOST_NEAREST = 5, 2

# How the price list says what no product has.
NO_PRODUCT, TOGETHER = "no product has ", "all of this together"

# Words of a remark that nothing has to be found for.
FEW = 4

_FILE = re.compile(
    r"\s*\[(empty message|image|audio|video|document|sticker|location|contacts)\][^\n]{0,3}\s*"
)
_QUESTION = re.compile(r"[?؟\uff1f]")


class Answers:
    """Answers to what was heard."""

    def __init__(self, heard: Heard, embed: Embed) -> None:
        self._heard = heard
        self._quotes = Quotes(embed, heard.passages, heard.language)
        self._request = request_in(heard.said)
        self._found = {query: text for name, query, text in heard.tool_answers if name == "find_product"}

    def looked_up(self) -> list[str]:
        """What the price list is asked, before anything is answered."""
        heard = self._heard
        if heard.picked:
            return [heard.picked]
        only_details = heard.gave_details and not _QUESTION.search(heard.said)
        if self._request == "complaint" or only_details or self._fixed():
            return []
        asked = (queries_of(q, heard) for q in questions_in(heard.said) if is_looked_up(q))
        return list(dict.fromkeys(itertools.chain.from_iterable(asked)))

    def also_looked_up(self) -> list[str]:
        """What it is asked besides when nothing is as a question that goes on from a product asks."""
        heard = self._heard
        asked = (q for q in questions_in(heard.said) if query_of(q) in self._found and not self._going_on(q))
        more = itertools.chain.from_iterable(queries_giving_up(q, heard) for q in asked)
        return [query for query in dict.fromkeys(more) if query not in self._found]

    def _going_on(self, question: str) -> bool:
        return any(map(self._found_for, queries_of(question, self._heard)[1:]))

    def text(self) -> str:
        """The whole reply."""
        heard = self._heard
        if any(name == "request_human" for name, *_ in heard.tool_answers):
            return heard.say("handed_over")
        if heard.picked:
            return self._picked()
        if fixed := self._fixed():
            return fixed
        if self._request == "complaint":
            return heard.say("sorry")
        if heard.gave_details and not _QUESTION.search(heard.said):
            return heard.say("noted") + heard.question()
        questions = questions_in(heard.said) or [heard.said]
        answers = [self._answer(question) for question in questions]
        own = {query for q in questions for query in self._own(q)}
        by_name = [self._rows(query) for query in self._found if query not in own]
        if any(by_name):  # somebody called the tool by its name
            answers = by_name
        known = list(dict.fromkeys(answer for answer in answers if answer))
        if not known and word_count(heard.said) <= FEW and not is_question(heard.said):
            return heard.say("more")
        if not all(answers):
            known.append(self._unknown())
        told = self._introduced("\n\n".join(known))
        return told + heard.question() if all(answers) else told

    def _picked(self) -> str:
        """The row of the product that was tapped on, or that it is there no more."""
        heard = self._heard
        found = self._read(heard.picked)
        rows = found.get("found") if isinstance(found, dict) else found
        if not isinstance(rows, list) or not rows:
            return heard.say("gone").replace("{what}", heard.picked_words or heard.picked)
        return self._lines(cast(list[Any], rows)[:1]) + heard.question()

    def _fixed(self) -> str:
        """The answer to what asks for nothing that documents hold; empty for anything else."""
        heard = self._heard
        if asks_who(heard.said) and len(questions_in(heard.said)) <= 1:
            return heard.say("who")
        if is_greeting(heard.said) or heard.said.startswith("/"):
            return heard.say("greeting")
        if is_thanks(heard.said):
            return heard.say("thanks")
        if is_goodbye(heard.said):
            return heard.say("goodbye")
        if is_small_talk(heard.said) or heard.said.strip() == "[sticker]":
            return heard.say("more")
        if not self._request and (kind := thanks_or_bids_farewell(heard.said)):
            return heard.say(kind)
        if is_pleasantry(heard.said):
            words = heard.said.split()
            return heard.say("thanks" if any(is_thanks(word) for word in words) else "more")
        return heard.say("media") if _FILE.fullmatch(heard.said) else ""

    def _answer(self, question: str) -> str:
        """What is known of one question; empty for nothing."""
        if asks_who(question):
            return self._heard.say("who")
        found = [self._hours(question)] if asks_hours(question) else []
        topics = topics_in(question)
        if topics - {"discount"} and (quoted := self._quotes.answer(question)):
            found.append(self._quoted(quoted))  # "is delivery free from some sum?" is about delivery
        elif "discount" in topics:
            found.append(self._quoted(self._quotes.about("discount")) or self._heard.say("no_discount"))
        elif asks_price(question) and (rows := self._priced(question)):
            found.append(rows)
        elif (asks_range(question) or is_bare_name(question)) and (rows := self._meant(question)):
            found.append(rows)
        elif not any(found):
            found.append(self._quoted(self._quotes.answer(question)))
        return "\n".join(part for part in found if part)

    def _quoted(self, quote: str) -> str:
        """A quote; one in another language with a word in the contact's."""
        return f"{self._heard.say('quoted')}\n{quote}" if self._quotes.borrowed(quote) else quote

    def _introduced(self, told: str) -> str:
        """What is told, where one word on its language is enough."""
        word = self._heard.say("quoted") + "\n"
        before, found, behind = told.partition(word)
        return before + found + behind.replace(word, "")

    def _hours(self, question: str) -> str:
        """When the business is open: by its documents where they differ from its settings or are in the
        contact's language, else by the settings."""
        heard, written = self._heard, self._quotes.hours()
        opening = heard.opening
        if opening and written and not all(_holds(written, opening[at]) for at in ("start", "end")):
            opening = None
        if opening:
            return "\n".join(opening_lines(opening, heard.language))
        if written and heard.now and asks_now(question):
            return f"{clock_line(heard.now, heard.language)} {self._quoted(written)}"
        return self._quoted(written)

    def _priced(self, question: str) -> str:
        """The rows of the price list that were found for a question; empty for none."""
        found = self._read(query_of(question))
        if rows := self._meant(question):
            return rows
        if (found is None or self._quotes.foreign) and (likely := self._quotes.likely_rows(question)):
            return "\n".join([self._heard.say("perhaps"), *likely])
        if not isinstance(found, dict) or not isinstance(found.get("nearest"), list):
            return ""
        missing = str(found.get("not found", "")).partition(NO_PRODUCT)[2]
        if not missing or missing.startswith(TOGETHER):
            missing = question
        nearest = self._lines(found["nearest"][:MOST_NEAREST])
        if nearest and script_of(missing) != script_of(nearest):  # it may be there by another name
            return "\n".join([self._heard.say("perhaps"), nearest])
        return f"{self._heard.say('nearest').replace('{what}', missing)}\n{nearest}" if nearest else ""

    def _read(self, query: str) -> dict[str, Any] | list[Any] | None:
        """What the price list answered to a query; None for nothing."""
        try:
            return cast(dict[str, Any] | list[Any] | None, json.loads(self._found[query]))
        except (KeyError, ValueError, RecursionError):  # no rows, or thousands of brackets within each other
            return None

    def _own(self, question: str) -> list[str]:
        """What is looked up for a question."""
        return [*queries_of(question, self._heard), *queries_giving_up(question, self._heard)]

    def _meant(self, question: str) -> str:
        """The rows that a question means; empty for none."""
        rows = rows_meant(question, self._heard, self._found_for)
        return self._lines(rows[: max(MOST_ROWS, ROWS_TOGETHER)])

    def _found_for(self, query: str) -> list[dict[str, Any]]:
        """The first rows that the price list has for a query, not those only near to it."""
        found = self._read(query)
        rows = found.get("found") if isinstance(found, dict) else found
        if not isinstance(rows, list):
            return []
        every = [cast(dict[str, Any], row) for row in cast(list[Any], rows) if isinstance(row, dict)]
        return every[:MOST_ROWS]

    def _rows(self, query: str) -> str:
        return self._lines(self._found_for(query))

    def _lines(self, rows: list[Any]) -> str:
        known = [cast(dict[str, Any], row) for row in rows if isinstance(row, dict)]
        shown = [row for row in known if holds(row)]
        return "\n".join(dict.fromkeys(row_line(row, self._heard.language) for row in shown))

    def _unknown(self) -> str:
        """That something is not known; another word where the last reply said so."""
        if self._heard.was_just_said("unknown", "unknown_again"):
            return self._heard.say("unknown_again")
        return self._heard.say("unknown")


def _holds(text: str, time: str) -> bool:
    """Whether a text names a time of the clock (HH:MM), however it is written."""
    hour, minute = time.split(":")
    short = str(int(hour))
    afternoon = str(int(hour) - 12) if int(hour) > 12 else short
    spelt = "|".join(dict.fromkeys((hour, short, afternoon)))
    minutes = rf"[:.h]?{minute}" if minute != "00" else rf"(?:[:.h]?{minute})?"
    return bool(re.search(rf"(?<!\d)(?:{spelt}){minutes}(?!\d)", text))
