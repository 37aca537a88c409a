"""Payments of bills that Meta reported, kept until each is settled, whatever process dies meanwhile.

bill_payments   HASH   digest of what is reported -> JSON of a `PaymentReport`
"""

from __future__ import annotations

from collections.abc import Iterable

import structlog

from channels.content.payments import PaymentReport
from server.bots.routing import NotReady, WebhookScope
from server.store.client import Redis
from server.store.keys import digest, key
from server.store.readable import readable

log = structlog.get_logger()


async def keep_reports(redis: Redis, scope: WebhookScope, reports: Iterable[PaymentReport]) -> None:
    """Put what a webhook told of payments on record, once however often it comes. Raises NotReady, with the
    rest kept, where one is for a bot that cannot be read here."""
    not_ready = None
    for report in reports:
        try:
            bot = scope.bot_of(report.account)
        except NotReady as error:
            not_ready = error
            continue
        if bot is None:
            log.warning("payment_of_no_order", bot="", reference=report.reference_id[:80])
            continue
        said = report.model_dump_json(exclude={"at", "id"} if report.transaction else {"at"})
        await redis.confirmed("HSET", key(bot.id, "bill_payments"), digest(said), report.model_dump_json())
    if not_ready:
        raise not_ready


async def kept_reports(redis: Redis, bot_id: str) -> list[tuple[str, PaymentReport | None]]:
    """(id, report) of what is not settled yet; None for one that cannot be read."""
    rows = await redis.hgetall(key(bot_id, "bill_payments"))
    return [
        (name.decode(), next(iter(readable([raw], PaymentReport.model_validate_json, "a payment")), None))
        for name, raw in rows.items()
    ]


async def forget_report(redis: Redis, bot_id: str, name: str) -> None:
    """A report is settled."""
    await redis.hdel(key(bot_id, "bill_payments"), name)
