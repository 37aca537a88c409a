"""What a customer is asked to pay, in words."""

from __future__ import annotations

from agent.language.order_phrases import order_text
from agent.ordering.wording import money_text
from server.orders.records import PlacedOrder


def words_of_payment(order: PlacedOrder, link: str = "") -> str:
    """That an order is to be paid; at `link`, where there is one."""
    total = money_text(f"{order.total:f}", order.currency)
    words = order_text("pay", order.language, number=str(order.number), sum=total, link=link)
    return words if link else words.rstrip(" :")
