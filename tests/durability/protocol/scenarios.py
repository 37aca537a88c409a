"""What is looked at. Together the first ones take a minute or two, the small ones a few seconds."""

from __future__ import annotations

from tests.durability.protocol.real_worker import Replies
from tests.durability.protocol.scenario import Luck, Scenario, Written
from tests.durability.protocol.scripts_at import NOW

# A tap on a button is answered without waiting for more.
ONE, TWO = (Written("m1"),), (Written("m1"), Written("m2", kind="button"))
AGAIN = (Written("m1", 2), Written("m2"))
AMENDED = (Written("m1", 2), Written("m2"), Written("m3", kind="edit", amends="m1"))
APART = (Written("m1"), Written("n1", conversation="d"))
BOTH = Replies(2)
# Touches whose window is over when `close` has happened.
TOUCHES = Replies(2, until=NOW + 1)

# Nothing that is promised may break in any of them.
LARGE = (
    Scenario("three messages, one twice, one amended; two deaths", AMENDED, Luck(crash=2)),
    Scenario("two messages, one twice; two deaths and a lease that ends", AGAIN, Luck(crash=2, expire=1)),
    Scenario("two leases that end, and a death", ONE, Luck(crash=1, expire=2), replies=BOTH),
    Scenario(
        "a provider that refuses, or says nothing",
        TWO,
        Luck(crash=1, refuse=1, silence=2),
        refusals=("retry", "change"),
    ),
    Scenario("the same with two replies and deaths", ONE, Luck(crash=2, refuse=1, silence=2), replies=BOTH),
    Scenario("a provider that never answers", ONE, Luck(silence=3, crash=1), replies=BOTH),
    Scenario("a person takes over and gives back", TWO, Luck(assign=2, crash=1, silence=1)),
    Scenario("a person takes over while leases end", ONE, Luck(assign=1, crash=1, expire=1), replies=BOTH),
    Scenario("touches whose window closes", ONE, Luck(close=1, crash=1, expire=1), replies=TOUCHES),
    Scenario("turns that fail, up to the dead letters", TWO, Luck(fail=3, crash=1), attempts=2),
    Scenario("answers of Redis that do not come back", TWO, Luck(unheard=1, crash=1)),
    Scenario("the same while turns fail", ONE, Luck(unheard=2, fail=2, crash=1), attempts=2),
    Scenario("the same while a provider says nothing", ONE, Luck(unheard=2, silence=1, refuse=1, crash=1)),
    Scenario("an operator writes while leases end", ONE, Luck(post=1, expire=1, crash=1)),
    Scenario("an operator writes, and takes over", ONE, Luck(post=2, assign=2, silence=1, crash=1)),
    Scenario("workers that are stopped", TWO, Luck(stop=2, crash=1)),
    Scenario("the same while leases end and a provider says nothing", ONE, Luck(stop=1, expire=1, silence=1)),
    Scenario("dead letters that are tried again", ONE, Luck(fail=2, revive=2, crash=1, post=1), attempts=1),
    Scenario("two conversations", APART, Luck(crash=2)),
    Scenario("statuses without our id", ONE, Luck(silence=1, crash=1, expire=1), callbacks=False),
    Scenario("statuses and requests that are late", ONE, Luck(silence=1, crash=1, expire=1), prompt=False),
)
SMALL = (
    Scenario("two messages, one twice; a death", AGAIN, Luck(crash=1)),
    Scenario("a message and its edit; a lease that ends", (ONE[0], AMENDED[2]), Luck(expire=1)),
    Scenario("a death and a lease that ends", ONE, Luck(crash=1, expire=1)),
    Scenario("a provider that refuses, or says nothing", ONE, Luck(refuse=1, silence=3), replies=BOTH),
    Scenario("a person takes over and gives back", ONE, Luck(assign=2, silence=1)),
    Scenario("touches whose window closes", ONE, Luck(close=1, crash=1), replies=TOUCHES),
    Scenario("turns that fail, up to the dead letters", TWO, Luck(fail=3), attempts=2),
    Scenario("answers of Redis that do not come back", ONE, Luck(unheard=2)),
    Scenario("an operator writes", ONE, Luck(post=2, crash=1)),
    Scenario("workers that are stopped", ONE, Luck(stop=2, expire=1)),
    Scenario("dead letters that are tried again", ONE, Luck(fail=2, revive=1), attempts=1),
    Scenario("two conversations", APART, Luck(crash=1)),
    Scenario("statuses without our id", ONE, Luck(silence=1, crash=1), callbacks=False),
)

# A replica that lacks the last writes takes the primary's place, at any moment.
FAILOVERS = (
    Scenario("two messages, one twice", AGAIN, Luck(failover=1), depth=3),
    Scenario("a lease that ends", ONE, Luck(failover=1, expire=1), depth=3),
    Scenario("a death, two replies", ONE, Luck(failover=1, crash=1), depth=3, replies=BOTH),
    Scenario("a provider that refuses, or says nothing", ONE, Luck(failover=1, refuse=1, silence=1), depth=3),
    Scenario("a person takes over", ONE, Luck(failover=1, assign=1), depth=3),
    Scenario("an operator writes", ONE, Luck(failover=1, post=2), depth=3),
    Scenario("a worker that is stopped, and a death", ONE, Luck(failover=1, stop=1, crash=1), depth=3),
    Scenario("dead letters", ONE, Luck(failover=1, fail=2, revive=1), depth=3, attempts=1),
    Scenario("replicas that are late", ONE, Luck(failover=1, unconfirmed=2), depth=3),
    Scenario("replicas that are late, and a death", ONE, Luck(failover=1, unconfirmed=1, crash=1), depth=3),
)
