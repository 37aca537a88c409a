"""The operator API of messages to a number, and of what a bot would answer."""

from __future__ import annotations

from fastapi import APIRouter, HTTPException
from pydantic import Field

from agent.phone_numbers import WRITTEN, with_country_code
from channels.base import Message
from server.api.common import Api, Body, Here, MessageIn, Queued, rehearsal
from server.bots.accounts import DEFAULT
from server.bots.bot import BotRuntime
from server.operators import audit, takeover
from server.operators.audit import Audited
from server.operators.roles import AGENT
from server.store.message_templates import MissingVariable, templates
from server.store.records import Contact, Record

routes = APIRouter(prefix="/api", tags=["messages"], route_class=Audited)


class MessageToIn(MessageIn):
    """A text, or an approved template (`name:language`) with its variables in order, to a number."""

    to: str = Field(
        pattern=WRITTEN, description="phone number with its country code", examples=["+77010000001"]
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
    and 422 for a template without a value and for a reply to what the contact did not say."""
    if message.quoted_id:
        lines = runtime.mailbox.limits.lines
        quoted = await runtime.conversations.entry(contact.id, message.quoted_id, lines)
        if quoted is None or quoted.author != "contact":
            raise HTTPException(422, "quoted_id: the contact has said nothing of this id here")
    written = takeover.Written(
        text=message.text or "",
        quoted_id=message.quoted_id,
        template=message.template or "",
        values=takeover.TemplateValues(message.variables, message.parts),
    )
    return await queue_written(api, runtime, contact, written)


async def queue_written(api: Api, runtime: BotRuntime, contact: Contact, written: takeover.Written) -> str:
    """The same for what is known to be whole."""
    known = await templates(api.redis, runtime.bot.id)
    try:
        return await takeover.queue_message(runtime, contact, known, written)
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
    card = Message(id="api", account=account, kind="system", wa_id=with_country_code(message.to))
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
