"""No text, however hostile, holds up the event loop: what reads a text needs time in proportion to its
length.

Customers, models, documents and tools write what these functions read. Each function meets texts that are
made to send a pattern back and forth, in two lengths, the second four times the first: a quadratic function
needs sixteen times as long for it. What is measured is the CPU time of this process, at the second try the
least of several, so that whatever else the machine does changes little."""

from __future__ import annotations

import gc
import re
import time

import pytest

from agent.grounding import (
    claims,
)
from tests.hostile_texts.functions import (
    FORGET,
    FUNCTIONS,
    IN_A_TURN,
)
from tests.hostile_texts.texts import (
    GENERATORS,
    LENGTH,
    TIMES,
)

pytestmark = pytest.mark.slow
# Linear work takes TIMES as long, give or take what a machine does meanwhile; quadratic work TIMES squared.
MOST = 6.0
# Below this, in seconds, a measurement is noise, and harmless.
FLOOR = 0.02
# What everything that a turn does with one message may cost, in seconds, on a core where `reference()` takes
# REFERENCE.
TURN, REFERENCE = 0.3, 0.012


def seconds(name: str, text: str, tries: int = 1) -> float:
    """CPU time of one of FUNCTIONS, the least of several runs. The collector of garbage rests meanwhile: it
    would look through whatever else this process holds."""
    best = float("inf")
    gc.disable()
    try:
        for _ in range(tries):
            for forget in (*FORGET, claims.remembered.clear):
                forget()
            start = time.process_time()
            FUNCTIONS[name](text)
            best = min(best, time.process_time() - start)
    finally:
        gc.enable()
    return best


# (function, generator) -> seconds that the longer text took.
_measured: dict[tuple[str, str], float] = {}


def measured(name: str, kind: str) -> float:
    """What the longer text of a kind costs, measured once."""
    if (name, kind) not in _measured:
        _measured[name, kind] = seconds(name, GENERATORS[kind](LENGTH * TIMES))
    return _measured[name, kind]


def too_slow(name: str, kind: str) -> str:
    """What is wrong with the time a function takes for a kind of text, or nothing."""
    if measured(name, kind) < FLOOR:
        return ""
    short, long = (GENERATORS[kind](length) for length in (LENGTH, LENGTH * TIMES))
    brief, lasting = seconds(name, short), measured(name, kind)
    for tries in (3, 3, 8):  # whatever else the machine does is not held against a function
        if lasting < max(FLOOR, MOST * brief):
            return ""
        brief, lasting = seconds(name, short, tries), seconds(name, long, tries)
        _measured[name, kind] = min(lasting, measured(name, kind))
    if lasting < max(FLOOR, MOST * brief):
        return ""
    return f"{brief:.3f} s for {len(short)} characters, {lasting:.3f} s for {len(long)}"


def test_time_is_warm():
    """The first use of the language model loads it, which is nobody's fault."""
    for name in FUNCTIONS:
        seconds(name, "Do you deliver to Almaty on Friday?")


def test_words_that_read_in_two_ways_are_not_read_in_every_way():
    """With twenty of them there are a million ways; with a row as long as below the tests would not come to
    an end."""
    assert seconds("decisions.decision_in", "yes," + "perfect," * 20 + "x") < 0.2
    assert seconds("screens", "no more " + "vos " * 20 + "any more " * 10 + "x") < 0.2


@pytest.mark.parametrize("name", FUNCTIONS)
def test_time_grows_no_faster_than_the_text(name: str):
    assert not {kind: why for kind in GENERATORS if (why := too_slow(name, kind))}


def reference() -> float:
    """What work that never changes costs here and now, in seconds of CPU: a shared or older core needs
    more."""
    text, best = "nobody 5 kg, somebody 7 days. " * 2_000, float("inf")
    for _ in range(5):
        start = time.process_time()
        for pattern in (r"\b\w+ (?=\d)", r"(?i)(?:mon|tues|wednes)day|\d+ (?:kg|days?)\b", r"\w+body"):
            re.findall(pattern, text)
        sum(letter.isalpha() for letter in text * 4)
        best = min(best, time.process_time() - start)
    return best


def test_a_message_of_any_kind_costs_a_turn_little():
    for kind, make in GENERATORS.items():
        if sum(measured(name, kind) for name in IN_A_TURN) > TURN:
            text = make(LENGTH * TIMES)
            costs = {name: min(measured(name, kind), seconds(name, text, 8)) for name in IN_A_TURN}
            assert sum(costs.values()) < TURN * max(1, reference() / REFERENCE), (kind, costs)
