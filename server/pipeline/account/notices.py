"""Notices about numbers, put with the numbers they are about, and the alerts that follow from them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

import structlog
from redis.exceptions import RedisError

from channels.base import TemplateStatus
from channels.cloud_api import CloudApi
from channels.content.account import AccountNotice, NumberIdentity
from channels.emulators.numbers import is_simulated
from server.bots.bot import BotRuntime
from server.bots.routing import ChannelRouter, NotReady, WebhookScope
from server.observability.health.kept import HealthRecord, record_of
from server.observability.health.warnings import settle_alerts
from server.outreach.reach import Reach
from server.pipeline.account.standing import ask_standing
from server.store.keys import key
from server.store.message_templates import note_status

# Seconds between two looks at what may have ended meanwhile, such as a restriction.
PAUSE = 60

log = structlog.get_logger()

Runtimes = Mapping[str, BotRuntime]
# A number of a bot: (bot id, the provider's id of the number).
Place = tuple[str, str]


async def take_notices(
    notices: Sequence[AccountNotice],
    templates: Sequence[TemplateStatus],
    scope: WebhookScope,
    runtimes: Runtimes,
) -> list[AccountNotice]:
    """Keep what was told of the numbers and templates of a scope; the notices that are of none of its
    numbers."""
    touched, strange = set[str](), list[AccountNotice]()
    for bot_id in {bot.id for bot in (*scope.bots.values(), *([scope.rest] if scope.rest else []))}:
        for told in templates:
            if await note_status(runtimes[bot_id].redis, bot_id, told):
                touched.add(bot_id)
    for notice in notices:
        places = await _places(notice, scope, runtimes)
        for bot_id, account in places:
            new = await record_of(runtimes[bot_id].redis).tell(bot_id, account, notice)
            told_of = {"bot": bot_id, "account": account, "field": notice.field, "what": notice.event}
            log.info("number_notice" if new else "number_notice_again", **told_of)
            touched.add(bot_id)
        if not places:
            strange.append(notice)
    for bot_id in touched:
        await look(runtimes[bot_id])
    return strange


async def look(runtime: BotRuntime) -> None:
    """Raise and clear the alerts about a bot's numbers and templates, as they stand now."""
    besides = await Reach(runtime.redis).alerts(runtime.bot.id)
    await settle_alerts(runtime.redis, runtime.bot.id, besides)


async def keep_looking_after(runtimes: Runtimes, router: ChannelRouter) -> None:
    """Look at every bot once in a while, and ask how its numbers stand, until cancelled: of many workers one
    does."""
    while True:
        for runtime in list(runtimes.values()):
            try:
                held = key(runtime.bot.id, "looking_after")
                if await runtime.redis.set(held, 1, nx=True, px=PAUSE * 900):
                    await ask_standing(runtime, router)
                    await look(runtime)
            except (RedisError, OSError) as error:
                log.error("redis_unreachable", error=repr(error)[:200])
            except Exception:  # one bot's fault must not keep the others' alerts
                log.exception("health_not_looked_at", bot=runtime.bot.id)
            await asyncio.sleep(0)
        await asyncio.sleep(PAUSE / 4)


async def introduce(numbers: Mapping[str, NumberIdentity], scope: WebhookScope, record: HealthRecord) -> None:
    """Remember who the numbers are that a webhook names."""
    for account, identity in numbers.items():
        try:
            bot = None if is_simulated(account) else scope.bot_of(account)
        except NotReady:
            continue
        if bot is not None:
            await record.introduce(bot.id, account, identity)


async def _places(notice: AccountNotice, scope: WebhookScope, runtimes: Runtimes) -> list[Place]:
    """The numbers of a scope that a notice is about: the one of its digits, else all of its business account,
    else the only one there is."""
    known = await _known(scope, runtimes)
    about = [place for place in known if notice.entity == place[1]]
    about = about or [p for p, one in known.items() if notice.number and one.number == notice.number]
    ours = [p for p, one in known.items() if one.business_account == notice.business_account]
    if about or (ours and not notice.number):
        return about or ours
    unnamed = [place for place in ours if not known[place].number]
    strangers = [p for p, one in known.items() if one.business_account and notice.business_account]
    return unnamed or ours[:1] or (list(known) if len(known) == 1 and not strangers else [])


async def _known(scope: WebhookScope, runtimes: Runtimes) -> dict[Place, NumberIdentity]:
    """The real numbers of a scope, and what is known of each."""
    found: dict[Place, NumberIdentity] = {}
    places = [(bot.id, account) for account, bot in scope.bots.items() if not is_simulated(account)]
    for bot_id, account in places:
        kept = await record_of(runtimes[bot_id].redis).identity(bot_id, account)
        line = scope.line(account)
        set_up = line.credentials.business_account_id if isinstance(line, CloudApi) else ""
        found[bot_id, account] = (
            kept if kept.business_account else kept.model_copy(update={"business_account": set_up})
        )
    return found
