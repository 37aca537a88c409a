"""Settings of a turn: bursts, limits, retries, and how long what was said is kept."""

from __future__ import annotations

from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings

# Whether all that a turn replies goes out as one message; `auto`: where WhatsApp charges for each.
OneMessage = Literal["auto", "on", "off"]
# What becomes of the agent's replies; `draft`: each waits for a person's word; `off`: there are none.
ReplyMode = Literal["auto", "draft", "off"]


class TurnSettings(BaseSettings):
    """When a conversation is answered, and how much of it is taken at once."""

    turns_per_hour: int = Field(
        240,
        ge=0,
        description=(
            "Turns of one contact in an hour; what comes beyond waits and is answered together. 0: no limit."
        ),
    )
    one_message: OneMessage = Field(
        "auto",
        description="Whether what a turn replies goes out as one message, a file with its words: on, off, or "
        "auto: where WhatsApp charges for each message.",
    )
    reply_mode: ReplyMode = Field(
        "auto",
        description="What becomes of the agent's replies: auto, they go out; draft, each waits until a "
        "person sends, changes or discards it; off, the agent does not answer.",
    )
    media_megabytes: int = Field(16, ge=1, le=100, description="Largest file of a contact that is fetched.")
    debounce_seconds: float = Field(1.5, ge=0, le=60, description="Quiet time that ends a burst.")
    debounce_max_seconds: float = Field(8, ge=0, le=120, description="Longest wait for a burst to end.")
    inbox_messages: int = Field(
        50, ge=1, le=1000, description="Messages of one contact that one turn takes at most."
    )
    inbox_characters: int = Field(
        20_000, ge=100, description="Characters of one contact that one turn takes at most."
    )
    inbox_hours: float = Field(24, gt=0, description="A message that waited longer is not answered any more.")
    session_timeout_minutes: int = Field(
        720, ge=1, description="A longer pause starts a new session summary."
    )
    max_message_length: int = Field(
        4096, ge=100, le=65536, description="Characters of one message shown to a model."
    )
    turn_attempts: int = Field(
        5, ge=1, le=50, description="Tries of a turn before it goes to the dead letters."
    )
    lease_seconds: float = Field(
        15, ge=1, le=300, description="How long a dead worker's conversations wait for another."
    )
    send_grace_seconds: float = Field(
        20,
        ge=1,
        le=600,
        description="How long a send without an answer waits for a status before it is repeated.",
    )
    drain_seconds: float = Field(
        15,
        ge=0,
        le=300,
        description="How long a worker that is stopped goes on before it hands its turns to others.",
    )
    transcript_days: int = Field(0, ge=0, description="Days a transcript is kept; 0: until it is erased.")
    transcript_messages: int = Field(2000, ge=10, description="Messages kept of one conversation.")
    dead_letter_days: int = Field(30, ge=1, description="Days a dead letter is kept.")
    worker_concurrency: int = Field(
        512, ge=1, le=1000, description="Conversations one worker has in hand at once."
    )
