"""What a message costs at WhatsApp is expected when it goes out, and is what its statuses say: once, in
whatever order and how often they come."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from channels.base import Message, StatusUpdate
from channels.content.pricing import MessagePricing
from server import clock
from server.observability.charges.ledger import expect_charge, note_price, service_messages
from server.observability.costs import Spending
from server.store.keys import key
from server.store.records import Contact, Entry, MessageCharge, Reply
from tests.support.office import NUMBER, Office
from tests.support.virtual_clock import at

KZ, IT, IN = "77010000001", "393331234567", "917700900077"
REGULAR, FREE = "regular", "free_customer_service"


@pytest.fixture(autouse=True)
async def november() -> AsyncIterator[None]:
    at("2026-11-30 12:00")
    yield
    clock.move_to(0)


class Bill:
    """The default bot's, with messages that were sent and what statuses say of them."""

    def __init__(self, redis: Redis, folder: Path) -> None:
        self.office = Office(redis, folder)
        self.runtime, self.redis = self.office.runtime, self.office.runtime.redis
        self._count = itertools.count()

    async def contact(self, number: str = KZ, referral: dict[str, str] | None = None) -> Contact:
        card = Message(id="m", account=NUMBER, kind="text", wa_id=number, referral=referral or {})
        found = await self.runtime.conversations.contact(await self.runtime.conversations.identify(card))
        assert found
        return found

    async def queue(self, contact: Contact, **more: Any) -> Reply:
        reply = Reply(id=f"r{next(self._count)}:0", text="Hello", **more)
        await self.runtime.mailbox.post(contact.id, reply, Entry(id=reply.id, author="bot", text="Hello"))
        return reply

    async def send(self, contact: Contact, **more: Any) -> Reply:
        reply = await self.queue(contact, **more)
        await expect_charge(self.runtime, contact, reply)
        return reply

    async def told(
        self, contact: Contact, reply: Reply, status: str = "sent", pricing: MessagePricing | None = None
    ) -> None:
        update = {"id": f"wamid.{reply.id}", "account": NUMBER, "status": status, "contact": contact.wa_id}
        await note_price(
            self.runtime, contact.id, reply.id, StatusUpdate.model_validate({**update, "pricing": pricing})
        )

    async def charge(self, contact: Contact, reply: Reply) -> MessageCharge | None:
        found = await self.runtime.conversations.entry(contact.id, reply.id, 2000)
        assert found
        return found.charge

    async def sums(self, contact: Contact) -> tuple[float, int, int, int]:
        """(US dollars, paid, free, without a price) of the conversation; day and all time say the same."""
        names = ("wa_nano", "wa_paid", "wa_free", "wa_unpriced")
        found = await self.runtime.conversations.contact(contact.id)
        assert found
        mine = tuple(getattr(found, name) for name in names)
        for place in (("spent", "2026-11-30"), ("totals",)):
            row = await self.redis.hmget(key("default", *place), names)
            assert tuple(int(value or 0) for value in row) == mine
        return mine[0] / 1e9, *mine[1:]


def pmp(kind: str, category: str = "service", billable: bool | None = None) -> MessagePricing:
    return MessagePricing(model="pmp", category=category, type=kind, billable=billable)


@pytest.fixture
def bill(redis: Redis, tmp_path: Path) -> Bill:
    return Bill(redis, tmp_path)


async def test_a_reply_is_expected_to_be_of_the_free_share_until_a_status_says_otherwise(bill: Bill):
    anna = await bill.contact()
    reply = await bill.send(anna)
    expected = MessageCharge(category="service", state="free", cost=0, reason=FREE, told=False)
    assert await bill.charge(anna, reply) == expected
    assert await bill.sums(anna) == (0, 0, 1, 0) and await service_messages(bill.runtime, NUMBER) == 1
    await bill.told(anna, reply, "sent", pmp(REGULAR, billable=True))
    said = MessageCharge(category="service", state="paid", cost=0.018, reason=REGULAR, told=True)
    assert await bill.charge(anna, reply) == said
    assert await bill.sums(anna) == (0.018, 1, 0, 0)
    # somebody else uses the number too: its thousand are used up
    assert await service_messages(bill.runtime, NUMBER) == 1000
    assert (found := await bill.charge(anna, await bill.send(anna))) and found.cost == 0.018


