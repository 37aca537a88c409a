"""Message templates as the provider knows them: read from its API, kept with what became of them, filled for
a contact.

Graph API, "GET /{whatsapp-business-account}/message_templates"; webhook field
`message_template_status_update`, `message_template_quality_update`."""

from __future__ import annotations

import re
from collections.abc import Sequence

import structlog
from pydantic import Field, computed_field

from channels.base import TemplateStatus
from channels.templates.draft import TemplateButton, TemplateDraft, TemplateHeader
from server.clock import now_ms
from server.store.client import Redis
from server.store.keys import key
from server.store.readable import readable
from server.store.records import Record, TemplateParts

# It was written here, and the provider has not seen it.
DRAFT = "DRAFT"
_VARIABLE = re.compile(r"\{\{\s*(\w+)\s*\}\}")

log = structlog.get_logger()


class MissingVariable(ValueError):
    """A variable of a template has no value; the message names it."""


class KeptHeader(TemplateHeader):
    """What stands above the body, as it is kept."""


class KeptButton(TemplateButton):
    """A button, as it is kept."""


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
    quality: str = Field(
        default="", description="How customers take it: GREEN, YELLOW, RED, UNKNOWN; empty: not told"
    )
    told: int = Field(
        default=0, description="Of when the last word on its status is, Unix milliseconds; 0: not told"
    )
    rated: int = Field(
        default=0, description="Of when the last word on its quality is, Unix milliseconds; 0: not told"
    )
    provider_id: str = Field(default="", description="The provider's id; empty: it was never sent there")
    header: KeptHeader | None = Field(default=None, description="What stands above the body")
    body: str = Field(default="", description="Its text, with variables in double braces")
    examples: tuple[str, ...] = Field(default=(), description="An example of each variable of the body")
    footer: str = Field(default="", description="A line below the body")
    buttons: tuple[KeptButton, ...] = Field(default=(), description="What can be tapped on below it")
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

    @property
    def draft(self) -> TemplateDraft:
        """As somebody wrote it, to be changed."""
        kept = self.model_dump(include=set(TemplateDraft.model_fields) - {"category"})
        category = "MARKETING" if self.category == "MARKETING" else "UTILITY"
        return TemplateDraft.model_validate({**kept, "category": category})

    def require(self, parts: TemplateParts | None) -> None:
        """Raises MissingVariable for what only `parts` may say and does not: the variable above the body, the
        file there, the end of a button's address."""
        given, missing = parts or TemplateParts(), list[str]()
        above = self.header
        if above and not given.header and not above.url:
            if above.format != "text" or _VARIABLE.search(above.text):
                missing.append("header")
        wanted = [button for button in self.buttons if button.type == "url" and _VARIABLE.search(button.url)]
        codes = [button for button in self.buttons if button.type == "copy_code" and not button.example]
        if len(given.buttons) < len(wanted) + len(codes):
            missing.append("buttons")
        if missing:
            raise MissingVariable(f"template {self.id}: {', '.join(missing)} has no value")

    def filled(self, values: Sequence[str]) -> str:
        """What the contact will read of its body. Raises MissingVariable for one without a value."""
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


async def one_template(redis: Redis, bot_id: str, name: str) -> MessageTemplate | None:
    """A bot's template by `name:language`; None where nothing is known of it."""
    row = await redis.hget(key(bot_id, "templates"), name)
    found = readable([row], MessageTemplate.model_validate_json, "a template") if row else []
    return found[0] if found else None


async def keep_template(redis: Redis, bot_id: str, template: MessageTemplate) -> MessageTemplate:
    """Put one on record."""
    kept = template.model_copy(update={"at": now_ms()})
    await redis.hset(key(bot_id, "templates"), kept.id, _row(kept))
    return kept


async def drop_template(redis: Redis, bot_id: str, name: str) -> None:
    """Forget one."""
    await redis.hdel(key(bot_id, "templates"), name)


async def store_templates(redis: Redis, bot_id: str, found: Sequence[MessageTemplate]) -> None:
    """Put the provider's list in the place of the one before. What it does not hold of a template stays, and
    so does what was never sent there."""
    before = await templates(redis, bot_id)
    told = {n: {"told": t.told, "rated": t.rated} for n, t in before.items()}
    listed = {template.id for template in found}
    drafts = [known for known in before.values() if known.status == DRAFT and known.id not in listed]
    found = [*(_with_known(template, before.get(template.id)) for template in found), *drafts]
    async with redis.pipeline(transaction=True) as pipe:
        pipe.delete(key(bot_id, "templates"))
        if found:
            rows = {t.id: _row(t.model_copy(update={**told.get(t.id, {}), "at": now_ms()})) for t in found}
            pipe.hset(key(bot_id, "templates"), mapping=rows)
        await pipe.execute()


async def note_status(redis: Redis, bot_id: str, told: TemplateStatus) -> bool:
    """A template was approved, rejected, paused or disabled, or is liked less, says the provider; one nobody
    has asked for is noted too. What is older than its last word changes nothing; then False."""
    known = (await templates(redis, bot_id)).get(f"{told.name}:{told.language}") or MessageTemplate(
        name=told.name, language=told.language
    )
    if told.at and told.at < (known.told if told.status else known.rated):
        return False
    new: dict[str, object] = {"quality": told.quality, "rated": told.at or known.rated}
    if told.status:
        new = {"status": told.status, "reason": told.reason, "told": told.at or known.told}
    noted = known.model_copy(update={**new, "at": now_ms()})
    await redis.hset(key(bot_id, "templates"), noted.id, _row(noted))
    bad = not noted.usable or noted.quality == "RED"
    (log.warning if bad else log.info)(
        "template_status", bot=bot_id, template=noted.id, status=noted.status, quality=noted.quality
    )
    return True


def _with_known(template: MessageTemplate, before: MessageTemplate | None) -> MessageTemplate:
    """What the provider lists, with what it does not say of it."""
    if before is None:
        return template
    kept: dict[str, object] = {} if template.quality else {"quality": before.quality}
    old, new = before.header, template.header
    if old and new and old.format == new.format and old.url:
        kept["header"] = new.model_copy(update={"url": old.url})
    return template.model_copy(update=kept)


def _row(template: MessageTemplate) -> str:
    """As it is stored: what follows from other fields is not."""
    return template.model_dump_json(exclude_computed_fields=True)
