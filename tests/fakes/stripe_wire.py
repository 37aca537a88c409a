"""Stripe's wire as far as orders are paid by it: Checkout Sessions and signed events. It checks requests by
its own reading of the API reference, and knows nothing of our sender."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
import uuid
from typing import Any
from urllib.parse import parse_qsl

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response

KEY, SECRET = "sk_test_1", "whsec_test_1"
NEEDED = {
    "mode",
    "success_url",
    "client_reference_id",
    "line_items[0][quantity]",
    "line_items[0][price_data][currency]",
    "line_items[0][price_data][unit_amount]",
    "line_items[0][price_data][product_data][name]",
}


class FakeStripe:
    """One account. `failures`: HTTP statuses that the next requests are answered with."""

    def __init__(self) -> None:
        self.app = FastAPI()
        self.sessions: dict[str, dict[str, Any]] = {}
        self.keys: dict[str, tuple[dict[str, str], str]] = {}
        self.requests: list[dict[str, str]] = []
        self.failures: list[int] = []

        @self.app.post("/v1/checkout/sessions")
        async def create(request: Request) -> Response:
            fields = dict(parse_qsl((await request.body()).decode(), keep_blank_values=True))
            self.requests.append(fields)
            if self.failures:
                return _error(self.failures.pop(0), "api_error", "try again")
            return self._create(fields, dict(request.headers))

    def _create(self, fields: dict[str, str], headers: dict[str, str]) -> Response:
        if headers.get("authorization") != f"Bearer {KEY}":
            return _error(401, "invalid_request_error", "Invalid API Key provided")
        if headers.get("content-type") != "application/x-www-form-urlencoded":
            return _error(400, "invalid_request_error", "Stripe takes forms")
        if missing := NEEDED - fields.keys():
            return _error(400, "parameter_missing", f"Missing required param: {min(missing)}")
        amount, currency = fields["line_items[0][price_data][unit_amount]"], _currency(fields)
        if not amount.isdecimal() or int(amount) < 1:
            return _error(400, "parameter_invalid_integer", f"Invalid integer: {amount}")
        if currency != currency.lower() or len(currency) != 3:
            return _error(400, "invalid_request_error", f"Invalid currency: {currency}")
        if len(fields["client_reference_id"]) > 200 or not fields["success_url"].startswith("http"):
            return _error(400, "invalid_request_error", "Not a valid URL")
        key = headers.get("idempotency-key", "")
        if key in self.keys:
            known, id = self.keys[key]
            if known != fields:
                return _error(400, "idempotency_error", "Keys can only be used with the same parameters")
            return JSONResponse(self.sessions[id])
        id = f"cs_test_{uuid.uuid4().hex}"
        self.sessions[id] = {
            "id": id,
            "object": "checkout.session",
            "url": f"https://checkout.stripe.com/c/pay/{id}",
            "client_reference_id": fields["client_reference_id"],
            "amount_total": int(amount) * int(fields["line_items[0][quantity]"]),
            "currency": currency,
            "payment_status": "unpaid",
            "status": "open",
        }
        if key:
            self.keys[key] = (fields, id)
        return JSONResponse(self.sessions[id])

    def event(self, of: str, kind: str = "checkout.session.completed", **changes: Any) -> bytes:
        """What is told of a session; `changes` of it."""
        session = {**self.sessions[of], "payment_status": "paid", "status": "complete", **changes}
        told = {"id": f"evt_{uuid.uuid4().hex}", "object": "event", "type": kind, "data": {"object": session}}
        return json.dumps(told, indent=2).encode()


def _currency(fields: dict[str, str]) -> str:
    return fields["line_items[0][price_data][currency]"]


def _error(status: int, code: str, words: str) -> Response:
    return JSONResponse({"error": {"type": code, "code": code, "message": words}}, status)


def signed(body: bytes, *, secret: str = SECRET, at: float | None = None, before: str = "") -> dict[str, str]:
    """The header of an event, made `at` Unix seconds; `before`: other signatures that stand in it."""
    moment = int(time.time() if at is None else at)
    made = hmac.new(secret.encode(), f"{moment}.".encode() + body, hashlib.sha256).hexdigest()
    return {"Stripe-Signature": f"t={moment},{before}v1={made},v0={'0' * 64}"}
