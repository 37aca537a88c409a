"""The steps of the mailbox in every order that a few messages, workers, deaths, late leases, a moody
provider, an operator and a lost primary can bring about: the real scripts on a real server, run by the
product's worker."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from redis import Redis

from tests.durability.protocol import promises
from tests.durability.protocol.model import Model
from tests.durability.protocol.scenario import Luck, Scenario
from tests.durability.protocol.scenarios import FAILOVERS, LARGE, ONE, SMALL
from tests.durability.protocol.scripts_at import script_server
from tests.durability.protocol.search import Search
from tests.durability.protocol.words import in_words


@pytest.fixture(scope="module")
def server() -> Iterator[Redis]:
    with script_server() as redis:
        yield redis


def broken_in(redis: Redis, scenario: Scenario) -> dict[str, list[str]]:
    """To each promise that is broken, how it comes to that."""
    model = Model(redis, scenario)
    found = Search(model).run()
    assert not found.cut
    return {promise: in_words(model, way) for promise, way in found.ways.items()}


@pytest.mark.parametrize("scenario", SMALL, ids=str)
def test_whatever_happens_nothing_that_is_promised_breaks(server: Redis, scenario: Scenario):
    assert broken_in(server, scenario) == {}


@pytest.mark.slow
@pytest.mark.parametrize("scenario", LARGE, ids=str)
def test_whatever_happens_more_often_nothing_breaks(server: Redis, scenario: Scenario):
    assert broken_in(server, scenario) == {}


@pytest.mark.parametrize("scenario", FAILOVERS, ids=str)
def test_a_replica_that_was_waited_for_takes_over_and_nothing_breaks(server: Redis, scenario: Scenario):
    assert broken_in(server, replace(scenario, waits=True)) == {}


# What a replica breaks that takes over without the last writes, and that nobody waited for.
LOST_WITH_IT = {
    promises.LOST,
    promises.UNANSWERED,
    promises.SENT_TWICE,
    promises.TOO_OFTEN,
    promises.KNOWN,
    promises.ANSWERED_TWICE,
    promises.TAKEN_OVER,
}


def test_a_replica_that_nobody_waited_for_breaks_promises(server: Redis):
    """All of them but one: no two workers ever have the same fence."""
    told = [one for one in FAILOVERS if one.name in ("a lease that ends", "a person takes over")]
    broken = {promise for scenario in told for promise in broken_in(server, scenario)}
    assert broken == LOST_WITH_IT


@pytest.mark.parametrize(
    ("step", "luck", "broken"),
    [
        ("accept", Luck(failover=1), promises.LOST),
        ("send_begin", Luck(failover=1, crash=1), promises.SENT_TWICE),
        ("post", Luck(failover=1, post=1), promises.REPLY_LOST),
        ("status", Luck(failover=1, crash=1), promises.KNOWN),
        ("set", Luck(failover=1, assign=1), promises.TAKEN_OVER),
    ],
)
def test_each_step_that_waits_has_to(server: Redis, step: str, luck: Luck, broken: str):
    scenario = Scenario("one step does not wait", ONE, luck, depth=1, waits=True)
    assert broken not in broken_in(server, scenario)
    assert broken in broken_in(server, replace(scenario, but=frozenset({step})))


@pytest.mark.parametrize(
    "scenario",
    [
        Scenario("no status says so", ONE, Luck(silence=1), callbacks=False),
        Scenario("its status is late", ONE, Luck(silence=1), prompt=False),
        Scenario("the request leaves late", ONE, Luck(expire=1), prompt=False),
    ],
    ids=str,
)
def test_the_one_double_that_is_possible(server: Redis, scenario: Scenario):
    """A request of unknown outcome is repeated when the grace is over, and no more often than that."""
    assert broken_in(server, scenario) == {}
    way = broken_in(server, replace(scenario, strict=True))[promises.SENT_TWICE]
    assert any("the grace for a status of t1:0 is over" in line for line in way)
    assert sum("asks the provider to send t1:0" in line for line in way) == 2
