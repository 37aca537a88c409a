"""How orders come to be paid: a link is made once the order is placed, and what a provider says of a payment
is held against the order. Another sum or currency pays nothing, and a person is told."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import httpx
import structlog

from agent.ordering.rules import PaymentRules
from agent.ordering.wording import money_text
from channels.base import SendError
from channels.cloud_api import CloudApi
from channels.content.payments import PaymentReport
from channels.content.plain import as_text
from server.bots.bot import BotRuntime
from server.bots.routing import ChannelRouter
from server.clock import now_ms
from server.config.settings import Settings
from server.notifications.to_operators import call_person
from server.orders.announcing import tell_customer
from server.orders.book import NotAllowed, OrderBook
from server.orders.payment.contract import NotCharged, NotYet, PaymentLink, PaymentNotice, PaymentWay
from server.orders.payment.own_link import OwnLink
from server.orders.payment.stripe import StripeCheckout
from server.orders.payment.whatsapp_bill import WhatsAppBill, looked_up, notice_of
from server.orders.payment.wording import words_of_payment
from server.orders.records import Payment, PlacedOrder, following
from server.orders.reports import forget_report, kept_reports
from server.store.client import Redis
from server.store.keys import key
from server.store.records import Contact

# Seconds for which one worker has the making of a link, and after which it is tried again.
CLAIM = 30
# For so long (ms) a payment that Meta has reported is looked up again, where that fails.
PATIENCE = 3_600_000
# What a provider is called where people read of it.
PROVIDERS = {"stripe": "Stripe", "whatsapp": "WhatsApp"}

log = structlog.get_logger()


def way_of(
    settings: Settings, http: httpx.AsyncClient, runtime: BotRuntime, rules: PaymentRules
) -> PaymentWay | None:
    """How orders of a bot are paid by some rules; None where people arrange it."""
    if rules.way == "link":
        return OwnLink(rules.link, rules.picture)
    if rules.way == "whatsapp" and rules.bill:
        return WhatsAppBill(rules.bill, runtime)
    return stripe_of(settings, http, runtime.bot.id, rules.return_to) if rules.way == "stripe" else None


def stripe_of(
    settings: Settings, http: httpx.AsyncClient, bot_id: str, return_to: str = ""
) -> StripeCheckout:
    """The account of a bot at Stripe."""
    key, secret = settings.stripe_account(bot_id)
    return StripeCheckout(http, settings.stripe_url, key, secret, return_to or settings.links_url)


@dataclass(frozen=True, slots=True)
class Cashier:
    """Makes links and reads what was paid, for every bot."""

    settings: Settings
    redis: Redis
    http: httpx.AsyncClient
    orders: OrderBook
    router: ChannelRouter

    async def ask_for_payment(self, runtime: BotRuntime) -> int:
        """Send customers of new orders where they pay, each once; how many were sent it."""
        bot_id, count = runtime.bot.id, 0
        for order_id, state in await self.orders.news(bot_id):
            if state != "new":
                continue
            order = await self.orders.order(bot_id, order_id)
            if order is None or not _is_to_be_asked(order) or rules_of(runtime, order).way == "none":
                await self.orders.told(bot_id, order_id, state)
            elif await self.redis.set(key(bot_id, "order_paying", order_id), 1, nx=True, ex=CLAIM):
                count += await self._asked(runtime, order)
        return count

    async def _asked(self, runtime: BotRuntime, order: PlacedOrder) -> bool:
        rules = rules_of(runtime, order)
        way = way_of(self.settings, self.http, runtime, rules)
        contact = await runtime.conversations.contact(order.conversation_id)
        if contact is None or way is None:
            await self.orders.told(runtime.bot.id, order.id, "new")
            return False
        try:
            link = await way.create(order)
        except NotYet:
            return False  # as below
        except NotCharged as error:
            log.warning("payment_link_failed", bot=runtime.bot.id, order=order.number, reason=str(error))
            if not error.final:
                return False  # its claim ends, and it is tried again
            await self.orders.revise(runtime.bot.id, order.id, _with_payment(trouble=str(error)))
            why = f"order {order.number} cannot be paid by a link: {error}"
            await call_person(runtime, contact, f"{order.id}:link", "task", why)
            await self.orders.told(runtime.bot.id, order.id, "new")
            return False
        if order.payment and order.payment.rules:  # asked before: that link is on its way
            link = replace(link, url=order.payment.link, reference=order.payment.reference)
        linked = await self.orders.revise(runtime.bot.id, order.id, _linked(order, link, contact, rules))
        if linked is None or not _is_asked_by(linked, order, rules):
            return False  # what it was made of has changed: it is made anew, of what holds then
        words = as_text(link.content) if link.content else words_of_payment(order, link.url)
        told = await tell_customer(runtime, contact, order, ("pay", words), link.content)
        await self.orders.told(runtime.bot.id, order.id, "new")
        return told

    async def settle(self, runtime: BotRuntime, notice: PaymentNotice) -> str:
        """Do what a payment asks for: `paid`, `known` (it was before), `refused`, `noted`, or `unknown` where
        there is no such order."""
        bot_id = runtime.bot.id
        order = await self.orders.order(bot_id, notice.order_id) if notice.order_id else None
        if order is None or order.payment is None:
            log.warning("payment_of_no_order", bot=bot_id, reference=notice.reference[:80])
            return "unknown"
        if order.payment.state == "paid":
            if notice.state == "paid" and (notice.amount, notice.currency) != (order.total, order.currency):
                return await self._refuse(runtime, order, notice, "is paid, and was paid another sum as well")
            return "known"
        if notice.state == "open":
            return "noted"
        if notice.state == "failed":
            return await self._refuse(runtime, order, notice, "was not paid: its page has expired, or failed")
        if why := wrong_with(order, notice):
            return await self._refuse(runtime, order, notice, why)
        try:
            await self.orders.move(bot_id, order.id, "paid", "payment", notice.reference)
        except NotAllowed as error:
            return await self._refuse(runtime, order, notice, f"was paid, and {error}")
        return "paid"

    async def _refuse(self, runtime: BotRuntime, order: PlacedOrder, notice: PaymentNotice, why: str) -> str:
        paid = money_text(f"{notice.amount:f}", notice.currency)
        payment = order.payment or Payment(way="none")
        where = PROVIDERS.get(payment.way, payment.way)
        trouble = f"order {order.number} {why} ({where} {notice.reference[:80]}, {paid})"
        keeps = notice.state == "failed" or payment.state == "paid"
        state = {} if keeps else {"state": "refused"}
        log.error("payment_refused", bot=runtime.bot.id, order=order.number, reason=why)
        await self.orders.revise(runtime.bot.id, order.id, _with_payment(trouble=trouble[:500], **state))
        if contact := await runtime.conversations.contact(order.conversation_id):
            await call_person(runtime, contact, f"{order.id}:{notice.id[:60]}", "task", trouble)
        return "refused"

    async def settle_reports(self, runtime: BotRuntime) -> int:
        """Settle payments of bills that Meta reported; how many orders they paid. Each is looked up first,
        and stays on record until that was answered."""
        bot_id, count = runtime.bot.id, 0
        for name, report in await kept_reports(self.redis, bot_id):
            if report is None:
                await forget_report(self.redis, bot_id, name)
            elif await self.redis.set(key(bot_id, "order_paying", name), 1, nx=True, ex=CLAIM):
                outcome = await self._settle_report(runtime, report, await self._tried_since(bot_id, name))
                count += outcome == "paid"
                if outcome:
                    await forget_report(self.redis, bot_id, name)
        return count

    async def _tried_since(self, bot_id: str, name: str) -> int:
        """Since when (Unix ms) a report is looked up: it may have come long after the payment."""
        place = key(bot_id, "order_looked_up", name)
        await self.redis.set(place, now_ms(), nx=True, px=2 * PATIENCE)
        return int(await self.redis.get(place) or 0)

    async def _settle_report(self, runtime: BotRuntime, report: PaymentReport, since: int) -> str:
        """As `settle`; empty where the look-up has not answered yet, for up to an hour after `since` (Unix
        ms)."""
        notice = notice_of(report)
        order = await self.orders.order(runtime.bot.id, report.reference_id)
        if order is None or order.payment is None or notice.state != "paid" or order.payment.state == "paid":
            return await self.settle(runtime, notice)
        if order.payment.account != report.account:
            return await self._refuse(runtime, order, notice, "was paid, as another number says")
        why = await self._doubt(runtime, order, report)
        if not why:
            return await self.settle(runtime, notice)
        if now_ms() - since < PATIENCE:
            log.warning("payment_not_confirmed", bot=runtime.bot.id, order=order.number, reason=why)
            return ""
        return await self._refuse(runtime, order, notice, f"was paid, and the look-up of it fails: {why}")

    async def _doubt(self, runtime: BotRuntime, order: PlacedOrder, report: PaymentReport) -> str:
        """Why the look-up of a payment that a gateway took does not confirm it; empty where it does, or where
        there is none. The sums are those that were reported: `settle` holds them against the order."""
        bill = rules_of(runtime, order).bill
        channel = self.router.channel(runtime.bot.id, report.account)
        if bill is None or bill.by != "gateway":
            return ""
        if not isinstance(channel, CloudApi):
            return "the number is not reached any more"
        try:
            said = await looked_up(channel, report.account, bill.configuration, report)
        except SendError as error:
            return str(error)[:200]
        if said.status != "captured":
            return f"it says {said.status or 'nothing'}"
        same = (said.amount, said.currency) == (report.amount, report.currency)
        return "" if same else f"it says {said.amount:f} {said.currency}"


def rules_of(runtime: BotRuntime, order: PlacedOrder) -> PaymentRules:
    """How an order is paid: as was set when its customer was asked for it, else as is set now."""
    asked = order.payment.rules if order.payment else None
    return asked or runtime.bot.context.orders.payment


def wrong_with(order: PlacedOrder, notice: PaymentNotice) -> str:
    """Why a payment does not pay an order; empty where it does."""
    if order.payment and order.payment.reference and notice.reference != order.payment.reference:
        return "was paid on a page that is not its own"
    if (notice.amount, notice.currency) != (order.total, order.currency):
        wanted = money_text(f"{order.total:f}", order.currency)
        return f"was paid with another sum than its {wanted}"
    if "paid" not in following(order):
        return f"was paid, but is {order.state}"
    return ""


def _linked(order: PlacedOrder, link: PaymentLink, contact: Contact, rules: PaymentRules) -> Any:
    """What keeps how the customer of an order is asked for its payment: once, whatever is set later, and not
    where the code that the link was made of was changed meanwhile."""
    asked = {"link": link.url, "reference": link.reference, "account": contact.account}
    keep = _with_payment(**asked, way=rules.way, rules=rules)

    def change(now: PlacedOrder) -> PlacedOrder:
        changed = now.payment != order.payment or not _is_to_be_asked(now)
        return now if changed else keep(now)

    return change


def _is_to_be_asked(order: PlacedOrder) -> bool:
    return order.payment is not None and order.state in ("new", "packed")


def _is_asked_by(now: PlacedOrder, order: PlacedOrder, rules: PaymentRules) -> bool:
    """Whether an order is on record as asked for by these rules, with the code that it had."""
    code = order.payment.code if order.payment else ""
    asked = now.payment is not None and (now.payment.rules, now.payment.code) == (rules, code)
    return asked and _is_to_be_asked(now)


def _with_payment(**changes: Any) -> Any:
    """What puts some fields of a payment in the place of those that an order has."""

    def change(order: PlacedOrder) -> PlacedOrder:
        payment = order.payment or Payment(way="none")
        return order.model_copy(update={"payment": payment.model_copy(update=changes)})

    return change
