"""What Meta says in statuses about the price of a message, as its pages describe it ("Pricing on the WhatsApp
Business Platform", "Pricing for non-template messages", November 2026)."""

from __future__ import annotations

import time
from typing import Any, Literal

from pydantic import BaseModel, Field

from channels.json_parts import as_dict

DAY = 86_400


class EmulatedTariff(BaseModel):
    """How the emulator charges. `model`: a charge for each message (PMP), for each conversation of 24 hours
    (CBP, until July 2025), or statuses without a word about it; `free_service`: service messages of a number
    and month that are free; `entry_points`: contacts who came from an ad within the last 72 hours."""

    model: Literal["PMP", "CBP", "none"] = "PMP"
    free_service: int = Field(default=1000, ge=0)
    entry_points: set[str] = set()


class EmulatedPricing:
    """The bill of one app, told message by message."""

    def __init__(self) -> None:
        self.tariff = EmulatedTariff()
        self._sent: dict[str, dict[str, Any]] = {}
        self._service: dict[tuple[str, str], int] = {}
        self._open: dict[tuple[str, str, str], int] = {}

    def told(self, message_id: str, status: str) -> dict[str, Any]:
        """What a status says beside how far the message got: `sent` and `delivered` do, later ones do not."""
        return self._sent.get(message_id, {}) if status in ("sent", "delivered") else {}

    def charge(
        self,
        message_id: str,
        number: str,
        contact: str,
        request: dict[str, Any],
        templates: list[dict[str, Any]],
    ) -> None:
        """Put a message that is taken on the bill."""
        if self.tariff.model == "none":
            return
        category = _category(request, templates)
        free_entry = contact in self.tariff.entry_points
        if self.tariff.model == "CBP":
            self._sent[message_id] = self._conversation(number, contact, category, free_entry)
            return
        kind = "free_entry_point" if free_entry else "regular"
        if kind == "regular" and category == "service":
            month = (number, time.strftime("%Y-%m"))
            self._service[month] = self._service.get(month, 0) + 1
            kind = "free_customer_service" if self._service[month] <= self.tariff.free_service else "regular"
        category = "referral_conversion" if free_entry else category
        priced = {"billable": kind == "regular", "pricing_model": "PMP", "type": kind, "category": category}
        self._sent[message_id] = {"pricing": priced}

    def _conversation(self, number: str, contact: str, category: str, free_entry: bool) -> dict[str, Any]:
        """One that is open, or a new one of 24 hours."""
        origin = "referral_conversion" if free_entry else category
        place, now = (number, contact, origin), int(time.time())
        if self._open.get(place, 0) <= now - DAY:
            self._open[place] = now
        began = self._open[place]
        about = {
            "id": f"{number}{contact}{origin}{began}",
            "expiration_timestamp": str(began + DAY),
            "origin": {"type": origin},
        }
        priced = {"billable": not free_entry, "pricing_model": "CBP", "category": origin}
        return {"conversation": about, "pricing": priced}


def _category(request: dict[str, Any], templates: list[dict[str, Any]]) -> str:
    """Of a template as the account has it; anything else is a service message."""
    if request.get("type") != "template":
        return "service"
    name = as_dict(request.get("template")).get("name")
    return next((str(one["category"]).lower() for one in templates if one.get("name") == name), "marketing")
