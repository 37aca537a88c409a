"""What each chat model takes and can do: learned in turns or asked by the doctor, known to every process,
shown to people.

{*}:models   HASH   model -> JSON of what is known
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields

from pydantic import Field, ValidationError, computed_field

from agent.models.ways import Ways
from server.clock import now_ms
from server.store.client import Redis
from server.store.keys import SHARED, key
from server.store.readable import unreadable
from server.store.records import Record

KEY = key(SHARED, "models")
# What was learned is tried again after a day, ms: a server may have been started anew with tools.
FRESH = 86_400_000
WORDS = {
    "forced": "forced tool calls",
    "system": "a system message",
    "blank": "calls without words",
    "whole": "calls without streaming",
    "several": "several calls in one message",
    "forms": "forms as tool calls (it is asked for JSON)",
    "grammar": "JSON by a schema",
    "verifies": "the verifier's form (its replies are checked by code alone)",
    "chat": "chat completions (it is asked over Responses)",
    "reasoning_effort": "reasoning_effort",
    "max_tokens": "max_tokens",
}
_WAYS = {one.name for one in fields(Ways)}


class Known(Record):
    """What is known of a chat model."""

    model: str = Field(description="`PROVIDER:NAME`")
    at: int = Field(default=0, description="Since when, Unix milliseconds; 0: nothing was learned of it")
    lacking: tuple[str, ...] = Field(
        default=(), description="What it does not take, such as `forced` tool calls"
    )
    checks: dict[str, str] = Field(
        default={}, description="Sort of call -> `ok` or what was wrong, when the doctor last asked"
    )

    @computed_field(description="All of that in one line; empty: nothing is lacking and nothing went wrong")
    @property
    def said(self) -> str:
        """One line for people; empty where nothing is lacking and nothing went wrong."""
        without = ", ".join(WORDS.get(name, name) for name in self.lacking)
        wrong = "; ".join(f"{sort}: {why}" for sort, why in self.checks.items() if why != "ok")
        return "; ".join(part for part in (f"takes no {without}" if without else "", wrong) if part)


async def known_capabilities(redis: Redis) -> dict[str, Known]:
    """What is known of each model. A row that cannot be read is left out, and learned anew."""
    raw = await redis.hgetall(KEY)
    found: dict[str, Known] = {}
    for row in raw.values():
        try:
            known = Known.model_validate_json(row)
            found[known.model] = known
        except ValidationError:
            unreadable("what a model takes", "ValidationError", key=KEY)
    return found


async def record_capabilities(
    redis: Redis, model: str, ways: Ways, checks: dict[str, str] | None = None
) -> None:
    """Put on record what a model takes; `checks` of the doctor replace those before."""
    before = (await known_capabilities(redis)).get(model)
    known = Known(
        model=model,
        at=now_ms(),
        lacking=tuple(ways.lacking),
        checks=checks if checks is not None else before.checks if before else {},
    )
    await redis.hset(KEY, model, known.model_dump_json(exclude_computed_fields=True))


async def recall(redis: Redis) -> dict[str, Ways]:
    """What models do not take, as far as it was learned within a day."""
    since = now_ms() - FRESH
    return {
        known.model: Ways(**{name: False for name in known.lacking if name in _WAYS})
        for known in (await known_capabilities(redis)).values()
        if known.at > since
    }


async def of(redis: Redis, names: Iterable[str]) -> list[Known]:
    """What is known of these models: one that nobody has learned anything of is lacking nothing,
    at 0."""
    known = await known_capabilities(redis)
    return [known.get(name) or Known(model=name) for name in names]
