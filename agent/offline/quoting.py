"""What the documents say to a question, word for word, and rows of price lists as lines for a customer."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, NamedTuple

from agent.language.detect import language_of, script_of
from agent.language.locale import LOCALES, locale_phrases
from agent.language.notation import narrow
from agent.language.phrases import say
from agent.offline.asking import is_question, states_hours, subjects_of, topics_in
from knowledge_base.goods.corrections import UNCONFIRMED
from knowledge_base.goods.prices import is_size
from knowledge_base.goods.validity import is_lapsed
from knowledge_base.vocabulary import column_kinds, currency_in, function_words

Embed = Callable[[str], Any]

QUOTE_CHARACTERS = 420
# So many characters tell where a quote is from.
QUOTED_BEGINNING = 40
# A sentence further than this from the best one does not belong to the answer (cosine,
# multilingual-e5-small).
SENTENCE_MARGIN = 0.03
# What a word in common is worth, and a subject in common, on the same scale.
SHARED_WORD, SHARED_TOPIC = 0.02, 0.08
# What it is worth that a sentence begins with such a word: it is of that, and does not only mention it.
BEGINS_WITH = 0.015
# A paragraph nearer than this answers a question with which it has neither word nor subject in common, in the
# same language and in another.
NEAR, NEAR_ACROSS = 0.865, 0.85
# A row whose name is nearer than this to what a question in another language names may be meant, and the one
# that is nearer than the next by so much is.
NEAR_ROW, STANDS_OUT = 0.815, 0.02
# Sentences that are compared with a question by meaning, those that share words with it first: each costs 10
# ms once, so fewer where the question itself is long enough to cost the rest of a turn's time.
EMBEDDED, EMBEDDED_OF_LONG, LONG = 16, 6, 400
CONSIDERED = 5

_SENTENCE = re.compile(r"(?<=[.!?…।؟])\s+|\n+|(?<=[\u3002\uff01\uff1f])")
_SPACELESS = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]{2,}")


@dataclass(frozen=True, slots=True)
class ShownPassage:
    """A passage as the prompt shows it; `strong` says whether search holds it for an answer."""

    language: str
    strong: bool
    text: str


class _Line(NamedTuple):
    sentence: str
    paragraph: str
    passage: ShownPassage
    heading: str


class Quotes:
    """What passages say, for a contact who reads `language`."""

    def __init__(self, embed: Embed, passages: Sequence[ShownPassage], language: str) -> None:
        self._embed, self._language = embed, language
        said = (replace(p, text=_in_force(p.text), language=p.language or _prose(p.text)) for p in passages)
        self._passages = sorted((p for p in said if p.text), key=lambda p: self._reads(p.language))

    def _reads(self, language: str) -> int:
        """How well the contact reads a language, the best first."""
        also = LOCALES[self._language].also_reads if self._language in LOCALES else ()
        order = ["", self._language, *also, "en"]
        return order.index(language) if language in order else len(order)

    @property
    def foreign(self) -> bool:
        """Whether every passage is in another language than the contact's."""
        return all(p.language not in ("", self._language) for p in self._passages)

    def borrowed(self, quoted: str) -> bool:
        """Whether a quote is in another language than the contact's."""
        begins = quoted[:QUOTED_BEGINNING]
        found = [p.language for p in self._passages if begins and begins in p.text]
        return bool(found) and not {"", self._language}.intersection(found)

    def hours(self) -> str:
        """The paragraph that says most plainly when the shop is open; empty where none does."""
        every = [paragraph for passage in self._passages for _, paragraph in _paragraphs(passage.text)]
        best = max(every, key=states_hours, default="")
        return best if states_hours(best) else ""

    def about(self, topic: str) -> str:
        """The paragraph about a subject; empty where there is none."""
        for passage in self._passages:
            for heading, paragraph in _paragraphs(passage.text):
                if topic in _subjects(heading, paragraph):
                    return paragraph[: 2 * QUOTE_CHARACTERS]
        return ""

    def likely_rows(self, question: str) -> list[str]:
        """The rows of price lists that a question in another language probably means: one that stands out,
        else the nearest three; none where nothing is near."""
        wanted = self._embed(_core(question))
        rated: dict[str, float] = {}
        for passage in self._passages:
            for _, paragraph in _paragraphs(passage.text):
                if is_row(columns := _columns(paragraph)):
                    name = _named(columns)
                    rated[row_line(columns, self._language)] = float(self._embed(name or paragraph) @ wanted)
        ranked = sorted(rated, key=lambda row: -rated[row])
        if not ranked or rated[ranked[0]] < NEAR_ROW:
            return []
        alone = len(ranked) == 1 or rated[ranked[0]] - rated[ranked[1]] >= STANDS_OUT
        return ranked[:1] if alone else ranked[:3]

    def answer(self, question: str) -> str:
        """The paragraph nearest to the question, or only its nearest sentences when it is long; empty where
        none answers it. Passages in a language the contact reads come first."""
        for rank in sorted({max(1, self._reads(p.language)) for p in self._passages}):
            some = [p for p in self._passages if self._reads(p.language) <= rank]
            if found := self._nearest(question, some):
                return found
        return ""

    def _nearest(self, question: str, passages: Sequence[ShownPassage]) -> str:
        wanted, said, topics = self._embed(question), stems(question), topics_in(question)

        @cache  # the same line again costs nothing
        def cosine(sentence: str) -> float:
            return float(self._embed(sentence) @ wanted)

        lines = [
            _Line(s, paragraph, p, heading)
            for p in passages
            for heading, paragraph in _paragraphs(p.text)
            for s in _sentences(paragraph)
        ]
        common = {stem for stem in said if 3 * sum(stem in stems(x.sentence) for x in lines) > len(lines) > 3}

        def shared(line: _Line, text: str) -> float:
            columns = _columns(line.paragraph)
            if is_row(columns):  # its code may be a word, such as BAR
                about = subjects_of(_named(columns))
            else:
                about = subjects_of(text) | _subjects(line.heading, line.paragraph)
            topic = topics & about
            words = SHARED_WORD * len((said - common) & stems(f"{line.heading}\n{text}"))
            return words + SHARED_TOPIC * bool(topic)

        def closeness(line: _Line) -> float:
            begins = stems(line.sentence.partition(" ")[0]) & (said - common)
            return cosine(line.sentence) + shared(line, line.sentence) + BEGINS_WITH * bool(begins)

        most = EMBEDDED if len(question) <= LONG else EMBEDDED_OF_LONG
        order = sorted(lines, key=lambda x: (-shared(x, x.sentence), not x.passage.strong))[:most]
        rated = [line for line in lines if line in order]
        if not rated:
            return ""
        best = max(rated, key=closeness)
        if not self._answers(best, cosine(best.sentence), shared(best, best.paragraph), question):
            return ""
        if is_row(columns := _columns(best.paragraph)):
            return row_line(columns, self._language)
        if len(best.paragraph) <= QUOTE_CHARACTERS:
            return best.paragraph
        chosen: list[str] = []
        for other in sorted(rated, key=lambda x: -closeness(x)):
            fits = sum(map(len, chosen)) + len(other.sentence) <= QUOTE_CHARACTERS
            near = closeness(other) >= closeness(best) - SENTENCE_MARGIN
            if other.paragraph is best.paragraph and near and (fits or not chosen):
                chosen.append(other.sentence)
        return " ".join(s for s in _sentences(best.paragraph) if s in chosen)

    def _answers(self, line: _Line, cosine: float, shared: float, question: str) -> bool:
        """Whether a line that is nearest is near enough. What asks nothing is answered only by what has much
        in common with it."""
        if shared >= SHARED_TOPIC:
            return True
        if is_row(_columns(line.paragraph)) and self._names_little(line, shared, question):
            return False
        if not line.passage.strong:
            return False
        if not is_question(question):
            return shared >= 2 * SHARED_WORD
        across = line.passage.language not in ("", self._language)
        near = NEAR_ACROSS if across else NEAR
        return cosine >= (near - SHARED_WORD / 2 if shared and across else 0 if shared else near)

    def _names_little(self, line: _Line, shared: float, question: str) -> bool:
        """Whether a question hardly names what a row is of: "can you iron this?" asks for no iron. In another
        language, or other letters, it may name it and share no word with it."""
        if shared == SHARED_WORD:
            return is_question(question)
        own = line.passage.language in ("", self._language)
        return not shared and own and script_of(line.paragraph) == script_of(question)


