"""What each move leaves behind outside of what is stored: at workers, at the provider, with the operator."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from channels.base import SendError
from tests.durability.protocol.real_worker import POSTED, Unconfirmed
from tests.durability.protocol.scenario import Hand, Move, What, World
from tests.durability.protocol.scripts_at import FENCE
from tests.durability.protocol.stored import Stored

if TYPE_CHECKING:
    from tests.durability.protocol.model import Model

IDLE = Hand()
# Longer than any grace, ms.
LONG = 10**9
_ERRORS: dict[str, SendError] = {}


def error(kind: Any) -> SendError:
    """One of a kind: a worker is known by the answers it had."""
    return _ERRORS.setdefault(kind, SendError(kind, "of the test", 1))


def gone(before: Stored, after: Stored, conversation: str) -> tuple[str, ...]:
    """What a step took from the head of an inbox."""
    old, new = before.inbox.get(conversation, ()), after.inbox.get(conversation, ())
    return old[: len(old) - len(new)]


def _deliver(model: Model, before: World, world: World, move: Move, answer: int) -> World:
    if move.how:  # nobody has acknowledged it, so that it comes again
        return world.spend("crash" if move.how == "cut" else move.how)
    message = model.scenario.written[move.who].id
    left = (*world.left[: move.who], world.left[move.who] - 1, *world.left[move.who + 1 :])
    acked = world.acked if message in world.acked else (*world.acked, message)
    return world._replace(left=left, acked=acked)


def _claim(model: Model, before: World, world: World, move: Move, answer: Any) -> World:
    if not answer[1]:
        return world
    conversation = model.names.index(answer[1][0].decode())
    return model.told(world, move.who, Hand(), conversation, ())


def _script(model: Model, before: World, world: World, move: Move, answer: Any) -> World:
    hand, asked = before.hands[move.who], model.asked(move.asked)
    world, name = _noted(model, before, world, move, answer), model.conversation(hand)
    claimed = _claimed(model, world, move.who, name)
    world = _moved(before, world, claimed)
    hand = world.hands[move.who]
    if move.how == "unheard":  # it may have put the conversation down without knowing
        return world.spend("unheard").with_hand(move.who, hand._replace(ended=True))
    if asked.name == "begin":
        known = (FENCE if answer[0] else 0, *answer[1:])
        return model.told(world, move.who, Hand(), model.place(hand)[0], (known,))
    if asked.name == "send_begin" and answer[0] == b"open":  # how long it has been is for `grace` to say
        answer = (answer[0], str(LONG).encode(), answer[2])
    kept = hand.fence == 0 and model.view(world).later.get(name)
    hand = hand._replace(ended=bool(claimed) or (hand.ended and not kept))
    if move.how == "unconfirmed":
        return _answered(model, world.spend("unconfirmed"), move.who, hand, Unconfirmed(answer))
    return _answered(model, world, move.who, hand, answer)


def _noted(model: Model, before: World, world: World, move: Move, answer: Any) -> World:
    """What a script has done, whether or not its answer comes back."""
    asked, name = model.asked(move.asked), model.conversation(before.hands[move.who])
    old, new = model.view(before), model.view(world)
    if asked.name == "begin":
        return world._replace(turns=world.turns + answer[1].endswith(f"t{world.turns + 1}".encode()))
    if asked.name in ("commit", "post"):
        queued = tuple(one for one in new.outbox.get(name, ()) if one not in world.queued)
        world = world._replace(queued=(*world.queued, *queued))
    if asked.name == "commit":
        turn = asked.argument("turn")
        taken = tuple((turn, message) for message in gone(old, new, name))
        world = world._replace(done=(*world.done, *taken))
    if asked.name == "send_done" and asked.argument("provider"):
        world = world._replace(known=world.known | {asked.argument("reply")})
    if asked.name == "send_begin" and answer[0] == b"go" and not move.how:
        again = [asked.argument("reply")] * int(asked.argument("again"))
        world = world._replace(repeated=(*world.repeated, *again))
    return world


def _claimed(model: Model, world: World, who: int, conversation: str) -> list[int]:
    """Others that have claimed a conversation and not begun."""
    claimed = [
        n for n, hand in enumerate(world.hands) if hand.place and not model.place(hand)[1] and n != who
    ]
    return [n for n in claimed if model.conversation(world.hands[n]) == conversation]


def _moved(before: World, world: World, claimed: list[int]) -> World:
    """Until they begin, whoever had it before may go on, and moves the lease of all."""
    for n in claimed if before.box != world.box else ():
        world = world.with_hand(n, world.hands[n]._replace(ended=True))
    return world


def _answered(model: Model, world: World, who: int, hand: Hand, answer: Any) -> World:
    conversation, answers = model.place(hand)
    return model.told(world, who, hand, conversation, (*answers, answer))


def _read(model: Model, before: World, world: World, move: Move, answer: None) -> World:
    hand = world.hands[move.who]
    fields = model.contact(world, model.next_of(hand))
    return _answered(model, world, move.who, hand._replace(outdated=False), fields)


def _turn(model: Model, before: World, world: World, move: Move, answer: None) -> World:
    return _answered(model, world, move.who, world.hands[move.who], "answers")


def _fail(model: Model, before: World, world: World, move: Move, answer: None) -> World:
    return _answered(model, world.spend("fail"), move.who, world.hands[move.who], "fails")


def _send(model: Model, before: World, world: World, move: Move, answer: None) -> World:
    hand, reply = world.hands[move.who], model.next_of(world.hands[move.who]).name
    provider = f"w{len(world.arrived) + 1}"
    how, _, detail = move.how.partition(" ")
    if how == "refused":
        return _answered(model, world.spend("refuse"), move.who, hand, error(detail))
    if move.how != "silence, not arrived":
        told = (*world.told, (model.conversation(hand), reply, provider)) if model.scenario.callbacks else ()
        world = world._replace(arrived=(*world.arrived, reply), told=told)
    if how == "silence,":
        return _answered(model, world.spend("silence"), move.who, hand, error("unknown"))
    return _answered(model, world, move.who, hand, provider)


def _grace(model: Model, before: World, world: World, move: Move, answer: None) -> World:
    noted = 0 if move.how == "no" else LONG
    return _answered(model, world, move.who, world.hands[move.who], noted)


def _renew(model: Model, before: World, world: World, move: Move, answer: Any) -> World:
    hand = world.hands[move.who]
    return world.with_hand(move.who, IDLE if answer else hand._replace(ended=False))


def _crash(model: Model, before: World, world: World, move: Move, answer: None) -> World:
    return world.spend("crash").with_hand(move.who, IDLE)


def _time(model: Model, before: World, world: World, move: Move, answer: Any) -> World:
    held = model.in_lease(before)
    if not held:
        return world
    hands = tuple(hand._replace(ended=True) if n in held else hand for n, hand in enumerate(world.hands))
    return world.spend("expire", hands=hands)


def _tell(model: Model, before: World, world: World, move: Move, answer: Any) -> World:
    told = (*world.told[: move.who], *world.told[move.who + 1 :])
    return world._replace(told=told, known=world.known | {before.told[move.who][1]})


def _assign(model: Model, before: World, world: World, move: Move, answer: Any) -> World:
    hands = tuple(hand._replace(outdated=bool(hand.place)) for hand in world.hands)
    return world.spend("assign", person=move.how == "person", hands=hands)


def _post(model: Model, before: World, world: World, move: Move, answer: int) -> World:
    queued = (*world.queued, POSTED) if answer else world.queued
    return world.spend("post", queued=queued)


def _revive(model: Model, before: World, world: World, move: Move, answer: int) -> World:
    return world.spend("revive")


def _stop(model: Model, before: World, world: World, move: Move, answer: int) -> World:
    claimed = _claimed(model, world, move.who, model.conversation(before.hands[move.who]))
    return _moved(before, world.spend("stop").with_hand(move.who, IDLE), claimed)


def _close(model: Model, before: World, world: World, move: Move, answer: None) -> World:
    hands = tuple(hand._replace(outdated=bool(hand.place)) for hand in world.hands)
    return world.spend("close", closed=True, hands=hands)


def _failover(model: Model, before: World, world: World, move: Move, answer: None) -> World:
    """A replica that has not had the last writes is the primary."""
    box, low = world.past[move.who]
    hands = tuple(
        hand._replace(fence=hand.fence - low[model.place(hand)[0]]) if hand.place else hand
        for hand in world.hands
    )
    return world.spend("failover", box=box, past=(), hands=hands)


OUTCOMES: dict[What, Callable[[Model, World, World, Move, Any], World]] = {
    "deliver": _deliver,
    "claim": _claim,
    "script": _script,
    "read": _read,
    "turn": _turn,
    "fail": _fail,
    "send": _send,
    "grace": _grace,
    "renew": _renew,
    "crash": _crash,
    "time": _time,
    "tell": _tell,
    "assign": _assign,
    "post": _post,
    "revive": _revive,
    "stop": _stop,
    "close": _close,
    "failover": _failover,
}
