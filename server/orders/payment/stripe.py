"""Stripe Checkout (docs.stripe.com: "Checkout Sessions" of the API reference, "Currencies", "Verify webhook
signatures manually", "Fulfill orders")."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Literal, cast

import httpx

from server.orders.payment.contract import NotCharged, NotGenuine, PaymentLink, PaymentNotice
from server.orders.records import PlacedOrder

# The version of the API that is asked for, whatever the account's own is.
VERSION = "2024-06-20"
# A webhook's signature is good for so many seconds ("Verify webhook signatures manually").
TOLERANCE = 300
SECONDS = 10
# "Currencies", zero-decimal and three-decimal ones: the last digit of the latter must be 0. ISK is written
# with two decimals that must be 0. Of UGX there are two accounts: the wrong one is a hundredfold charge.
ZERO = frozenset("BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF".split())
THREE = frozenset("BHD JOD KWD OMR TND".split())
WHOLE = frozenset({"ISK"})
UNCLEAR = frozenset({"UGX"})
_PARTS = re.compile(r"\s*(t|v1)\s*=\s*([0-9a-f]{1,64})\s*")
_EVENTS: dict[str, Literal["paid", "open", "failed"]] = {
    "checkout.session.completed": "paid",
    "checkout.session.async_payment_succeeded": "paid",
    "checkout.session.async_payment_failed": "failed",
    "checkout.session.expired": "failed",
}


class StripeCheckout:
    """One account of Stripe. `return_to` is where customers come back to after paying."""

    def __init__(
        self, http: httpx.AsyncClient, url: str, key: str, webhook_secret: str, return_to: str
    ) -> None:
        self._http, self._url, self._key = http, url, key
        self._webhook_secret, self._return_to = webhook_secret, return_to

    async def create(self, order: PlacedOrder) -> PaymentLink:
        """A page of Stripe for the order's total. Stripe makes one for the order, however often it is
        asked."""
        if not self._key:
            raise NotCharged("STRIPE_SECRET_KEY is not set", final=True)
        fields = {
            "mode": "payment",
            "success_url": self._return_to,
            "client_reference_id": order.id,
            "metadata[bot_id]": order.bot_id,
            "line_items[0][quantity]": "1",
            "line_items[0][price_data][currency]": order.currency.lower(),
            "line_items[0][price_data][unit_amount]": str(in_minor_units(order.total, order.currency)),
            "line_items[0][price_data][product_data][name]": f"{order.number}",
        }
        headers = {"Authorization": f"Bearer {self._key}", "Stripe-Version": VERSION}
        headers["Idempotency-Key"] = f"order-{order.id}"
        address = f"{self._url}/v1/checkout/sessions"
        try:
            answer = await self._http.post(address, data=fields, headers=headers, timeout=SECONDS)
        except httpx.HTTPError as error:
            raise NotCharged(f"Stripe does not answer: {error!r}"[:200], final=False) from None
        said = _object(answer.content)
        if answer.status_code != 200:
            error = _part(said, "error")
            why = f"Stripe: HTTP {answer.status_code} {error.get('message') or error.get('code') or ''}"
            final = 400 <= answer.status_code < 500 and answer.status_code not in (409, 429)
            raise NotCharged(why.strip()[:300], final)
        url, reference = str(said.get("url") or ""), str(said.get("id") or "")
        if not url.startswith(("https://", "http://")) or not reference:
            raise NotCharged("Stripe answered without a page to pay on", final=False)
        return PaymentLink(url, reference)

    def verify(self, body: bytes, headers: Mapping[str, str], now: float) -> PaymentNotice | None:
        """What Stripe says of a page of ours."""
        if not self._webhook_secret:
            raise NotGenuine("STRIPE_WEBHOOK_SECRET is not set")
        _check_signature(self._webhook_secret, headers.get("stripe-signature", ""), body, now)
        event = _object(body)
        state = _EVENTS.get(str(event.get("type")))
        session = _part(_part(event, "data"), "object")
        if state is None or session.get("object") != "checkout.session":
            return None
        if state == "paid" and session.get("payment_status") not in ("paid", "no_payment_required"):
            state = "open"  # a bank takes its time: async_payment_succeeded follows
        amount, currency = session.get("amount_total"), str(session.get("currency") or "").upper()
        return PaymentNotice(
            id=str(event.get("id") or ""),
            order_id=str(session.get("client_reference_id") or ""),
            reference=str(session.get("id") or ""),
            state=state,
            amount=from_minor_units(amount if isinstance(amount, int) else 0, currency),
            currency=currency,
        )


def in_minor_units(amount: Decimal, currency: str) -> int:
    """A sum as Stripe takes it. Raises NotCharged for one that cannot be charged."""
    if not re.fullmatch(r"[A-Z]{3}", currency) or currency in UNCLEAR:
        named = currency or "no currency"
        raise NotCharged(
            f"{named}: an order in it cannot be paid at Stripe; agree on another way", final=True
        )
    minor = amount.scaleb(_decimals(currency))
    step = 10 if currency in THREE else 100 if currency in WHOLE else 1
    if minor != minor.to_integral_value() or minor % step or minor <= 0:
        raise NotCharged(f"{amount:f} {currency} is no sum that Stripe can charge", final=True)
    return int(minor)


def from_minor_units(amount: int, currency: str) -> Decimal:
    """A sum as Stripe says it."""
    return Decimal(amount).scaleb(-_decimals(currency))


def _decimals(currency: str) -> int:
    return 0 if currency in ZERO else 3 if currency in THREE else 2


def _check_signature(secret: str, header: str, body: bytes, now: float) -> None:
    """Raises NotGenuine. Several `v1` stand in it while a secret is changed; any of them may be right."""
    parts = [match.groups() for part in header[:2_000].split(",") if (match := _PARTS.fullmatch(part))]
    times = [value for name, value in parts if name == "t" and value.isdecimal()]
    if len(times) != 1:
        raise NotGenuine("no signature of Stripe")
    made = hmac.new(secret.encode(), f"{times[0]}.".encode() + body, hashlib.sha256).hexdigest()
    if not any(hmac.compare_digest(made, value) for name, value in parts if name == "v1"):
        raise NotGenuine("a signature that is not Stripe's")
    if abs(now - int(times[0])) > TOLERANCE:
        raise NotGenuine("a signature that is too old: the clock of this machine, or somebody sends it again")


def _object(body: bytes) -> dict[str, Any]:
    try:
        found: object = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return cast(dict[str, Any], found) if isinstance(found, dict) else {}


def _part(of: Mapping[str, Any], name: str) -> dict[str, Any]:
    found = of.get(name)
    return cast(dict[str, Any], found) if isinstance(found, dict) else {}
