"""What a provider repeats on every status of a reply, so that it is known which reply it is of."""

from __future__ import annotations


def callback(conversation_id: str, reply_id: str) -> str:
    """What the provider repeats on every status of a reply."""
    return f"{conversation_id}/{reply_id}"


def from_callback(text: str) -> tuple[str, str] | None:
    """(conversation id, reply id), None when the callback is not ours."""
    conversation_id, slash, reply_id = text.partition("/")
    return (conversation_id, reply_id) if slash and conversation_id and reply_id else None
