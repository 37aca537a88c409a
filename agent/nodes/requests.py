"""What a contact asks of the people of the shop while no model answers: it goes on their list, and the
contact is told so."""

from __future__ import annotations

import itertools

from langchain_core.messages import HumanMessage, ToolMessage

from agent.language.phrases import Phrase, say
from agent.language.wishes import Request, request_in
from agent.state import State, burst, burst_text, text_of, without_notes

# Tools that only look something up, and see to nothing.
LOOKS_UP = frozenset({"find_product"})

# How the list of people at the business says what a contact asks of them.
REQUESTS: dict[Request, str] = {
    "order": "wants to order, book or visit",
    "cancellation": "takes back an order or a booking",
    "complaint": "complains",
}
# Characters of an order that says too little without what was spoken of before.
SHORT = 60

# What the offline model says when it passes a question on.
PASSED_ON: tuple[Phrase, ...] = ("unknown_again", "no_discount")


def without_a_model(state: State, text: str, language: str) -> tuple[str, str]:
    """(reply, task) of what the offline model says: an order, its cancellation and a complaint become a task,
    and so does a question that it could not answer; the task is empty where people have nothing to do."""
    kind, request = _request(state)
    if kind == "complaint":
        return text, request
    if kind:
        noted = say("order_noted", language)
        return f"{text}\n\n{noted}" if _answers(state, text, language) else noted, request
    if any(say(phrase, language) in text for phrase in PASSED_ON):
        return text, f"could not be answered: {burst_text(state)[:300]}"
    return text, ""


def _request(state: State) -> tuple[Request | None, str]:
    """What the contact asks of people in this turn, for their list, where no tool has seen to it; empty for
    nothing."""
    heard = [text_of(message) for message in burst(state)]
    said = [text if text.startswith("[order]") else without_notes(text) for text in heard]
    last = next((n for n, m in enumerate(reversed(state["messages"])) if isinstance(m, HumanMessage)), 0)
    turn = state["messages"][len(state["messages"]) - last :]
    if any(isinstance(m, ToolMessage) and m.name not in LOOKS_UP and m.status != "error" for m in turn):
        return None, ""
    found: Request | None = None
    for text in (" ".join(said), *said):  # the last word counts; one that comes in pieces too
        found = request_in(text) or found
    if found is None:
        return None, ""
    words = " / ".join(filter(None, said))[:300]
    before = next(
        (
            text_of(m)
            for m in reversed(state["messages"][: -len(heard) - last])
            if isinstance(m, HumanMessage)
        ),
        "",
    )
    if found == "order" and len(words) < SHORT and before and not request_in(before):
        words += f" (asked before: {without_notes(before)[:150]})"
    return found, f"{REQUESTS[found]}: {words}"


def _answers(state: State, text: str, language: str) -> bool:
    """Whether what the offline model says belongs into the reply to a request: it answers a question of the
    same burst, or is the row of the product that was named."""
    if text == say("unknown", language):
        return False
    turn = itertools.takewhile(lambda m: not isinstance(m, HumanMessage), reversed(state["messages"]))
    looked_up = any(isinstance(m, ToolMessage) and m.name in LOOKS_UP and m.status != "error" for m in turn)
    return looked_up or any(mark in burst_text(state) for mark in "?؟")
