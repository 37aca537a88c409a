"""What happened, in words."""

from __future__ import annotations

from typing import Any

from tests.durability.protocol.model import Model
from tests.durability.protocol.scenario import Move, World

_ENDS = ("the lease is lost", "there are replies to send", "there are new messages", "nothing is left to do")
_HOW = {"": "", "unheard": " (the answer does not come back)", "unconfirmed": " (too few replicas have it)"}


def in_words(model: Model, way: list[Move]) -> list[str]:
    """A way, one line a move."""
    world, lines = model.first(), list[str]()
    for move in way:
        key = model.key(world, move)
        if key and not model.knows(key):
            model.run([key])
        after, _ = model.after(world, move)
        lines.append(_line(model, world, move, after, model.outcome(key)[2] if key else None))
        world = after
    return lines


def _line(model: Model, world: World, move: Move, after: World, answer: Any) -> str:
    worker = f"worker {'ABCDEF'[move.who]}" if move.who < 6 else ""
    if move.what == "deliver":
        message = model.scenario.written[move.who]
        of = f" ({message.kind} of {message.amends})" if message.amends else ""
        if move.how:
            why = "dies" if move.how == "cut" else "too few replicas have it"
            return f"the webhook stores {message.id}{of}, and {why} before it answers"
        return f"the webhook stores {message.id}{of}" if answer else f"{message.id} comes again and is known"
    if move.what == "script":
        return f"{worker}: {_script(model, world, move, answer)}{_HOW[move.how]}"
    reply = ""
    if move.what in ("send", "grace", "turn", "fail"):
        reply = _short(model.next_of(world.hands[move.who]).name)
    if move.what == "tell":
        reply = _short(world.told[move.who][1])
    over = "over" if move.how == "over" else "not over"
    return {
        "claim": f"{worker} claims the conversation",
        "read": f"{worker} reads the contact",
        "turn": f"{worker}: the model answers turn {reply}",
        "fail": f"{worker}: the model fails in turn {reply}",
        "send": f"{worker} asks the provider to send {reply}: {move.how}",
        "grace": f"{worker}: the grace for a status of {reply} is {over}",
        "renew": f"{worker} renews its lease: {'lost' if answer else 'kept'}",
        "crash": f"{worker} dies",
        "time": "time passes" + (", a lease ends" if after.luck != world.luck else ""),
        "tell": f"a status says that {reply} has arrived",
        "assign": "a person takes over" if move.how == "person" else "the person gives it back",
        "post": f"an operator writes{'' if answer else ', which is known already'}",
        "revive": "an operator has the dead letter tried again",
        "stop": f"{worker} is stopped and lets go",
        "close": "the 24-hour window closes",
        "failover": f"the primary dies; its replica lacks the last {len(world.past) - move.who} write(s)",
    }[move.what]


def _short(name: str) -> str:
    """Without the chance in it."""
    return name[6:]


def _script(model: Model, world: World, move: Move, answer: Any) -> str:
    asked = model.asked(move.asked)
    name = asked.name
    if name == "begin":
        if not answer[0]:
            return "begin: the lease is lost"
        ids = ", ".join(model.message(raw) for raw in answer[4])
        turn = f"turn {_short(answer[1].decode())} with {ids}" if answer[1] else "nothing to do"
        return f"begin: {'a reply to send' if answer[5] else turn}, under a new fence"
    if name in ("commit", "bury"):
        return f"{name} of turn {_short(asked.argument('turn'))}: {_ENDS[answer]}"
    if name == "send_begin":
        again = ", again" if str(asked.argument("again")) == "1" else ""
        return f"send_begin of {_short(asked.argument('reply'))}{again}: {answer[0].decode()}"
    if name == "send_done":
        return f"send_done of {_short(asked.argument('reply'))} ({asked.argument('state')}): {_ENDS[answer]}"
    return f"{name}: {'the lease is lost' if answer == 0 else 'done'}"
