"""The operator API of messages to a number: the templates they may use, and what a bot would answer."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, HTTPException, Query
from pydantic import Field

from channels.base import Message, SendError
from channels.cloud_api import CloudApi
from server.api.common import Api, Body, Here, MessageIn, Page, Queued, TheBot, fails, rehearsal
from server.bots.accounts import DEFAULT
from server.bots.bot import BotRuntime
from server.operators import audit, takeover
from server.operators.audit import Audited
from server.operators.roles import AGENT, OWNER, READER
from server.store.message_templates import MessageTemplate, MissingVariable, store_templates, templates
from server.store.records import Contact, Record

routes = APIRouter(prefix="/api", tags=["messages"], route_class=Audited)


class MessageToIn(MessageIn):
    """A text, or an approved template (`name:language`) with its variables in order, to a number."""

    to: str = Field(
        pattern=r"^\+?\d{6,15}$", description="phone number with its country code", examples=["+77010000001"]
    )
    bot_id: str = Field(default=DEFAULT, description="which bot")


class GenerateIn(Body):
    """What a contact might write."""

    text: str = Field(
        min_length=1,
        max_length=65_536,
        description="its words",
        examples=["How much is the Aurora Duo?"],
    )
    bot_id: str = Field(default=DEFAULT, description="which bot")


class QueuedMessage(Queued):
    """A message to a number, on its way."""

    conversation_id: str = Field(description="The conversation it stands in")


class TemplatePage(Page[MessageTemplate]):
    """A bot's message templates, by name."""


class TemplatePreview(MessageTemplate):
    """A message template with its variables filled in."""

    preview: str = Field(description="What a contact would read")


class UsedPassage(Record):
    """A passage that an answer rests on."""

    document: str = Field(description="The document's name")
    page: int = Field(description="The page it stands on")
    strong: bool = Field(description="Whether it probably answers the question")


class GeneratedAnswer(Record):
    """What a bot would answer."""

    bot_id: str = Field(description="The bot that was asked")
    replies: list[str] = Field(description="The messages it would send")
    model: str = Field(description="The chat model that answered, or the step of the turn that did")
    verdict: str = Field(description="What the moderator decided")
    profile: dict[str, str] = Field(description="What it would have learned of the contact")
    passages: list[UsedPassage] = Field(description="Passages of documents it was given")


async def queue(api: Api, runtime: BotRuntime, contact: Contact, message: MessageIn) -> str:
    """Queue what an operator writes to a contact; its id. Raises HTTPException 409 for what must not go out,
    and 422 for a template without a value."""
    known = await templates(api.redis, runtime.bot.id)
    text, template = message.text or "", message.template or ""
    try:
        return await takeover.queue_message(runtime, contact, known, text, template, message.variables)
    except takeover.Refused as error:
        raise HTTPException(409, str(error)) from None
    except MissingVariable as error:
        raise HTTPException(422, f"variables: {error}") from None


@routes.post(
    "/messages", status_code=202, summary="Send a text or a template to a number", dependencies=[AGENT]
)
async def send_message(api: Here, message: MessageToIn) -> QueuedMessage:
    runtime = api.lookup.runtime(message.bot_id)
    account = runtime.bot.account or runtime.bot.simulated_account
    card = Message(id="api", account=account, kind="system", wa_id=message.to.lstrip("+"))
    if (
        not message.template
        and runtime.bot.windowed(card.account)
        and not await runtime.conversations.known(card.account, card.wa_id)
    ):
        raise HTTPException(409, "the contact has never written: only a template may be sent")
    conversation_id = await runtime.conversations.identify(card)
    audit.name_subject(runtime.bot.id, conversation_id)
    _, contact = await api.lookup.contact(conversation_id)
    return QueuedMessage(id=await queue(api, runtime, contact, message), conversation_id=conversation_id)


@routes.post(
    "/generate", summary="What would the bot answer? Nothing is sent or stored", dependencies=[AGENT]
)
async def generate_answer(api: Here, asked: GenerateIn) -> GeneratedAnswer:
    bot = api.lookup.runtime(asked.bot_id).bot
    return GeneratedAnswer.model_validate(await rehearsal(api).answer(bot, asked.text))


@routes.get("/templates", summary="Message templates as last read from the provider", dependencies=[READER])
async def list_templates(api: Here, bot_id: TheBot = DEFAULT) -> TemplatePage:
    return await _templates(api, bot_id)


@routes.post(
    "/templates/sync",
    summary="Read the templates from the provider",
    responses=fails(502, "The provider did not list its templates"),
    dependencies=[OWNER],
)
async def sync_templates(api: Here, bot_id: TheBot = DEFAULT) -> TemplatePage:
    runtime = api.lookup.runtime(bot_id)
    channel = api.router.channel(bot_id, runtime.bot.account) if runtime.bot.account else None
    if not isinstance(channel, CloudApi) or not channel.credentials.business_account_id:
        raise HTTPException(
            409, "set WHATSAPP_BUSINESS_ACCOUNT_ID, WHATSAPP_PHONE_NUMBER_ID and WHATSAPP_ACCESS_TOKEN"
        )
    try:
        rows = await channel.templates(channel.credentials.business_account_id)
    except SendError as error:
        raise HTTPException(502, f"the provider did not list its templates: {error}") from None
    await store_templates(api.redis, bot_id, [MessageTemplate.model_validate(row) for row in rows])
    return await _templates(api, bot_id)


async def _templates(api: Api, bot_id: str) -> TemplatePage:
    api.lookup.runtime(bot_id)
    known = await templates(api.redis, bot_id)
    return TemplatePage(items=[known[name] for name in sorted(known)])


@routes.get(
    "/templates/{name}/{language}/preview", summary="What a contact would read", dependencies=[READER]
)
async def preview_template(
    api: Here,
    name: str,
    language: str,
    bot_id: TheBot = DEFAULT,
    variable: Annotated[list[str] | None, Query(description="values of its variables, in order")] = None,
) -> TemplatePreview:
    api.lookup.runtime(bot_id)
    template = (await templates(api.redis, bot_id)).get(f"{name}:{language}")
    if template is None:
        raise HTTPException(
            404, "there is no template of this name and language; POST /api/templates/sync reads them"
        )
    try:
        return TemplatePreview(**template.model_dump(), preview=template.filled(variable or []))
    except MissingVariable as error:
        raise HTTPException(422, f"variables: {error}") from None
