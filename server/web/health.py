"""What `GET /health` and `GET /alive` say."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from server.store.records import Record


class Health(Record):
    """The service works."""

    status: Literal["ok"] = Field(default="ok", description="It works")
    redis: Literal["ok"] = Field(default="ok", description="Redis takes what is written")
    oldest_due_seconds: float = Field(
        description="For how long the conversation that waits longest for a worker has been due"
    )
    warnings: list[str] = Field(
        default=[],
        description="What of this Redis may lose messages; only where there is something",
        exclude_if=lambda found: not found,
    )


class Unavailable(Record):
    """The service does not work."""

    status: Literal["unavailable"] = Field(default="unavailable", description="It does not work")
    redis: str = Field(description="What is wrong with Redis")
    warnings: list[str] = Field(
        default=[],
        description="Why this Redis is refused; only where it is",
        exclude_if=lambda found: not found,
    )


class Alive(Record):
    """The process answers."""

    status: Literal["alive"] = Field(default="alive", description="It answers")
