"""A word to the owner when a message that nobody asked for costs more than they allow."""

from __future__ import annotations

import structlog

from server.bots.bot import BotRuntime
from server.clock import now_ms
from server.observability.charges.ledger import price_at
from server.store import alerts
from server.store.records import Contact

log = structlog.get_logger()


async def warn_of_price(runtime: BotRuntime, contact: Contact, template: str) -> None:
    """Raise an alert where a touch (`template`: the one it goes out as) costs more than the bot's
    `price_limit`; it goes out all the same. The alert is over with the first touch that does not."""
    bot, name = runtime.bot, f"touch_price:{runtime.bot.id}"
    found = await price_at(runtime, contact, template, now_ms())
    limit = bot.outreach.price_limit
    if not limit or found.price is None or found.price <= limit:
        await alerts.clear(runtime.redis, name)
        return
    what = f"template {template}" if template else "a message"
    log.warning("touch_is_dear", bot=bot.id, conversation=contact.id, price=found.price, limit=limit)
    text = (
        f"{bot.id}: a follow-up cost {found.price:.4f} US dollars at WhatsApp ({what}, {found.category}), "
        f"more than the {limit:.4f} you allow. Map touches to cheaper templates, or raise the limit."
    )
    await alerts.raise_alert(runtime.redis, name, text, "touch_price_limit", bot.id)