def _subjects(heading: str, paragraph: str) -> frozenset[str]:
    """What a paragraph is about. Of the subjects of a heading above several paragraphs it has those that it
    names itself; all, where it names none of them."""
    own, above = subjects_of(paragraph), subjects_of(heading)
    return own if own & above else own | above


def _prose(text: str) -> str:
    """The language of a passage of a document that is too mixed as a whole; empty for rows of a table, whose
    names are of no language."""
    return "" if any(is_row(_columns(part)) for _, part in _paragraphs(text)) else language_of(text)


def _in_force(text: str) -> str:
    """A passage without the lines that hold no more, or not yet."""
    return "\n".join(line for line in text.split("\n") if not is_lapsed(line))


def _columns(paragraph: str) -> dict[str, str]:
    """The columns of a row of a table, as passages write it: `name: Vase; price: 900`."""
    if ": " not in paragraph or "; " not in paragraph:
        return {}
    return dict(pair.split(": ", 1) for pair in paragraph.split("; ") if ": " in pair)


def _names(header: str) -> bool:
    """Whether a column says what a thing is."""
    return next(iter(column_kinds(header)), "") in ("name", "category", "variants")


def _named(columns: dict[str, str]) -> str:
    """What a row says a thing is."""
    return " ".join(value for header, value in columns.items() if _names(header))


def _core(question: str) -> str:
    """The words of a question that name goods."""
    said = re.findall(r"[^\W_]+", question.casefold())
    return " ".join(word for word in said if word not in function_words()) or question


