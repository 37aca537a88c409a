"""What an operator decides about a conversation, by API or on the dashboard."""

from __future__ import annotations

from typing import Literal, get_args

from agent.nodes.moderate import TURNED_AWAY
from server.bots import Desk
from server.conversations import OPERATOR

ContactClass = Literal["client", "non_client", "unknown"]
CLASSES: tuple[str, ...] = get_args(ContactClass)


async def take_over(desk: Desk, conversation_id: str) -> None:
    """A person answers from here on; the bot records and is silent."""
    await desk.conversations.set(conversation_id, owner="person")


async def hand_back(desk: Desk, conversation_id: str) -> None:
    """The bot goes on, knowing what the person wrote; what the person was called for is done."""
    await desk.conversations.set(conversation_id, owner="bot", task="")


async def done(desk: Desk, conversation_id: str) -> None:
    """What a person had to look after is looked after."""
    await desk.conversations.set(conversation_id, task="")


async def classify(desk: Desk, conversation_id: str, kind: ContactClass) -> None:
    """Whether a contact is a client. It sticks: the moderator does not judge this contact again. Somebody who was turned
    away by mistake is answered from the next message on."""
    facts: dict[str, str | None] = {"class": kind, "class_reason": "said by an operator", "class_confidence": None}
    if kind != "non_client":
        facts[TURNED_AWAY] = None
    await desk.conversations.learn(conversation_id, facts, OPERATOR)
