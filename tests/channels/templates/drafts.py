"""A template that keeps every rule, and buttons of every sort."""

from __future__ import annotations

from typing import Any

QUICK = {"type": "quick_reply", "text": "Yes, please"}
URL = {"type": "url", "text": "See it", "url": "https://shop.example/o/{{1}}", "example": "77"}
PHONE = {"type": "phone", "text": "Call us", "phone": "+7 701 555 01 02"}
CODE = {"type": "copy_code", "example": "SPRING25"}
GOOD: dict[str, Any] = {
    "name": "order_ready",
    "language": "en",
    "category": "UTILITY",
    "header": {"format": "text", "text": "Order {{1}}", "example": "4711"},
    "body": "Hello {{1}}, your order is ready since {{2}}. Come and see it.",
    "examples": ["Dana", "Monday"],
    "footer": "Blue Vase, Almaty",
    "buttons": [QUICK, URL, PHONE],
}