def _paragraphs(text: str) -> list[tuple[str, str]]:
    """(heading, paragraph) of a passage; headings alone only when nothing else is there."""
    parts = [part.strip() for part in text.split("\n") if part.strip()]
    found: list[tuple[str, str]] = []
    heading = ""
    for place, part in enumerate(parts):
        ends, after = narrow(part[-1]), narrow(parts[place + 1][-1]) if place + 1 < len(parts) else "?"
        asks = ends in "?؟" and after not in "?؟"
        if asks:  # a question that the next paragraph answers
            heading = part
        elif ends in ".!?…।؟;" or len(part) > 80 or "; " in part:
            found.append((heading, part))
        else:
            heading = part
    return found or [("", part) for part in parts or [text]]


def _sentences(text: str) -> list[str]:
    return [part.strip() for part in _SENTENCE.split(text) if part.strip()][:15] or [text]


def stems(text: str) -> set[str]:
    """The first five letters of longer words: enough to know `гарантия` in `гарантии`. Of writing without
    spaces each two signs."""
    pairs = {run[n : n + 2] for run in _SPACELESS.findall(text) for n in range(len(run) - 1)}
    words = re.findall(r"[^\W\d_]{4,}", _SPACELESS.sub(" ", text.casefold()))
    return pairs - function_words() | {word[:5] for word in words}


_NAMES, _PRICES = locale_phrases("columns.product_name"), locale_phrases("columns.product_price")
_CURRENCIES, _CODES = locale_phrases("columns.product_currency"), locale_phrases("columns.product_code")
# Columns that say nothing to a customer, or are said in words.
_UNSAID = frozenset(("article", "ordinal", "picture", "link", "category", "old_price", "stock"))


def holds(row: dict[str, Any]) -> bool:
    """Whether a row's prices may be said to a customer."""
    return not any(is_lapsed(str(said)) or UNCONFIRMED in str(said) for said in row.values())


def is_row(columns: dict[str, str]) -> bool:
    """Whether these are columns of a price list."""
    return any("price" in column_kinds(header) for header in columns)


def row_line(row: dict[str, Any], language: str) -> str:
    """A price-list row as a line: the name, the price with its currency, whether it is there, and every other
    column but codes, groups and counts."""
    rest = {str(k).strip(): str(v).strip() for k, v in row.items() if v not in (None, "")}

    def take(wanted: Sequence[str]) -> tuple[str, str]:
        header = next((h for word in wanted for h in rest if word in h.casefold()), "")
        return (header, rest.pop(header)) if header else ("", "")

    currency = take(_CURRENCIES)[1]
    priced = [h for h in rest if next(iter(column_kinds(h)), "") == "price"] or [
        h for h in rest if is_size(h) and rest[h][:1].isdigit()
    ]
    # of several prices none is the price: each is said with its name
    header, price = take(_PRICES) if len(priced) < 2 else ("", "")
    name = rest.pop(_name_of(rest), "")
    unit = currency or (match.group(1) if (match := re.search(r"[(,]\s*([^\s)]{1,5})\)?$", header)) else "")
    # a price in thousands, or for a hundred pieces, is nothing without its header
    counted = "" if unit else _counted_by(header)
    unit = unit or next(filter(currency_in, re.split(r"[\s,;()/]+", header) if not counted else ()), "")
    stock = next((v for h, v in rest.items() if "stock" in column_kinds(h)), "")
    others = [
        f"{h.replace('_', ' ')}: {f'{v} {currency}'.rstrip() if h in priced else v}"
        for h, v in rest.items()
        if not any(code == h.casefold() for code in _CODES) and next(iter(column_kinds(h)), "") not in _UNSAID
    ]
    if stock.isdecimal():
        others.append(say("in_stock" if int(stock[:MOST_DIGITS]) else "out_of_stock", language))
    others = [counted, *others] if counted and price else others
    line = f"*{name}*" + (f": {_grouped(price)} {unit}".rstrip() if price else "")
    return line + (f" ({', '.join(others)})" if others else "")


def _counted_by(header: str) -> str:
    """The header of prices where it says more than that these are some, and in what money."""
    words = re.split(r"[\s,;()/]+", header)
    more = (word for word in words if word and not currency_in(word) and "price" not in column_kinds(word))
    return header if any(word.casefold() not in function_words() for word in more) else ""


def _name_of(row: dict[str, str]) -> str:
    """The header under which a row says what it is: the one that says so most plainly, else the first of
    which nothing is known."""
    named = {h: column_kinds(h)["name"] for h in row if "name" in column_kinds(h)}
    plain = (h for h in row if not column_kinds(h) and any(map(str.isalpha, row[h])))
    worded = (h for h in row if any(h.casefold().startswith(word) for word in _NAMES))
    chosen = min(named, key=lambda h: named[h]) if named else next(plain, "")
    return chosen or next(worded, next(iter(row), ""))


# A price has fewer digits; Python refuses to read a number of thousands of them.
MOST_DIGITS = 20


def _grouped(number: str) -> str:
    whole = number.isdecimal() and len(number) <= MOST_DIGITS
    return f"{int(number):,}".replace(",", "\u00a0") if whole else number
