"""Messages that were not answered by the model as it is set: why, counted where it happens and shown to the
owner.

The figure `otherwise REASON` (`server.store.counters`) counts messages of contacts; a turn's are counted in
the step that ends it, once however often it was run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from agent.context import Context
from agent.models.chat import OFFLINE
from agent.state import State
from channels.base import Message
from server.store.mailbox import TurnOutcome

# Reason -> how a page says it.
REASONS = {
    "offline": "the offline model stood in",
    "fallback": "another model than the one that is set answered",
    "no_model": "no model answered: an apology went out",
    "withheld": "what the model wrote was not supported: an honest line went out",
    "fixed": "a command, STOP, or a file nobody can read: a fixed line answered",
    "handed_over": "passed on to a person",
    "person": "a person has the conversation",
    "refused": "turned away: not a client, abuse, or an attempt to change the rules",
    "stopped": "they said STOP",
    "ignored": "on the ignore list, or a reaction, a sticker, a group, another thing that wants no answer",
    "merged": "answered together with the messages around it",
    "too_many_messages_at_once": "too many at once: kept, and not read by the model",
    "waited_too_long": "waited too long: kept, and not answered",
    "given_up": "given up on after several tries: see Dead letters",
    "unspoken": "was to be spoken and went out in words: the speech failed",
    "quarantined": "could not be read at all: see Quarantine",
}
# What stands in the place of a model's name where a node wrote the reply.
_BY_NODE = {"commands": "fixed", "none": "no_model", "ground": "withheld"}


def with_reason(then: TurnOutcome, context: Context, values: State, batch: Sequence[Message]) -> TurnOutcome:
    """What a turn leaves behind, with why its messages were not answered by the model as it is set."""
    count = sum(message.kind not in ("touch", "echo") for message in batch)
    reason, merged = reason_of(context, values), max(0, count - 1)
    told = (
        [f"otherwise:{reason}:{count}"]
        if count and reason
        else [f"otherwise:merged:{merged}"]
        if merged
        else []
    )
    return replace(then, count=" ".join([then.count, *told]).strip())


def reason_of(context: Context, values: State) -> str:
    """Why the messages of a turn were not answered by the model as it is set; empty where they were."""
    model, verdict, profile = values.get("model") or "", values.get("verdict"), values.get("profile") or {}
    if not values.get("replies"):
        if values.get("owner") == "person":
            return "person"
        if profile.get("consent") == "stopped":
            return "stopped"
        return "refused" if values.get("reason") == "not a client" else "ignored"
    if verdict in ("refuse", "handoff"):
        return "refused" if verdict == "refuse" else "handed_over"
    if model in _BY_NODE:
        return _BY_NODE[model]
    if model == OFFLINE != context.model:
        return "offline"
    return "fallback" if model != context.model else ""


def counts_by_reason(total: Mapping[str, int]) -> dict[str, int]:
    """Reason -> how many messages, of figures; those that occurred, the most frequent first."""
    found = {reason: total.get(f"otherwise {reason}", 0) for reason in REASONS}
    return dict(sorted(((why, n) for why, n in found.items() if n), key=lambda row: -row[1]))
