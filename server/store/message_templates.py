"""Message templates as the provider knows them: read from its API, kept with what became of them, filled for
a contact.

Graph API, "GET /{whatsapp-business-account}/message_templates"; webhook field
`message_template_status_update`."""

from __future__ import annotations

import re
from collections.abc import Sequence

import structlog
from pydantic import Field, computed_field

from server.clock import now_ms
from server.store.client import Redis
from server.store.keys import key
from server.store.readable import readable
from server.store.records import Record

_VARIABLE = re.compile(r"\{\{\s*(\w+)\s*\}\}")

log = structlog.get_logger()


class MissingVariable(ValueError):
    """A variable of a template has no value; the message names it."""


class MessageTemplate(Record):
    """One message template in one language."""

    name: str = Field(description="Its name in the provider's account")
    language: str = Field(description="The provider's code of its language, such as `en` or `pt_BR`")
    status: str = Field(
        default="APPROVED", description="The provider's word: APPROVED, PENDING, REJECTED, PAUSED, ..."
    )
    reason: str = Field(default="", description="Why the provider does not approve of it")
    category: str = Field(
        default="", description="The provider's category: MARKETING, UTILITY, AUTHENTICATION"
    )
    body: str = Field(default="", description="Its text, with variables in double braces")
    at: int = Field(default=0, description="When the provider was last asked or told us, Unix milliseconds")

    @computed_field(description="What sends it: `name:language`")
    @property
    def id(self) -> str:
        """`name:language`."""
        return f"{self.name}:{self.language}"

    @computed_field(description="Whether it may be sent now")
    @property
    def usable(self) -> bool:
        """Whether it may be sent now."""
        return self.status in ("APPROVED", "FLAGGED", "REINSTATED")

    @computed_field(description="Names or numbers of its variables, in the order of the text")
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


async def templates(redis: Redis, bot_id: str) -> dict[str, MessageTemplate]:
    """What is known of a bot's templates, by `name:language`."""
    raw = await redis.hgetall(key(bot_id, "templates"))
    return {
        name.decode(): template
        for name, row in raw.items()
        for template in readable([row], MessageTemplate.model_validate_json, "a template")
    }


async def store_templates(redis: Redis, bot_id: str, found: Sequence[MessageTemplate]) -> None:
    """Put the provider's list in the place of the one before."""
    async with redis.pipeline(transaction=True) as pipe:
        pipe.delete(key(bot_id, "templates"))
        if found:
            rows = {t.id: _row(t.model_copy(update={"at": now_ms()})) for t in found}
            pipe.hset(key(bot_id, "templates"), mapping=rows)  # pyright: ignore[reportArgumentType]
        await pipe.execute()


async def note_status(redis: Redis, bot_id: str, name: str, language: str, status: str, reason: str) -> None:
    """A template was approved, rejected, paused or disabled, says the provider; one nobody has asked for is
    noted too."""
    known = (await templates(redis, bot_id)).get(f"{name}:{language}") or MessageTemplate(
        name=name, language=language
    )
    told = known.model_copy(
        update={"status": status, "reason": "" if reason == "NONE" else reason, "at": now_ms()}
    )
    await redis.hset(key(bot_id, "templates"), told.id, _row(told))  # pyright: ignore[reportGeneralTypeIssues]
    (log.info if told.usable else log.warning)("template_status", bot=bot_id, template=told.id, status=status)


def _row(template: MessageTemplate) -> str:
    """As it is stored: what follows from other fields is not."""
    return template.model_dump_json(exclude_computed_fields=True)
