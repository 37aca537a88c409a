"""A shop whose orders are paid by WhatsApp's own bill, before an emulated Meta."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

import httpx
from redis.asyncio import Redis

from agent.ordering.rules import OrderRules
from channels.cloud_webhook import parse
from channels.content.account import NumberIdentity
from channels.emulators.meta.payments import PaymentTap
from channels.json_parts import as_dict
from server.bots.routing import WebhookScope
from server.observability.health.kept import record_of
from server.orders.announcing import announce
from server.orders.book import OrderBook
from server.orders.paying import Cashier
from server.orders.records import OrderLine, Payment, PlacedOrder
from server.orders.reports import keep_reports
from server.store.keys import key
from tests.support.office import Office
from tests.support.shop.orders import placed

GATEWAY: dict[str, Any] = {
    **{"country": "IN", "by": "gateway", "gateway": "razorpay", "configuration": "shop-pg"},
    **{"goods": "digital-goods", "catalogue": "194836987003835"},
}
PIX = {"country": "BR", "by": "pix", "merchant": "Cafe", "key": "a@b.example", "key_type": "EMAIL"}
NUMBERS = {"IN": ("918000000001", "919845012345"), "BR": ("558000000001", "5511987654321")}
LINES = (OrderLine(ref="AU-ONE", name="Aurora One", quantity=2, price=Decimal("250.5"), sum=Decimal(501)),)


class BillingShop:
    """A bot with a number of one country, whose orders are paid by WhatsApp's bill."""

    def __init__(self, redis: Redis, tmp_path: Any, bill: dict[str, Any], country: str = "") -> None:
        self.country = country or bill["country"]
        rules = {"taking": True, "payment": {"way": "whatsapp", "bill": bill}}
        self.account, self.customer = NUMBERS[self.country]
        context = {"orders": OrderRules.model_validate(rules)}
        self.office = Office(redis, tmp_path, context=context, whatsapp_phone_number_id=self.account)
        self.meta, self.book = self.office.emulator, OrderBook(redis)
        http = httpx.AsyncClient(transport=httpx.ASGITransport(self.meta.app))
        self.cashier = Cashier(self.office.settings, redis, http, self.book, self.office.router)

    async def order(self, **more: Any) -> PlacedOrder:
        office = self.office
        identity = NumberIdentity(number=self.account, business_account="1")
        await record_of(office.redis).introduce("default", self.account, identity)
        conversation = await office.writes(self.customer, "hello")
        currency = {"IN": "INR", "BR": "BRL"}.get(self.country, "KZT")
        known: dict[str, Any] = {"lines": LINES, "goods": Decimal(501), "total": Decimal(501)}
        known |= {"currency": currency, "payment": Payment(way="whatsapp")}
        return await placed(office.redis, conversation, **{**known, **more})

    def sets(self, payment: dict[str, Any]) -> None:
        """The owner says anew how orders are paid."""
        rules = OrderRules.model_validate({"taking": True, "payment": payment})
        bot = self.office.runtime.bot
        context = bot.context.model_copy(update={"orders": rules})
        self.office.runtime = replace(self.office.runtime, bot=replace(bot, context=context))

    async def dies_before_it_notes_that_the_customer_is_told(self, order: PlacedOrder) -> None:
        await self.office.redis.sadd(key("default", "order_news"), f"{order.id} new")

    async def goes_round(self) -> None:
        """What a worker does every second, and what is sent then."""
        for claim in await self.office.redis.keys(key("default", "order_paying", "*")):
            await self.office.redis.delete(claim)
        await announce(self.book, self.office.runtime)
        await self.cashier.ask_for_payment(self.office.runtime)
        await self.cashier.settle_reports(self.office.runtime)
        await self.office.send()

    def sent(self) -> list[dict[str, Any]]:
        """The parameters of every bill and state that the customer got."""
        bubbles = [b for b in self.meta.phones.bubbles.values() if b.contact == self.customer and not b.mine]
        shown = [as_dict(b.content.get("interactive")) for b in bubbles]
        return [
            as_dict(one["action"])["parameters"] for one in shown if one.get("type", "").startswith("order_")
        ]

    async def pays(self, order: PlacedOrder, **tap: Any) -> None:
        """The customer pays, or tries to; Meta tells of it."""
        made = PaymentTap(contact=self.customer, reference_id=order.id, **tap)
        await self.hears(self.meta.payments.pay(self.account, made))

    async def hears(self, status: dict[str, Any], account: str = "") -> None:
        value = {"metadata": {"phone_number_id": account or self.account}, "statuses": [status]}
        body = json.dumps({"entry": [{"changes": [{"field": "messages", "value": value}]}]}).encode()
        bot = self.office.runtime.bot
        channel = self.office.router.channel("default", self.account)
        assert channel
        scope = WebhookScope(channel, {self.account: bot, "9180": bot})
        await keep_reports(self.office.redis, scope, parse(body).payments)

    async def now(self, order: PlacedOrder) -> PlacedOrder:
        found = await self.book.order("default", order.id)
        assert found
        return found

    async def task(self, order: PlacedOrder) -> str:
        contact = await self.office.runtime.conversations.contact(order.conversation_id)
        assert contact
        return contact.task
