"""What may happen in a state, and what is so afterwards. Every change of what is stored is made by a real
script, every decision of a worker by the product's worker."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from redis import Redis

from channels.base import Message
from tests.durability.protocol.outcomes import OUTCOMES
from tests.durability.protocol.promises import Broken, broken_by, broken_in
from tests.durability.protocol.real_worker import ACCOUNT, Asked, RealWorker, box_of, frozen
from tests.durability.protocol.scenario import Hand, Move, Scenario, World
from tests.durability.protocol.scripts_at import FENCE, NOW, Arguments, ScriptsAt
from tests.durability.protocol.stored import Stored, stored_in

IDLE = Hand()
# A step on a state: its number, that of what is asked, the caller's fence, number and chance of the next id.
Key = tuple[int, int, int, int, int]
# The state that a step leaves, by how much it raised each fence, the answer.
Outcome = tuple[int, tuple[int, ...], Any]
# How a script runs whose caller hears nothing, or that nothing is certain.
UNANSWERED = ("cut", "unheard", "unconfirmed")


class Model:
    """One scenario on one server."""

    def __init__(self, redis: Redis, scenario: Scenario, other: Mapping[str, str] | None = None) -> None:
        self.scenario, self.names = scenario, scenario.conversations
        self._scripts = ScriptsAt(redis, [box_of(name) for name in self.names], other)
        self.worker = RealWorker(scenario.replies, scenario.attempts, scenario.callbacks)
        self._boxes, self._box_ids, self._views = list[bytes](), dict[bytes, int](), list[Stored]()
        self._asked, self._asked_ids = list[Asked](), dict[Asked, int]()
        self._places: list[tuple[int, tuple[Any, ...]]] = [(0, ())]
        self._place_ids: dict[tuple[int, tuple[Any, ...]], int] = {}
        self._next: list[int] = [self._number(Asked("end"))]
        self._known: dict[Key, Outcome] = {}
        self._claim = self._number(self.worker.claims())
        self._time = self._number(Asked("script", "time passes", (self.worker.claims().keys[0],)))
        self._renew = [self._number(self.worker.renews(name)) for name in self.names]
        self._delivers = [
            self._number(self.worker.delivers(message.conversation, _message(message.id, *message[3:])))
            for message in scenario.written
        ]

        self.of = {message.id: message.conversation for message in scenario.written}
        self.message = cache(_id_of)

    @property
    def ran(self) -> int:
        """How many scripts have run."""
        return self._scripts.ran

    def first(self) -> World:
        """Nobody has written yet."""
        rows = [[box_of(name), "hash", ["fence", str(FENCE)]] for name in self.names]
        contact = ["account", ACCOUNT, "created", "0", "owner", "bot"]
        rows += [[box_of(name, "contact"), "hash", contact] for name in self.names]
        left = tuple(message.deliveries for message in self.scenario.written)
        hands = (IDLE,) * self.scenario.workers
        return World(self._box(json.dumps(rows).encode()), hands, left, self.scenario.luck)

    def view(self, world: World) -> Stored:
        """What is stored."""
        return self._views[world.box]

    def conversation(self, hand: Hand) -> str:
        """Which one a worker has."""
        return self.names[self.place(hand)[0]]

    def place(self, hand: Hand) -> tuple[int, tuple[Any, ...]]:
        """Which conversation a worker has, by number, and what it was answered since its last `begin`."""
        return self._places[hand.place]

    def asked(self, number: int) -> Asked:
        """What a number stands for."""
        return self._asked[number]

    def next_of(self, hand: Hand) -> Asked:
        """What a worker asks for next."""
        return self._asked[self._next[hand.place]]

    # -- what may happen

    def moves(self, world: World) -> list[Move]:
        """Everything that may happen next."""
        found, luck, view = self._coming(world), world.luck, self.view(world)
        due = any(not later for later in view.later.values())
        for who, hand in enumerate(world.hands):
            if hand.place:
                found += self._next_moves(world, who, hand)
                found += self._ends(world, who, hand)
            elif due and world.hands.index(hand) == who:  # two that have nothing in hand are alike
                found.append(Move("claim", who, asked=self._claim))
        if any(view.later.values()) and (luck.expire or not self.in_lease(world)):
            found.append(Move("time", asked=self._time))
        found += self._operator(world)
        if luck.close:
            found.append(Move("close"))
        if luck.failover:
            found += [Move("failover", n) for n in range(len(world.past))]
        return found

    def _ends(self, world: World, who: int, hand: Hand) -> list[Move]:
        """How a worker may come to its end with a conversation in hand."""
        found = [Move("crash", who)] * bool(world.luck.crash)
        if world.luck.stop and self.place(hand)[1]:
            back = self._number(self.worker.hands_back(self.conversation(hand)))
            found.append(Move("stop", who, asked=back))
        return found

    def _operator(self, world: World) -> list[Move]:
        """What a person at the business may do."""
        found, luck, worker = list[Move](), world.luck, self.worker
        if luck.assign:
            owner = "bot" if world.person else "person"
            found.append(Move("assign", how=owner, asked=self._number(worker.assigns(self.names[0], owner))))
        if luck.post:
            found.append(Move("post", asked=self._number(worker.posts(self.names[0]))))
        for turn, (conversation, _) in self.view(world).letters.items() if luck.revive else ():
            found.append(Move("revive", how=turn, asked=self._number(worker.revives(conversation, turn))))
        return found

    def _coming(self, world: World) -> list[Move]:
        """What the provider may bring: messages and statuses."""
        found, luck = list[Move](), world.luck
        for n, left in enumerate(world.left):
            if left:
                found.append(Move("deliver", n, asked=self._delivers[n]))
            if left and luck.failover:  # or else it is no different from a delivery that comes twice
                hows = ["cut"] * bool(luck.crash) + ["unconfirmed"] * bool(luck.unconfirmed)
                found += [Move("deliver", n, how, self._delivers[n]) for how in hows]
        for n, told in enumerate(world.told):
            found.append(Move("tell", n, asked=self._number(self.worker.tells(*told))))
        return found

    def in_lease(self, world: World) -> list[int]:
        """Workers in whose lease time cannot pass without ending it."""
        later = self.view(world).later
        return [
            who
            for who, hand in enumerate(world.hands)
            if hand.place and hand.fence >= 0 and not hand.ended and later.get(self.conversation(hand))
        ]

    def _next_moves(self, world: World, who: int, hand: Hand) -> list[Move]:
        number, luck = self._next[hand.place], world.luck
        asked = self._asked[number]
        if asked.what == "script":
            hows = [""] + ["unheard"] * bool(luck.unheard)
            hows += ["unconfirmed"] * bool(luck.unconfirmed and asked.confirmed)
            return [Move("script", who, how, number) for how in hows]
        if asked.what == "turn":
            moves = [Move("turn", who)] + [Move("fail", who)] * bool(luck.fail)
            if hand.ended:
                moves.append(Move("renew", who, asked=self._renew[self.place(hand)[0]]))
            return moves
        if asked.what == "send":
            hows = ["accepted"]
            hows += [f"refused {kind}" for kind in self.scenario.refusals if luck.refuse]
            hows += ["silence, arrived", "silence, not arrived"] if luck.silence else []
            return [Move("send", who, how) for how in hows]
        if asked.what == "grace":
            hows = ["no"] + ["over"] * self._grace_over(world, asked.name)
            return [Move("grace", who, how) for how in hows]
        return [Move("read", who)]

    def _grace_over(self, world: World, reply: str) -> bool:
        """Whether an attempt may be repeated."""
        if not self.scenario.prompt:
            return True
        coming = any(one == reply for _, one, _ in world.told)
        leaving = any(
            (asked := self.next_of(hand)).what == "send" and asked.name == reply for hand in world.hands
        )
        return not (coming or leaving)

    # -- what is so afterwards

    def key(self, world: World, move: Move) -> Key | None:
        """The step of a script that a move needs."""
        if move.asked < 0:
            return None
        asked = self._asked[move.asked]
        caller = world.hands[move.who].fence if asked.fenced else 0
        if asked.name != "begin":
            return world.box, move.asked, caller, 0, 0
        # the clock has moved on since any fence was given, also one that was lost
        higher = max(hand.fence if hand.place else 0 for hand in world.hands)
        return world.box, move.asked, caller, world.turns + 1, max(0, higher) + 1

    def knows(self, key: Key) -> bool:
        """Whether the outcome of a step is known."""
        return key in self._known

    def run(self, keys: Sequence[Key]) -> None:
        """Have the scripts run that nobody knows the outcome of yet."""
        steps = list[tuple[bytes, str, Sequence[str], Arguments]]()
        for box, number, caller, turn, chance in keys:
            asked = self._asked[number]
            arguments = asked.under(FENCE + caller, turn_id(turn, chance))
            steps.append((self._boxes[box], asked.name, asked.keys, arguments))
        for key, (stored, by, answer) in zip(keys, self._scripts.run(steps), strict=True):
            self._known[key] = (self._box(stored), by, frozen(answer))

    def outcome(self, key: Key) -> Outcome:
        """Of a step that has run."""
        return self._known[key]

    def after(self, world: World, move: Move) -> tuple[World, list[Broken]]:
        """What is so after a move, and which promises it broke."""
        key = self.key(world, move)
        if key is None:
            found = OUTCOMES[move.what](self, world, world, move, None)
            broken = broken_by(self, world, move, found)
        else:
            box, by, answer = self.outcome(key)
            found = self._written(world, move, box, by)
            found = OUTCOMES[move.what](self, world, found, move, answer)
            broken = broken_by(self, world, move, found, by, answer)
        found = self._plain(found)
        return found, broken + broken_in(self, found)

    def _plain(self, world: World) -> World:
        """Fences that can never be the newest again are all alike."""
        lowest = -1 - (self.scenario.depth if world.luck.failover else 0)
        if all(hand.fence >= lowest for hand in world.hands):
            return world
        return world._replace(
            hands=tuple(hand._replace(fence=max(hand.fence, lowest)) for hand in world.hands)
        )

    def _written(self, world: World, move: Move, box: int, by: tuple[int, ...]) -> World:
        """With what a script left, and all fences counted from what is newest now."""
        past = world.past
        if world.luck.failover and box != world.box and move.what != "time":
            past = (*past, (world.box, (0,) * len(by)))[-self.scenario.depth :]
        hands = world.hands
        if any(by):
            past = tuple((old, tuple(n - d for n, d in zip(low, by, strict=True))) for old, low in past)
            hands = tuple(
                hand._replace(fence=hand.fence - by[self.place(hand)[0]]) if hand.place else hand
                for hand in hands
            )
        asked = self._asked[move.asked]
        if move.how not in UNANSWERED and self.scenario.confirms(asked.name, asked.confirmed):
            past = ()
        return world._replace(box=box, past=past, hands=hands)

    def told(self, world: World, who: int, hand: Hand, conversation: int, answers: tuple[Any, ...]) -> World:
        """A worker with these answers, and those that are there for the asking."""
        while True:
            place = self._place(conversation, answers)
            asked = self._asked[self._next[place]]
            if asked.what == "end":
                return world.with_hand(who, IDLE)
            if asked.what == "read" and not self.scenario.looks:
                answers = (*answers, self.contact(world, asked))
            elif asked.what == "turn" and not (self.scenario.luck.fail or self.scenario.luck.expire):
                answers = (*answers, "answers")
            else:
                return world.with_hand(who, hand._replace(place=place))

    def contact(self, world: World, asked: Asked) -> Any:
        """The fields of a contact, and the time."""
        fields = self.view(world).contact[asked.name.rpartition(":")[2]]
        row = frozenset((name.encode(), value.encode()) for name, value in fields.items())
        return row, NOW + (2 if world.closed else 0)

    # -- numbers for what is compared often

    def _box(self, stored: bytes) -> int:
        known = self._box_ids.setdefault(stored, len(self._boxes))
        if known == len(self._boxes):
            self._boxes.append(stored)
            self._views.append(stored_in(stored))
        return known

    def _number(self, asked: Asked) -> int:
        known = self._asked_ids.setdefault(asked, len(self._asked))
        if known == len(self._asked):
            self._asked.append(asked)
        return known

    def _place(self, conversation: int, answers: tuple[Any, ...]) -> int:
        known = self._place_ids.setdefault((conversation, answers), len(self._places))
        if known == len(self._places):
            self._places.append((conversation, answers))
            self._next.append(self._number(self.worker.asks(self.names[conversation], answers)))
        return known


def turn_id(number: int, chance: int) -> str:
    """The id that a turn is given, which is a chance as well."""
    return f"{chance:06x}t{number}"


def _id_of(payload: bytes) -> str:
    return json.loads(payload)["id"]


def _message(message_id: str, kind: Any = "text", amends: str = "") -> Message:
    return Message(id=message_id, account=ACCOUNT, kind=kind, text=message_id, amends=amends)
