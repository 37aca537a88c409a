"""A chat that the business begins: with whoever has a number, whether or not they have ever written."""

from __future__ import annotations

from dataclasses import dataclass

from agent.phone_numbers import phone_number
from channels.base import Message
from server.bots.bot import Bot, BotRuntime
from server.conversations.search.scan import PlainSearch
from server.operators.contact_list.filters import SIMULATOR, ChannelName
from server.operators.profile_fields import BadField
from server.store.keys import key
from server.store.records import Contact


@dataclass(frozen=True, slots=True)
class BegunChat:
    """The contact of a number; `known`: they were there before."""

    contact: Contact
    known: bool


async def begin_chat(runtime: BotRuntime, number: str, channel: ChannelName = "") -> BegunChat:
    """The contact of a number on a channel (empty: the bot's first), made where there is none. Nothing is
    sent. Raises BadField for what is no number, and for a channel on which the bot has none."""
    digits = phone_number(number, None)
    if digits is None:
        raise BadField(
            "number", f"{number[:40]} is no valid number; write it with its country code, as +7 701 234 56 78"
        )
    account, conversations = _account(runtime.bot, channel), runtime.conversations
    if known := await conversations.contact(await conversations.known(account, digits)):
        await list_contact(runtime, known)  # made, and cut off before it was listed
        return BegunChat(known, known=True)
    card = Message(id="begun", account=account, kind="system", wa_id=digits)
    contact = await conversations.contact(await conversations.identify(card, afresh=True))
    if contact is None:
        raise LookupError("a contact was erased in the moment in which it was made")
    await list_contact(runtime, contact)
    return BegunChat(contact, known=False)


async def list_contact(runtime: BotRuntime, contact: Contact) -> None:
    """Put a contact who has never written among the others, by when they were entered. That may be long
    ago: the search index learns of it by `changed`."""
    await runtime.redis.zadd(key(runtime.bot.id, "active"), {contact.id: contact.created}, nx=True)
    now = await PlainSearch(runtime.redis).now(runtime.bot.id)
    await runtime.redis.zadd(key(runtime.bot.id, "changed"), {contact.id: now})


def _account(bot: Bot, channel: ChannelName) -> str:
    if channel == SIMULATOR or not (channel or bot.accounts):
        return bot.simulated_account
    if not channel:
        return bot.account
    found = next((one.id for one in bot.accounts if one.channel == channel), "")
    if not found:
        raise BadField("channel", f"bot {bot.id} has no number on this channel")
    return found
