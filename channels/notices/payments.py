"""Payments of bills, as the statuses of a webhook tell of them (payments-in/pg of Meta's payments pages: a
status whose `type` is `payment`)."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any

from channels.content.payments import OFFSET, PaymentReport
from channels.json_parts import as_dict, clean_text, required, seconds

# Characters of an id that are kept; none of Meta's has as many.
LONGEST = 200


def payment_report(raw: dict[str, Any], account: str) -> PaymentReport:
    """What a status of type `payment` says. Raises ValueError for one that cannot be read: who quarantines it
    shows it to a person."""
    payment = as_dict(raw.get("payment"))
    transaction = as_dict(payment.get("transaction"))
    return PaymentReport(
        id=required(raw, "id")[:LONGEST],
        account=account,
        contact=clean_text(raw.get("recipient_id"))[:LONGEST],
        reference_id=required(payment, "reference_id")[:LONGEST],
        status=required(raw, "status")[:LONGEST],
        amount=minor_amount(payment.get("amount")),
        currency=clean_text(payment.get("currency"))[:3].upper(),
        transaction=clean_text(transaction.get("id"))[:LONGEST],
        at=seconds(raw.get("timestamp")),
        transaction_status=clean_text(transaction.get("status"))[:LONGEST],
    )


def minor_amount(given: object) -> Decimal:
    """A sum that is written as a `value` with an `offset`: 1234 and 100 are 12.34. Raises ValueError."""
    found = as_dict(given)
    try:
        value, offset = Decimal(str(found.get("value"))), Decimal(str(found.get("offset", OFFSET)))
    except InvalidOperation:
        raise ValueError("an amount without a value") from None
    if not value.is_finite() or offset not in (1, 10, 100, 1000):
        raise ValueError("an amount whose offset is no power of ten")
    return (value / offset).normalize()