ORDERS = [
    *itertools.permutations(("sent", "delivered", "read", "expected")),
    ("sent", "sent", "expected", "sent"),
]


@pytest.mark.parametrize("order", ORDERS, ids="-".join)
async def test_statuses_that_come_again_in_any_order_are_counted_once(bill: Bill, order: tuple[str, ...]):
    anna = await bill.contact(IT)
    reply = await bill.queue(anna)
    for step in order:
        if step == "expected":
            await expect_charge(bill.runtime, anna, reply)
        else:
            await bill.told(anna, reply, step, None if step == "read" else pmp(REGULAR))
    assert await bill.sums(anna) == (0.03, 1, 0, 0)


@pytest.mark.parametrize(
    ("number", "pricing", "sums"),
    [
        (KZ, pmp(REGULAR, "service"), (0.018, 1, 0, 0)),
        (KZ, pmp(REGULAR, "utility"), (0.018, 1, 0, 0)),
        (KZ, pmp(REGULAR, "marketing"), (0.0604, 1, 0, 0)),
        (IT, pmp(REGULAR, "marketing"), (0.0795, 1, 0, 0)),
        (IN, pmp(REGULAR, "authentication"), (0.0014, 1, 0, 0)),
        (IN, pmp(REGULAR, "authentication_international"), (0, 1, 0, 1)),
        (IN, pmp(REGULAR, "a_new_category"), (0, 1, 0, 1)),
        (IN, pmp(FREE), (0, 0, 1, 0)),
        (KZ, pmp("free_entry_point", "referral_conversion", False), (0, 0, 1, 0)),
        (KZ, MessagePricing(category="service", billable=True), (0.018, 1, 0, 0)),
        (KZ, MessagePricing(category="service", billable=False), (0, 0, 1, 0)),
        (
            KZ,
            MessagePricing(model="cbp", category="marketing", billable=True, conversation="c"),
            (0, 1, 0, 1),
        ),
        (KZ, MessagePricing(model="cbp", category="service", billable=False, conversation="c"), (0, 0, 1, 0)),
        # what says nothing changes nothing: it stays as it was expected
        (KZ, MessagePricing(category="service"), (0, 0, 1, 0)),
    ],
)
async def test_a_status_of_every_shape_is_priced_by_the_market_of_the_number(
    bill: Bill, number: str, pricing: MessagePricing, sums: tuple[float, int, int, int]
):
    contact = await bill.contact(number)
    await bill.told(contact, await bill.send(contact), "sent", pricing)
    assert await bill.sums(contact) == sums


async def test_of_the_older_model_one_message_is_charged_for_the_conversation(bill: Bill):
    anna = await bill.contact()
    for conversation in ("one", "one", "one", "two"):
        told = MessagePricing(model="cbp", category="marketing", billable=True, conversation=conversation)
        reply = await bill.send(anna)
        for _ in range(2):
            await bill.told(anna, reply, "sent", told)
    assert await bill.sums(anna) == (0, 2, 2, 2)


async def test_what_did_not_arrive_costs_nothing_and_is_not_of_the_free_share(bill: Bill):
    anna = await bill.contact()
    first, second, third = [await bill.send(anna) for _ in range(3)]
    await bill.told(anna, second, "sent", pmp(REGULAR))
    for reply in (first, second, second):
        await bill.told(anna, reply, "failed")
    assert await bill.sums(anna) == (0, 0, 1, 0)
    assert (found := await bill.charge(anna, second)) and (found.state, found.cost) == ("failed", 0)
    await bill.told(anna, second, "delivered", pmp(REGULAR))  # late, and overtaken
    assert await bill.sums(anna) == (0, 0, 1, 0)
    del third


