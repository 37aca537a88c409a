"""The search finds what it should: faults put into the scripts and into the sender break the promise that
they are about, by a way that can be read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from redis import Redis

from server.pipeline import sender
from tests.durability.protocol import promises
from tests.durability.protocol.model import Model
from tests.durability.protocol.real_worker import Replies
from tests.durability.protocol.scenario import Luck, Scenario
from tests.durability.protocol.scenarios import AGAIN, ONE, TOUCHES, TWO
from tests.durability.protocol.scripts_at import real_scripts, script_server
from tests.durability.protocol.search import Search
from tests.durability.protocol.words import in_words

pytestmark = pytest.mark.slow

HELD = "if not held() then return 0 end\n"
SLOW = Scenario("a worker is slow", ONE, Luck(expire=1), replies=Replies(2))
# Of each fault: the script, what of it is replaced by what, where it shows, and what it breaks.
FAULTS = {
    "a worker that lost its lease commits": ("commit", HELD, "", SLOW, promises.STALE),
    "a worker that lost its lease takes a reply off": ("send_done", HELD, "", SLOW, promises.STALE),
    "a late worker marks the next reply as sent": (
        *("send_done", "head and id_of(head) == reply", "head"),
        *(SLOW, promises.NEVER_SENT),
    ),
    "a worker that lost its lease renews it": (
        *("renew", "== ARGV[i + 1] then", "then"),
        *(Scenario("a slow one, and silence", ONE, Luck(expire=1, silence=1)), promises.STALE),
    ),
    "a message that is known is stored again": (
        *("accept", "if call('ZADD', seen, 'NX', now, digest) == 0 then return 0 end", ""),
        *(Scenario("twice", AGAIN, Luck()), promises.TWICE),
    ),
    "a lease does not keep others away": (
        *("claim", "call('ZADD', due, now + lease, id)", ""),
        *(Scenario("one", ONE, Luck()), promises.LEASE),
    ),
    "a message makes a conversation in hand due": (
        *("accept", "if call('SISMEMBER', busy, conversation) == 1 then return 1 end", ""),
        *(Scenario("two", TWO, Luck()), promises.LEASE),
    ),
    "a status makes a conversation due that was just leased": (
        *("claim", "redis.pcall('HDEL', root .. 'box:' .. id, 'parked')", ""),
        *(Scenario("silence", ONE, Luck(silence=1)), promises.LEASE),
    ),
    "a new holder has the fence of the last": (
        *("begin", "new_fence(turn)", "tonumber(call('HGET', box, 'fence'))"),
        *(SLOW, promises.ONE_FENCE),
    ),
    "fences are only counted, and a primary is lost": (
        *("begin", "new_fence(turn)", "call('HINCRBY', box, 'fence', 1)"),
        *(Scenario("lost", ONE, Luck(failover=1, expire=1), depth=1, waits=True), promises.ONE_FENCE),
    ),
    "who lets go does not look at the inbox again": (
        *("send_done", "if call('EXISTS', inbox) == 1 then", "if false then"),
        *(Scenario("two", TWO, Luck()), promises.STUCK),
    ),
    "a turn takes all that has come meanwhile": (
        *("commit", "call('LTRIM', inbox, call('HGET', box, 'size'), -1)", "call('DEL', inbox)"),
        *(Scenario("two", TWO, Luck()), promises.OTHERS),
    ),
    "an attempt is not recorded": (
        *("send_begin", "'trying', now, 'pair', pair + pair_interval)", "'pair', pair + pair_interval)"),
        *(Scenario("a death", ONE, Luck(crash=1)), promises.SENT_TWICE),
    ),
    "what a status says is not kept": (
        *("status", "call('HSET', box, 'sent', provider)", ""),
        *(Scenario("a death", ONE, Luck(crash=1)), promises.KNOWN),
    ),
    "a refused request is not tried again": (
        *("send_abort", "come_back(delay)", "call('ZREM', due, conversation)"),
        *(Scenario("refused", ONE, Luck(refuse=1)), promises.STUCK),
    ),
    "what an operator asks for twice is queued twice": (
        *("post", "if call('HSETNX', status, id_of(reply), 'queued') == 0 then return 0 end", ""),
        *(Scenario("an operator", ONE, Luck(post=2)), promises.KNOWN),
    ),
    "a dead letter that is tried again stays one": (
        *("revive", "call('HDEL', dead, turn)", ""),
        *(Scenario("failing", ONE, Luck(fail=1, revive=1), attempts=1), promises.TWICE),
    ),
    "a worker that gives up puts its batch nowhere": (
        *("bury", "call('HSET', dead, turn,", "tostring("),
        *(Scenario("failing", ONE, Luck(fail=2), attempts=1), promises.LOST),
    ),
}


@pytest.fixture(scope="module")
def server() -> Iterator[Redis]:
    with script_server() as redis:
        yield redis


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_in_a_script_is_found(server: Redis, fault: str):
    name, was, becomes, scenario, promise = FAULTS[fault]
    text = real_scripts()[name].text
    assert text.count(was) == 1, "the script reads otherwise by now: put the fault into it anew"
    assert promise not in Search(Model(server, scenario)).run().ways
    model = Model(server, scenario, {name: text.replace(was, becomes)})
    way = Search(model).run().ways[promise]
    assert len(in_words(model, way)) == len(way)


def _without(*reasons: str) -> Any:
    real = sender._unwanted

    def unwanted(*asked: Any) -> str:
        reason = real(*asked)
        return "" if reason in reasons else reason

    return unwanted


@pytest.mark.parametrize(
    ("reason", "scenario", "promise"),
    [
        (
            "the 24-hour window closed",
            Scenario("a touch", ONE, Luck(close=1), replies=TOUCHES),
            promises.CLOSED,
        ),
        ("a person has taken over", Scenario("a person", ONE, Luck(assign=1)), promises.TAKEN_OVER),
    ],
)
def test_a_sender_that_does_not_look_before_it_sends_is_found(
    server: Redis, monkeypatch: pytest.MonkeyPatch, reason: str, scenario: Scenario, promise: str
):
    monkeypatch.setattr(sender, "_unwanted", _without(reason))
    assert promise in Search(Model(server, scenario)).run().ways
