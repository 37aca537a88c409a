"""What operators did: one line for every change, with who made it.

{*}:audit   LIST   JSON: at (ms), operator, role, action (method and route), bot_id, target, detail; the last
            20,000
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import Any

import structlog
from fastapi import Request
from fastapi.responses import Response
from fastapi.routing import APIRoute
from pydantic import Field

from server.clock import now_ms
from server.operators.login import READS
from server.operators.tokens import Operator, who
from server.store.client import Redis
from server.store.keys import SHARED, key
from server.store.readable import readable
from server.store.records import Record

AUDIT = key(SHARED, "audit")
KEPT = 20_000
# Routes that change nothing worth a line, whatever their method.
SILENT = ("/seen", "/search", "/generate")

log = structlog.get_logger()


class Action(Record):
    """A change that an operator made."""

    at: int = Field(description="When, Unix milliseconds")
    operator: str = Field(description="Whose token it was")
    operator_id: str = Field(description="The token's id")
    role: str = Field(description="The role at that time")
    action: str = Field(
        description="Method and route, such as `POST /api/conversations/{conversation_id}/reset`"
    )
    bot_id: str = Field(description="The bot it was about; empty: none")
    target: str = Field(description="The conversation or other thing it was about")
    detail: str = Field(description="What else is to be said of it")


async def record_change(
    redis: Redis, operator: Operator, action: str, target: str = "", bot_id: str = "", detail: str = ""
) -> None:
    """Put a line on record. No texts, numbers or secrets."""
    row = Action(
        at=now_ms(),
        operator=operator.name,
        operator_id=operator.id,
        role=operator.role,
        action=action,
        bot_id=bot_id,
        target=target,
        detail=detail,
    )
    async with redis.pipeline(transaction=False) as pipe:
        pipe.lpush(AUDIT, row.model_dump_json())
        pipe.ltrim(AUDIT, 0, KEPT - 1)
        await pipe.execute()
    log.info("operator", operator=operator.id, action=action, target=target)


async def latest_changes(redis: Redis, limit: int, start: int = 0) -> list[Action]:
    """The last changes, newest first."""
    rows: Any = await redis.lrange(AUDIT, start, start + limit - 1)
    return readable(rows, Action.model_validate_json, "a line of the audit log")


def may_see(row: Action) -> bool:
    """Whether whoever makes the request in hand may see a line: of their own, or of a bot of theirs."""
    operator = who.get()
    return (
        not operator.bots or row.operator_id == operator.id or bool(row.bot_id and operator.sees(row.bot_id))
    )


class About:
    """What the request in hand is about; `read`: worth a line although nothing is changed."""

    def __init__(self) -> None:
        self.bot_id, self.target, self.read = "", "", False
        # Bot -> what else is to be said, of a change of several bots; each gets a line.
        self.details = dict[str, str]()


# Of the HTTP request in hand, whose context is its own; no turn reads it.
_about: ContextVar[About | None] = ContextVar("about", default=None)


def name_subject(bot_id: str, target: str = "") -> None:
    """Say which bot, and which conversation or other thing of it, a request is about."""
    if (now := _about.get()) is not None:
        now.bot_id, now.target = bot_id or now.bot_id, target or now.target


def record_disclosure(bot_id: str, target: str = "") -> None:
    """Say that a request hands out what is known of people."""
    name_subject(bot_id, target)
    if (now := _about.get()) is not None:
        now.read = True


def add_details(details: Mapping[str, str]) -> None:
    """Say what a change comes to, for each bot that it is about."""
    if (now := _about.get()) is not None:
        now.details |= details


class Audited(APIRoute):
    """A route whose changes are put on record once they are made; Redis is that of the application's
    state."""

    def get_route_handler(self) -> Callable[[Request], Any]:
        """What answers a request, with its record."""
        handle = super().get_route_handler()

        async def handler(request: Request) -> Response:
            said = About()
            _about.set(said)
            answer = await handle(request)
            changes = request.method not in READS and not self.path.endswith(SILENT)
            if (changes or said.read) and answer.status_code < 400:
                parts = dict(request.path_params)
                bot = str(parts.pop("bot_id", "") or said.bot_id)
                target = "/".join(str(part) for part in parts.values()) or said.target
                redis, done = request.app.state.api.redis, f"{request.method} {self.path}"
                for bot_id, detail in (said.details or {bot: ""}).items():
                    await record_change(redis, who.get(), done, target, bot_id, detail)
            return answer

        return handler
