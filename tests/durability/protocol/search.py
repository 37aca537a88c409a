"""Breadth first through everything that may happen, so that what breaks a promise is found by its shortest
way."""

from __future__ import annotations

import time
from array import array
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from tests.durability.protocol.model import Model
from tests.durability.protocol.promises import STUCK, Broken
from tests.durability.protocol.scenario import Move, World

# What happens when all goes well: by these alone everything must come to its end.
WELL = {"claim", "script", "read", "turn", "grace", "tell", "time", "send"}
# States looked at before their scripts are run together.
HANDFUL = 20_000


@dataclass(slots=True)
class Found:
    """What a search found. `ways`: to each promise that is broken the shortest way, in moves."""

    states: int = 0
    moves: int = 0
    depth: int = 0
    scripts: int = 0
    seconds: float = 0.0
    cut: bool = False
    ways: dict[Broken, list[Move]] = field(default_factory=dict[Broken, list[Move]])


class Search:
    """One scenario. `most`: states after which it is cut short."""

    def __init__(self, model: Model, most: int = 5_000_000, stop: bool = False) -> None:
        """`stop`: at the first promise that is broken."""
        self.model, self._most, self._stop = model, most, stop
        self._seen: dict[World, int] = {}
        self._from, self._moves = array("l"), list[Move | None]()
        self._well_from, self._well_to, self._quiet = array("l"), array("l"), array("l")
        self._bad = set[int]()
        self.found = Found()

    def run(self) -> Found:
        """Look at every state."""
        began, found = time.monotonic(), self.found
        layer = [self.model.first()]
        self._number(layer[0], -1, None)
        while layer and not found.cut and not (self._stop and found.ways):
            found.depth += 1
            handfuls = [layer[n : n + HANDFUL] for n in range(0, len(layer), HANDFUL)]
            layer = [new for handful in handfuls for new in self._after(handful)]
            found.cut = len(self._seen) > self._most
        found.depth -= 1
        found.states, found.scripts = len(self._seen), self.model.ran
        if not found.cut and not (self._stop and found.ways):
            self._look_for_stuck()
        found.seconds = time.monotonic() - began
        return found

    def _after(self, layer: list[World]) -> Iterable[World]:
        model, found = self.model, self.found
        moves = [(world, self._seen[_same(world)], move) for world in layer for move in model.moves(world)]
        wanted = dict.fromkeys(key for world, _, move in moves if (key := model.key(world, move)))
        model.run([key for key in wanted if not model.knows(key)])
        found.moves += len(moves)
        new = list[World]()
        for world, number, move in moves:
            after, broken = model.after(world, move)
            for promise in broken:
                if promise not in found.ways:
                    found.ways[promise] = [*self.way(number), move]
            if broken:  # what comes after it says nothing
                self._bad.add(number)
                continue
            known = self._seen.get(_same(after))
            if known is None:
                known = self._number(after, number, move)
                new.append(after)
            if _goes_well(world, move, after):
                self._well_from.append(number)
                self._well_to.append(known)
        return new

    def _number(self, world: World, came_from: int, move: Move | None) -> int:
        number = self._seen[_same(world)] = len(self._moves)
        self._from.append(came_from)
        self._moves.append(move)
        if self.model.view(world).quiet and not any(hand.place for hand in world.hands):
            self._quiet.append(number)
        return number

    def way(self, number: int) -> list[Move]:
        """How a state is come to."""
        moves = list[Move]()
        while (move := self._moves[number]) is not None:
            moves.append(move)
            number = self._from[number]
        return moves[::-1]

    def _look_for_stuck(self) -> None:
        """From everywhere, all must be able to come to its end without further bad luck."""
        before: dict[int, list[int]] = {}
        for old, new in zip(self._well_from, self._well_to, strict=True):
            before.setdefault(new, []).append(old)
        fine = set(self._quiet) | self._bad
        going = deque(fine)
        while going:
            for old in before.get(going.popleft(), ()):
                if old not in fine:
                    fine.add(old)
                    going.append(old)
        stuck = next((number for number in range(len(self._moves)) if number not in fine), None)
        if stuck is not None:
            self.found.ways[STUCK] = self.way(stuck)


def _goes_well(world: World, move: Move, after: World) -> bool:
    return move.what in WELL and world.luck == after.luck


def _same(world: World) -> World:
    """Which worker is which does not matter."""
    return world._replace(hands=tuple(sorted(world.hands)))
