"""Bills that an emulated business has sent, what contacts paid of them, and what Meta then says
(payments-in/pg: "Get notified about payment status", "Confirm payment", "Supported order status and
transitions"; the errors 2040, 2046 and 2047 of payments-br/orders)."""

from __future__ import annotations

import secrets
import time
from typing import Any

from pydantic import BaseModel, Field

from channels.emulators.meta.bills import parameters_of
from channels.emulators.meta.templates import Refusal
from channels.json_parts import as_dict, as_dicts, clean_text

NOT_SUPPORTED, WRONG_STEP, NOT_CANCELLED = 2040, 2046, 2047
# Whose numbers a currency is for.
PREFIX = {"INR": "91", "BRL": "55"}
ENDED = ("canceled", "completed")


class PaymentTap(BaseModel):
    """The contact pays a bill, or tries to. `value` (hundredths) and `currency`: other ones than the bill's.
    `lookup`: what the lookup of the payment says, if something else."""

    contact: str
    reference_id: str
    status: str = "captured"
    transaction: str = "success"
    value: int | None = None
    currency: str = ""
    lookup: dict[str, Any] | None = Field(default=None)


class EmulatedPayments:
    """The bills of every number, by number and reference."""

    def __init__(self) -> None:
        self.bills: dict[tuple[str, str], dict[str, Any]] = {}
        self.looked_up = 0

    def fits(self, number: str, raw: dict[str, Any]) -> None:
        """Raises Refusal for a bill whose reference was used, or a state of a bill that is not there; the
        pages ask for both and name no error."""
        bill, status = parameters_of(raw, "order_details"), parameters_of(raw, "order_status")
        if bill and (number, bill["reference_id"]) in self.bills:
            raise Refusal(131009, "reference_id must be unique for each order_details message")
        if status and (number, status["reference_id"]) not in self.bills:
            raise Refusal(131009, "reference_id is of no order_details message")

    def take(self, number: str, contact: str, raw: dict[str, Any]) -> int:
        """What becomes of a message about a bill: 0, or the error that a status tells later."""
        if bill := parameters_of(raw, "order_details"):
            prefix = PREFIX[bill["currency"]]
            if not number.startswith(prefix) or not contact.startswith(prefix):
                return NOT_SUPPORTED
            known = {"contact": contact, "bill": bill, "state": "pending", "payment": "pending"}
            self.bills[number, bill["reference_id"]] = known
        if status := parameters_of(raw, "order_status"):
            return self._moved(self.bills[number, status["reference_id"]], status)
        return 0

    def _moved(self, known: dict[str, Any], status: dict[str, Any]) -> int:
        wanted, was = clean_text(as_dict(status.get("order")).get("status")), known["state"]
        paid = clean_text(as_dict(status.get("payment")).get("status"))
        if wanted and (was in ENDED or wanted == "pending"):
            return WRONG_STEP
        if wanted == "canceled" and known["payment"] == "captured":
            return NOT_CANCELLED
        known["state"], known["payment"] = wanted or was, paid or known["payment"]
        return 0

    def pay(self, number: str, tap: PaymentTap) -> dict[str, Any]:
        """The status that Meta tells of it. Raises ValueError for a bill that the contact does not have, or
        that cannot be paid any more."""
        known = self.bills.get((number, tap.reference_id))
        if known is None or known["contact"] != tap.contact or known["state"] == "canceled":
            raise ValueError("there is no such bill to pay")
        bill = known["bill"]
        amount = {"value": bill["total_amount"]["value"] if tap.value is None else tap.value, "offset": 100}
        payment = {"amount": amount, "currency": tap.currency or bill["currency"]}
        now = int(time.time())
        transaction = {
            "id": f"order_{secrets.token_hex(7)}",
            "pg_transaction_id": f"pay_{secrets.token_hex(7)}",
            "type": "razorpay",
            "status": tap.transaction,
            "created_timestamp": now,
            "updated_timestamp": now,
            "method": {"type": "upi"},
        }
        known["payment"] = tap.status
        about = {"reference_id": tap.reference_id, "status": tap.status, **payment}
        known["lookup"] = {**about, "transactions": [transaction], **(tap.lookup or {})}
        return {
            "id": f"wamid.{secrets.token_hex(16).upper()}",
            "recipient_id": tap.contact,
            "type": "payment",
            "status": tap.status,
            "payment": {"reference_id": tap.reference_id, **payment, "transaction": transaction},
            "timestamp": str(now),
        }

    def look_up(self, number: str, configuration: str, reference: str) -> dict[str, Any]:
        """The answer of GET /{number}/payments/{configuration}/{reference}. Raises Refusal."""
        self.looked_up += 1
        known = self.bills.get((number, reference))
        settings = as_dicts(known["bill"]["payment_settings"]) if known else []
        named = [as_dict(s.get("payment_gateway")).get("configuration_name") for s in settings]
        if known is None or configuration not in named:
            raise Refusal(100, "there is no such payment")
        bill = known["bill"]
        unpaid = {"status": "pending", "amount": bill["total_amount"], "currency": bill["currency"]}
        return {"payments": [known.get("lookup") or {"reference_id": reference, **unpaid}]}
