"""Message templates as the provider knows them: read from its API, kept with what became of them, filled for
a contact.

Graph API, "GET /{whatsapp-business-account}/message_templates"; webhook field
`message_template_status_update`."""

from __future__ import annotations

import re
from collections.abc import Sequence

import structlog
from pydantic import BaseModel

from server.clock import now_ms
from server.store.client import Redis
from server.store.keys import key
from server.store.readable import readable

_VARIABLE = re.compile(r"\{\{\s*(\w+)\s*\}\}")

log = structlog.get_logger()


class MissingVariable(ValueError):
    """A variable of a template has no value; the message names it."""


class Template(BaseModel):
    """One template in one language. `status` is the provider's word: APPROVED, PENDING, REJECTED, PAUSED,
    DISABLED, ..."""

    name: str
    language: str
    status: str = "APPROVED"
    reason: str = ""
    category: str = ""
    body: str = ""
    at: int = 0

    @property
    def id(self) -> str:
        """`name:language`."""
        return f"{self.name}:{self.language}"

    @property
    def usable(self) -> bool:
        """Whether it may be sent now."""
        return self.status in ("APPROVED", "FLAGGED", "REINSTATED")

    @property
    def variables(self) -> tuple[str, ...]:
        """The names or numbers of its variables, in the order of the text."""
        return tuple(dict.fromkeys(_VARIABLE.findall(self.body)))

    def filled(self, values: Sequence[str]) -> str:
        """What the contact will read. Raises MissingVariable for one without a value."""
        given = dict(zip(self.variables, values, strict=False))
        if missing := [name for name in self.variables if not given.get(name)]:
            raise MissingVariable(f"template {self.id}: variable {', '.join(missing)} has no value")
        return _VARIABLE.sub(lambda m: given[m.group(1)], self.body)


async def templates(redis: Redis, bot_id: str) -> dict[str, Template]:
    """What is known of a bot's templates, by `name:language`."""
    raw = await redis.hgetall(key(bot_id, "templates"))
    return {
        name.decode(): template
        for name, row in raw.items()
        for template in readable([row], Template.model_validate_json, "a template")
    }


async def keep(redis: Redis, bot_id: str, found: Sequence[Template]) -> None:
    """Put the provider's list in the place of the one before."""
    async with redis.pipeline(transaction=True) as pipe:
        pipe.delete(key(bot_id, "templates"))
        if found:
            rows = {t.id: t.model_copy(update={"at": now_ms()}).model_dump_json() for t in found}
            pipe.hset(key(bot_id, "templates"), mapping=rows)  # pyright: ignore[reportArgumentType]
        await pipe.execute()


async def note_status(redis: Redis, bot_id: str, name: str, language: str, status: str, reason: str) -> None:
    """A template was approved, rejected, paused or disabled, says the provider; one nobody has asked for is
    noted too."""
    known = (await templates(redis, bot_id)).get(f"{name}:{language}") or Template(
        name=name, language=language
    )
    told = known.model_copy(
        update={"status": status, "reason": "" if reason == "NONE" else reason, "at": now_ms()}
    )
    await redis.hset(key(bot_id, "templates"), told.id, told.model_dump_json())
    (log.info if told.usable else log.warning)("template_status", bot=bot_id, template=told.id, status=status)