async def test_after_an_ad_everything_is_free_for_three_days(bill: Bill):
    now = clock.now_ms()
    ad = {"source_type": "ad", "ctwa_clid": "c", "source_id": "1"}
    said = Message(id="m", account=NUMBER, kind="text", wa_id=KZ, referral=ad, timestamp=now // 1000)
    conversation = await bill.runtime.conversations.identify(said)
    anna = await bill.runtime.conversations.contact(conversation)
    assert anna
    replies = [await bill.send(anna), await bill.send(anna, template="news:en")]
    charges = [await bill.charge(anna, reply) for reply in replies]
    assert [(c.state, c.reason, c.category) for c in charges if c] == [
        ("free", "free_entry_point", "service"),
        ("free", "free_entry_point", "marketing"),
    ]
    assert await service_messages(bill.runtime, NUMBER) == 0
    clock.move_to(clock.ahead() + 72 * 3_600_000)
    later = await bill.charge(anna, await bill.send(anna, template="news:en"))
    assert later and (later.state, later.cost) == ("paid", 0.0604)


async def test_a_post_is_no_ad_and_a_simulated_number_costs_nobody_anything(bill: Bill):
    post = await bill.contact(KZ, {"source_type": "post", "source_id": "1"})
    assert (found := await bill.charge(post, await bill.send(post))) and found.reason == FREE
    card = Message(id="m", account="sim-default", kind="text", wa_id=IT)
    name = await bill.runtime.conversations.identify(card)
    nobody = await bill.runtime.conversations.contact(name)
    assert nobody and await bill.charge(nobody, await bill.send(nobody)) is None


async def test_a_month_of_1500_messages_has_its_first_thousand_free_and_the_next_month_begins_anew(
    bill: Bill,
):
    clock.move_to(0)
    at("2027-03-01 00:00")
    anna = await bill.contact(KZ)
    for number in range(1500):
        if number % 50 == 0:
            at(f"2027-03-{number // 50 + 1:02} 12:00")
        await bill.send(anna)
    found = await bill.runtime.conversations.contact(anna.id)
    assert found and (found.wa_free, found.wa_paid, found.wa_nano) == (1000, 500, 500 * 18_000_000)
    spending = Spending(bill.office.settings, bill.redis)
    days = [await spending.of("default", f"2027-03-{day:02}") for day in (20, 21, 30)]
    assert [(day.free_messages, day.paid_messages, day.whatsapp_cost) for day in days] == [
        (50, 0, 0),
        (0, 50, pytest.approx(0.9)),
        (0, 50, pytest.approx(0.9)),
    ]
    at("2027-04-01 00:00")
    assert (charge := await bill.charge(anna, await bill.send(anna))) and charge.state == "free"


async def test_the_budget_of_a_day_counts_what_whatsapp_charges(bill: Bill):
    anna = await bill.contact(IT)
    for _ in range(3):
        await bill.told(anna, await bill.send(anna), "sent", pmp(REGULAR))
    spending, bot = Spending(bill.office.settings, bill.redis), bill.runtime.bot
    today = await spending.of("default")
    assert (today.cost, today.whatsapp_cost, today.paid_messages) == (0, pytest.approx(0.09), 3)
    allowances = [
        await spending.allowance(
            type(bot)("default", bot.context.model_copy(update={"daily_budget": budget}))
        )
        for budget in (1, 0.1, 0.09)
    ]
    assert allowances == ["full", "cheaper", "offline"]


async def test_a_reply_that_is_sent_is_on_the_bill_once_the_provider_has_it(bill: Bill):
    office = bill.office
    conversation = await office.reply(KZ)
    await office.send()
    [line] = await bill.runtime.conversations.transcript(conversation)
    assert line.charge and (line.charge.state, line.charge.told) == ("free", False)


@pytest.mark.parametrize("damaged", ["", "no JSON", "[]", "{}", '{"day": 5}', "null", '{"state": "paid"}'])
async def test_an_entry_that_is_damaged_is_written_anew_and_stops_nothing(bill: Bill, damaged: str):
    anna = await bill.contact()
    reply = await bill.queue(anna)
    await bill.redis.hset(key("default", "status", anna.id), f"bill:{reply.id}", damaged)
    assert await bill.charge(anna, reply) is None
    await bill.told(anna, reply, "failed")
    await bill.told(anna, reply, "sent", pmp(REGULAR))
    assert (found := await bill.charge(anna, reply)) and (found.state, found.cost) == ("paid", 0.018)
