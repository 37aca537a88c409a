"""Customers are told what became of their orders: in words while the 24-hour window is open, by a template
when it is not. What they are to be told is on a list that outlives any process."""

from __future__ import annotations

from agent.language.order_phrases import order_text
from agent.ordering.rules import OrderRules
from channels.content.anything import Content
from server.bots.bot import BotRuntime
from server.clock import now_ms
from server.conversations import outbox
from server.notifications.to_operators import call_person
from server.orders.book import OrderBook
from server.orders.payment.whatsapp_bill import bill_status
from server.orders.records import PlacedOrder
from server.outreach.rules import WINDOW, barred
from server.store.records import Contact, Reply


async def announce(book: OrderBook, runtime: BotRuntime) -> int:
    """Tell customers of a bot what is on the list, each thing once however many workers look; how many were
    told."""
    count = 0
    for order_id, state in await book.news(runtime.bot.id):
        order = await book.order(runtime.bot.id, order_id)
        contact = await runtime.conversations.contact(order.conversation_id) if order else None
        if state == "new":  # that it is placed was the reply to its confirmation: now it is to be paid
            continue
        if order and contact:
            text = order_text(state, order.language, number=str(order.number))
            content = bill_status(order, state, text)
            count += await tell_customer(runtime, contact, order, (state, text), content)
        await book.told(runtime.bot.id, order_id, state)
    return count


async def tell_customer(
    runtime: BotRuntime,
    contact: Contact,
    order: PlacedOrder,
    news: tuple[str, str],
    content: Content | None = None,
) -> bool:
    """Queue a message about an order, `news` being its sort and its words, `content` what goes out in their
    place while the window is open, once. Where nothing may be sent, a person is asked to tell them."""
    sort, text = news
    reply = Reply(id=f"order:{order.id}:{sort}", text=text, notice=True, content=content)
    if barred(contact) and contact.assignee != "person":
        why = "wants no messages from us"
        await call_person(runtime, contact, f"{order.id}:{sort}", "task", _untold(order, text, why))
        return False
    if runtime.bot.windowed(contact.account) and now_ms() > contact.heard_at + WINDOW:
        rules: OrderRules = runtime.bot.context.orders
        if not rules.template:
            why = "the 24-hour window is closed, and orders.template names no template"
            await call_person(runtime, contact, f"{order.id}:{sort}", "task", _untold(order, text, why))
            return False
        filled = (str(order.number), text)
        update = {"template": rules.template, "variables": filled, "content": None}
        reply = reply.model_copy(update=update)
    return await outbox.post(runtime, contact, reply)


def _untold(order: PlacedOrder, text: str, why: str) -> str:
    return f"tell the customer about order {order.number} ({why}): {text}"
