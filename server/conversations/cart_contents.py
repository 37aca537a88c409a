"""A cart as it goes out: its lines and sums in words, with the buttons that its state asks for."""

from __future__ import annotations

from agent.language.order_phrases import order_text
from agent.language.phrases import say
from agent.ordering.taps import CART
from agent.ordering.wording import cart_lines
from channels.content.anything import Content
from channels.content.interactive import (
    BUTTONS,
    DESCRIPTION,
    ROWS,
    TITLE,
    Button,
    ChoiceList,
    ReplyButtons,
    Row,
    Section,
)
from channels.content.parts import fitted
from channels.markup import utf16_length
from tools.ordering import ShownCart

# A reply as it goes out: its words, and what more a channel may show of it.
Piece = tuple[str, Content | None]
LONGEST_BODY, LONGEST_LABEL = 1024, 20


def cart_pieces(text: str, cart: ShownCart, language: str) -> list[Piece]:
    """The bubbles of a reply that shows a cart. One that is too long for a message with buttons goes before
    them."""
    lines = [] if _was_placed(cart) else cart_lines(cart, language)
    if lines and text.strip().endswith(lines[0]):
        lines = lines[1:]
    question, choices = _asked(cart, language)
    if not choices:
        return [("\n".join([text, *([""] if lines else []), *lines]).strip(), None)]
    above = "\n".join([text, "", *lines])
    words = f"{above}\n\n{question}"
    if utf16_length(words) <= LONGEST_BODY:
        return [(words, _choices(words, choices, language))]
    return [(above, None), (question, _choices(question, choices, language))]


def _was_placed(cart: ShownCart) -> bool:
    """Whether it is of an order that was placed before: that was shown then."""
    return any(note["kind"] == "placed_before" for note in cart["notes"])


def _asked(cart: ShownCart, language: str) -> tuple[str, list[tuple[str, str]]]:
    """(question, id and words of each answer) of what comes next: which variant, where to, whether to
    order."""
    which = next((note for note in reversed(cart["notes"]) if note["kind"] == "which"), None)
    if which and len(which["options"]) <= ROWS:
        ids = [f"{CART}pick:{number}:{which['other']}" for number in range(1, len(which["options"]) + 1)]
        return order_text("which", language, what=which["what"]), list(
            zip(ids, which["options"], strict=True)
        )
    if cart["order"] or not cart["lines"]:
        return "", []
    if cart["areas"]:
        rows = [(f"{CART}area:{number}", name) for number, name in enumerate(cart["areas"], 1)]
        return order_text("where", language), rows
    both = [(f"{CART}confirm:{cart['version']}", order_text("confirm", language))]
    both.append((f"{CART}clear:{cart['version']}", order_text("empty_it", language)))
    return order_text("ask", language), both


def _choices(body: str, choices: list[tuple[str, str]], language: str) -> Content:
    if len(choices) <= BUTTONS and all(utf16_length(title) <= LONGEST_LABEL for _, title in choices):
        return ReplyButtons(body=body, buttons=tuple(Button(id=id, title=title) for id, title in choices))
    titles = [fitted(title, TITLE) for _, title in choices]
    rows = tuple(
        Row(id=id, title=short, description="" if short == title else fitted(title, DESCRIPTION))
        for (id, title), short in zip(choices, titles, strict=True)
    )
    return ChoiceList(body=body, button=say("choose", language), sections=(Section(rows=rows),))
