"""What a person would tap, told from a reply without a model: products it names, free slots it offers, a
question of yes or no."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, cast

from langchain_core.messages import AnyMessage, HumanMessage, ToolMessage

from agent.language.locale import phrases_within
from agent.language.phrases import say
from agent.state import text_of
from agent.tapping.cards import MOST
from tools.price_list import PriceList
from tools.runtime import Option, Shown, ShownProduct

# Characters of a question of yes or no, and of the reply whose end it is.
LONGEST_QUESTION = 200
YES, NO = "yes", "no"
_SLOT = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d")
_YES_NO = re.compile(rf"(?:.*[\s¿,])?(?:{phrases_within('yes_no.asked')})(?!\w)", re.I | re.S)
_SENTENCE = re.compile(r"(?<=[.!?…।؟:])\s+|\n+")


def choices(
    reply: str,
    messages: Sequence[AnyMessage],
    goods: PriceList,
    language: str,
    *,
    plain_cards: bool = False,
) -> list[Shown]:
    """What goes out with a reply to be tapped: at most a card with a picture beside a question of yes or no;
    with `plain_cards` a card without one too."""
    turn = _turn(messages)
    if slots := _slots(reply, turn):
        return [Shown(sort="choice", choice=slots)]
    cards = _products(reply, turn, goods)
    if 2 <= len(cards) <= MOST:
        return [Shown(sort="products", products=cards)]
    shows = len(cards) == 1 and (plain_cards or cards[0]["picture"])
    shown = [Shown(sort="products", products=cards)] if shows else []
    if asks_yes_or_no(reply):
        both = [Option(id=YES, title=say("agree", language), description="")]
        both.append(Option(id=NO, title=say("decline", language), description=""))
        shown.append(Shown(sort="choice", choice=both))
    return shown


def asks_yes_or_no(reply: str) -> bool:
    """Whether a reply ends with one question, which a yes or a no answers."""
    marks = reply.count("?") + reply.count("؟")
    last = _SENTENCE.split(reply.strip())[-1]
    if marks != 1 or not re.search(r"[?؟]\W*\Z", last) or len(last) > LONGEST_QUESTION:
        return False
    return bool(_YES_NO.match(last[-LONGEST_QUESTION:])) and not _alternatives(last)


def _alternatives(question: str) -> bool:
    """Whether it offers one thing or another, which no yes answers."""
    return bool(re.search(rf"(?<!\w)(?:{phrases_within('yes_no.alternatives')})(?!\w)", question, re.I))


def _turn(messages: Sequence[AnyMessage]) -> list[ToolMessage]:
    """The answers of tools since the contact last wrote."""
    found: list[ToolMessage] = []
    for message in reversed(messages):
        if isinstance(message, HumanMessage):
            break
        if isinstance(message, ToolMessage) and message.status != "error":
            found.append(message)
    return found[::-1]


def _products(reply: str, turn: Sequence[ToolMessage], goods: PriceList) -> list[ShownProduct]:
    """The products that were found in this turn and that the reply names, as their rows have them."""
    found: dict[str, ShownProduct] = {}
    for answer in turn:
        if answer.name == "find_product":
            for row in _rows(text_of(answer)):
                if card := goods.card_of(row):
                    found.setdefault(card["ref"], card)
    said = _flat(reply)
    named = [card for card in found.values() if _names(said, card, list(found.values()))]
    return sorted(named, key=lambda card: _place(said, card))


def _rows(text: str) -> Iterator[dict[str, str]]:
    try:
        answer: Any = json.loads(text)
    except (ValueError, RecursionError):
        return
    if isinstance(answer, dict):
        given = cast(dict[str, Any], answer)
        answer = given.get("found") or given.get("nearest")
    for row in cast(list[Any], answer) if isinstance(answer, list) else []:
        if isinstance(row, dict):
            yield cast(dict[str, str], row)


def _flat(text: str) -> str:
    return " ".join(re.sub(r"[*_~]", "", text).casefold().split())


def _names(said: str, card: ShownProduct, others: Sequence[ShownProduct]) -> bool:
    """Whether a reply names a product: by its name, its article, or the two words that its name begins with
    and no other's does."""
    whole, short = _flat(card["name"]), _short(card)
    if _stands(whole, said) or (len(card["article"]) > 2 and _stands(_flat(card["article"]), said)):
        return True
    alone = sum(_short(other) == short for other in others) == 1
    return alone and " " in short and _stands(short, said)


def _short(card: ShownProduct) -> str:
    return " ".join(_flat(card["name"]).split()[:2])


def _stands(name: str, said: str) -> bool:
    return bool(name) and bool(re.search(rf"(?<!\w){re.escape(name)}(?!\w)", said))


def _place(said: str, card: ShownProduct) -> int:
    """Where a product first stands in a reply."""
    places = [said.find(_flat(card[part])) for part in ("name", "article") if card[part]]
    places.append(said.find(_short(card)))
    return min((place for place in places if place >= 0), default=len(said))


def _slots(reply: str, turn: Sequence[ToolMessage]) -> list[Option]:
    """The free slots that the reply offers, two to ten of them."""
    free = [
        slot
        for answer in turn
        if answer.name == "book_call"
        for slot in _SLOT.findall(text_of(answer).partition("Booked already")[0])
    ]
    offered = [slot for slot in dict.fromkeys(free) if _offers(reply, slot, free)]
    if not 2 <= len(offered) <= MOST or any("booked for" in text_of(answer) for answer in turn):
        return []
    return [
        Option(id=f"slot:{slot}", title=f"{datetime.fromisoformat(slot):%d.%m. %H:%M}", description="")
        for slot in offered
    ]


def _offers(reply: str, slot: str, free: Sequence[str]) -> bool:
    day, _, time = slot.partition(" ")
    hour, minute = time.split(":")
    spelt = rf"(?<!\d){int(hour):02}[:.h]{minute}(?!\d)|(?<!\d){int(hour)}[:.h]{minute}(?!\d)"
    if not re.search(spelt, reply):
        return False
    if sum(other.endswith(time) for other in free) == 1 or slot in reply:
        return True
    date = int(day[-2:])
    return bool(re.search(rf"(?<![\d:.]){date:02}(?![\d:])|(?<![\d:.]){date}(?![\d:])", reply))
