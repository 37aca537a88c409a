"""How the numbers of a bot stand at Meta, asked for now and then: webhooks tell of changes alone, so of a
new number nobody would know how many people it may write to.

Fields: "Messaging limits", section "Via API" (since v24.0), and the reference of the phone number,
`quality_rating`: GREEN, YELLOW, RED, UNKNOWN or NA.

    asked:ACCOUNT   STRING   the number was asked for lately
"""

from __future__ import annotations

import structlog

from channels.base import SendError
from channels.cloud_api import CloudApi
from channels.content.account import AccountNotice
from channels.json_parts import clean_text
from channels.notices.cloud import limit_of
from server.bots.bot import BotRuntime
from server.bots.routing import ChannelRouter
from server.clock import now_ms
from server.observability.health.kept import record_of
from server.store.keys import key

# Between two questions about a number, seconds. Meta changes limits every six hours at most.
EVERY = 6 * 3600
LIMIT = "whatsapp_business_manager_messaging_limit"

log = structlog.get_logger()


async def ask_standing(runtime: BotRuntime, router: ChannelRouter) -> None:
    """Keep what Meta says of each number of a bot that was not asked for lately, where it is news."""
    for account in runtime.bot.accounts:
        channel = router.channel(runtime.bot.id, account.id)
        if not isinstance(channel, CloudApi) or channel.credentials.missing:
            continue
        if await runtime.redis.set(key(runtime.bot.id, "asked", account.id), 1, nx=True, ex=EVERY):
            await _ask(runtime, channel, account.id)


async def _ask(runtime: BotRuntime, channel: CloudApi, account: str) -> None:
    try:
        said = await channel.ask("GET", account, params={"fields": f"quality_rating,{LIMIT}"})
    except SendError as error:
        log.info("number_not_asked", bot=runtime.bot.id, account=account, reason=str(error)[:200])
        return
    record, about = record_of(runtime.redis), AccountNotice(field="", entity=account, at=now_ms())
    known = await record.of(runtime.bot.id, account)
    tier, quality = clean_text(said.get(LIMIT)), clean_text(said.get("quality_rating"))
    limit = limit_of(tier)
    if limit is not None and limit != known.limit:
        news = {"field": "business_capability_update", "limit": limit, "tier": tier}
        await record.tell(runtime.bot.id, account, about.model_copy(update=news))
    flagged = {"RED": True, "GREEN": False}.get(quality)
    if flagged is not None and flagged != bool(known.flagged):
        event = "FLAGGED" if flagged else "UNFLAGGED"
        news = {"field": "phone_number_quality_update", "event": event}
        await record.tell(runtime.bot.id, account, about.model_copy(update=news))
