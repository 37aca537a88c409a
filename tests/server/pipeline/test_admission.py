"""How many conversations a worker takes up, and of whom."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from server.pipeline.claims.admission import FEWEST, FIRST, HALF, SLOW, Admission

IDLE, BUSY = 0.1, 0.99


def grown(most: int = 512, times: int = 0) -> tuple[Admission, list[int]]:
    """One whose room was all in use and whose loop had time, so many times; and how often it called."""
    called = list[int]()
    admission = Admission(most, lambda: called.append(1))
    for _ in range(times):
        while admission.room("a"):
            admission.taken("a")
        admission.heard(0, IDLE)
    return admission, called


def test_a_loop_that_has_time_is_given_twice_as_much():
    admission, called = grown(times=3)
    assert admission.limit == FIRST * 8 and len(called) == 3
    assert grown(most=40, times=9)[0].limit == 40
    assert grown(most=2)[0].limit == 2


def test_a_loop_that_works_all_the_time_is_given_no_more():
    admission, _ = grown(times=1)
    while admission.room("a"):
        admission.taken("a")
    admission.heard(0, BUSY)
    assert admission.limit == 2 * FIRST
    admission.heard(0, HALF + 0.1)
    assert 2 * FIRST < admission.limit < 4 * FIRST


def test_a_loop_that_is_late_is_given_less_but_never_nothing():
    admission, _ = grown(times=3)
    before = admission.limit
    admission.heard(SLOW * 2, BUSY)
    assert admission.limit < before
    for _ in range(100):
        admission.heard(SLOW * 2, BUSY)
    assert admission.limit == FEWEST


def test_what_was_carried_once_is_forgotten_when_there_is_little_to_do():
    admission, _ = grown(times=4)
    for _ in range(FIRST * 16):
        admission.done("a")
    for _ in range(100):
        admission.heard(0, IDLE)
    assert admission.limit == FIRST


def test_one_bot_alone_has_it_all_and_makes_way_for_another():
    admission, _ = grown(times=1)
    for _ in range(FIRST):
        admission.done("a")
    while admission.room("flood"):
        admission.taken("flood")
    assert admission.free == 0
    admission.done("flood")
    admission.taken("calm")  # its first message came in that moment
    for _ in range(admission.limit // 2):
        admission.done("flood")
    # the flood may have what is free but a quarter, the other all of it
    assert admission.room("calm") >= admission.free - 1
    assert admission.room("flood") == admission.free - admission.limit // 4
    assert admission.fewest_first({"flood": 1, "calm": 2, "new": 3}) == [
        ("new", 3),
        ("calm", 2),
        ("flood", 1),
    ]


def test_more_bots_than_can_be_served_at_once_are_served_in_turn():
    admission, bots = Admission(8, lambda: None), {f"b{number}": number for number in range(24)}
    served = dict.fromkeys(bots, 0)
    for _ in range(30):
        taken = list[str]()
        for bot_id, _ in admission.fewest_first(bots):
            if admission.room(bot_id):
                admission.taken(bot_id)
                taken.append(bot_id)
                served[bot_id] += 1
        for bot_id in taken:
            admission.done(bot_id)
    assert max(served.values()) - min(served.values()) <= 1 and sum(served.values()) == 240


def test_a_bot_whose_conversation_hangs_keeps_no_other_small():
    admission = Admission(512, lambda: None)
    admission.taken("hangs")
    for _ in range(8):
        while admission.room("busy"):
            admission.taken("busy")
        admission.heard(0, IDLE)
    assert admission.limit == 512


@example(
    [("a", True, 0.0, 0.0)] * 2
    + [("b", True, 0.0, 0.0)] * 2
    + [("c", False, 1.0, 0.0)] * 4
    + [("c", True, 0.0, 0.0)] * 2
)
@given(st.lists(st.tuples(st.sampled_from("abc"), st.booleans(), st.floats(0, 1), st.floats(0, 1))))
def test_never_more_than_the_limit_and_never_stuck(events: list[tuple[str, bool, float, float]]):
    admission, in_hand = Admission(64, lambda: None), {"a": 0, "b": 0, "c": 0}
    for bot_id, comes, late, worked in events:
        if comes and admission.room(bot_id):
            admission.taken(bot_id)
            in_hand[bot_id] += 1
            assert sum(in_hand.values()) <= admission.limit
        elif not comes and in_hand[bot_id]:
            admission.done(bot_id)
            in_hand[bot_id] -= 1
        else:
            admission.heard(late, worked)
        assert FEWEST <= admission.limit <= 64
        # what is free while every bot has its share is for one that has nothing in hand yet
        assert not admission.free or any(admission.room(one) for one in [*in_hand, "somebody new"])
