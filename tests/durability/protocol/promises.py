"""What is promised, of a step and of a state. The words of a promise are what a search reports as broken."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.durability.protocol.outcomes import gone
from tests.durability.protocol.real_worker import POSTED
from tests.durability.protocol.scenario import Move, World
from tests.durability.protocol.stored import Stored

if TYPE_CHECKING:
    from tests.durability.protocol.model import Model

# The promise that is broken.
Broken = str

LOST = "a message that was acknowledged is lost"
TWICE = "a message is in two turns"
ANSWERED_TWICE = "replies of two turns to one message arrive"
UNANSWERED = "a message that was acknowledged gets no answer"
ORDER = "messages are answered out of order"
OTHERS = "a turn ends that took other messages than it answered"
STALE = "a worker that lost its lease changes something"
LEASE = "a conversation is given to a second worker while the first one's lease has not ended"
ONE_FENCE = "two workers hold one conversation by the same fence"
SENT_TWICE = "a reply arrives twice"
TOO_OFTEN = "a reply arrives more often than it was repeated for want of an answer"
KNOWN = "a reply is sent again that is known to have arrived"
OVERTAKEN = "a reply overtakes an earlier one"
NEVER_SENT = "a reply is taken for sent that never left"
REPLY_LOST = "a reply that was queued is lost"
TAKEN_OVER = "the agent writes after a person has taken over"
CLOSED = "a touch is sent after its window has closed"
BURST = "a turn leaves out what is waiting"
STUCK = "work is left that nobody will ever take up"


def broken_by(
    model: Model, before: World, move: Move, after: World, by: tuple[int, ...] = (), answer: Any = None
) -> list[Broken]:
    """The promises that a move broke."""
    if move.what == "send" and len(after.arrived) > len(before.arrived):
        return _sent(model, before, move, after.arrived[-1])
    if move.what == "claim" and answer[1]:
        return _leased(model, before, answer[1][0].decode())
    if move.what == "renew" and before.hands[move.who].fence and before.box != after.box:
        return [STALE]
    if move.what == "script":
        return _stepped(model, before, move, after, by, answer)
    return []


def _sent(model: Model, before: World, move: Move, reply: str) -> list[Broken]:
    hand, view = before.hands[move.who], model.view(before)
    conversation = model.conversation(hand)
    before_that = before.arrived.count(reply)
    broken = [SENT_TWICE] * (before_that > 0 and model.scenario.once)
    broken += [TOO_OFTEN] * (before_that > before.repeated.count(reply))
    broken += [ANSWERED_TWICE] * _answered(before, reply)
    earlier = before.queued[: before.queued.index(reply)] if reply in before.queued else ()
    waiting = view.outbox.get(conversation, ())
    replaced = model.scenario.luck.failover > before.luck.failover  # and with it, perhaps, what was queued
    if (
        reply not in before.arrived
        and not replaced
        and any(one in waiting and one not in before.arrived for one in earlier)
    ):
        broken.append(OVERTAKEN)
    if not hand.outdated:
        broken += [TAKEN_OVER] * (before.person and reply != POSTED) + [CLOSED] * before.closed
    return broken


def _answered(before: World, reply: str) -> bool:
    turn = reply.partition(":")[0]
    theirs = [message for of, message in before.done if of == turn]
    others = {of for of, message in before.done if of != turn and message in theirs}
    # an apology for a turn that was given up on is no answer
    return any(one.partition(":")[0] in others for one in before.arrived if not one.endswith(":sorry"))


def _leased(model: Model, before: World, conversation: str) -> list[Broken]:
    others = [hand for hand in before.hands if hand.place and model.conversation(hand) == conversation]
    if model.scenario.luck.failover and not before.luck.failover:  # then only the fence is promised
        return []
    return [LEASE] * any(hand.fence >= 0 and not hand.ended for hand in others)


def _stepped(
    model: Model, before: World, move: Move, after: World, by: tuple[int, ...], answer: Any
) -> list[Broken]:
    hand, asked = before.hands[move.who], model.asked(move.asked)
    old, new, conversation = model.view(before), model.view(after), model.conversation(hand)
    broken = list[Broken]()
    if asked.fenced and hand.fence and (any(by) or old.work != new.work):
        broken.append(STALE)
    taken = gone(old, new, conversation)
    if taken and asked.name in ("commit", "bury") and taken != _batch(model, before, move):
        broken.append(OTHERS)
    box = old.box[conversation]
    if asked.name == "begin" and answer[1] and "turn" not in box and "singly" not in box:
        whole = tuple(model.message(raw) for raw in answer[4]) == old.inbox.get(conversation, ())
        broken += [] if whole else [BURST]
    if asked.name == "send_begin" and answer[0] == b"go":
        broken += [KNOWN] * (asked.argument("reply") in before.known)
    return broken + _left(before, old, new)


def _batch(model: Model, before: World, move: Move) -> tuple[str, ...]:
    return tuple(model.message(raw) for raw in model.place(before.hands[move.who])[1][0][4])


def _left(before: World, old: Stored, new: Stored) -> list[Broken]:
    """Of replies that have left an outbox."""
    broken = list[Broken]()
    for conversation, replies in old.outbox.items():
        for reply in replies:
            if reply in new.outbox.get(conversation, ()) or reply in before.arrived:
                continue
            state = new.states.get(reply)
            if state is None:
                broken.append(REPLY_LOST)
            elif not state.startswith("failed"):
                broken.append(NEVER_SENT)
    return broken


def broken_in(model: Model, world: World) -> list[Broken]:
    """The promises that are broken in a state."""
    view = model.view(world)
    waiting = [one for ids in view.inbox.values() for one in ids]
    answered = [message for _, message in world.done]
    broken, replaced = list[Broken](), model.scenario.luck.failover and not world.luck.failover
    for message in world.acked:
        places = waiting.count(message) + answered.count(message) + view.dead.count(message)
        broken += [LOST] * (places == 0)
        # after a failover it matters what people see
        broken += [TWICE] * (places > 1 and not replaced)
    if view.quiet and not any(hand.place for hand in world.hands):
        alive = [message for message in world.acked if message not in view.dead] * model.scenario.answers
        broken += [UNANSWERED] * (not all(_has_answer(world, message) for message in alive))
        unsent = [reply for reply in world.queued if reply not in world.arrived]
        held = [reply for reply in unsent if view.states.get(reply, "").startswith("failed")]
        # a turn that is lost with its replies comes again
        broken += [REPLY_LOST] * any(one not in held and (one == POSTED or not replaced) for one in unsent)
    for name in model.names:
        theirs = [one for one in world.acked if model.of[one] == name]
        done = [theirs.index(one) for one in answered if one in theirs]
        revived = model.scenario.luck.revive - world.luck.revive
        broken += [ORDER] * (done != sorted(done) and not (replaced or revived))
        newest = [hand for hand in world.hands if hand.place and model.conversation(hand) == name]
        begun = [hand for hand in newest if hand.fence == 0 and model.place(hand)[1]]
        broken += [ONE_FENCE] * (len(begun) > 1)
    return broken


def _has_answer(world: World, message: str) -> bool:
    turns = {turn for turn, one in world.done if one == message}
    return any(reply.partition(":")[0] in turns for reply in world.arrived)
