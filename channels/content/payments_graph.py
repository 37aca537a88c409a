"""A bill and its state as the `parameters` of Graph's interactive messages; the pages are those of
`channels.content.payments`."""

from __future__ import annotations

from typing import Any

from channels.content.payments import (
    OFFSET,
    Bill,
    BillStatus,
    ByBoleto,
    ByGateway,
    ByPaymentPage,
    ByPix,
    ByUpi,
)

JSON = dict[str, Any]


def bill_parameters(bill: Bill) -> JSON:
    """`parameters` of `review_and_pay`."""
    parameters: JSON = {"reference_id": bill.reference_id, "type": bill.goods}
    if bill.country == "BR":
        parameters["payment_type"] = "br"
    return {
        **parameters,
        "payment_settings": [_setting(bill.settlement)],
        "currency": bill.currency,
        "total_amount": _amount(bill.total),
        "order": _order(bill),
    }


def status_parameters(status: BillStatus) -> JSON:
    """`parameters` of `review_order`."""
    parameters: JSON = {"reference_id": status.reference_id}
    if status.status:
        described = {"description": status.description} if status.description else {}
        parameters["order"] = {"status": status.status, **described}
    return {**parameters, **({"payment": {"status": "captured"}} if status.paid else {})}


def _order(bill: Bill) -> JSON:
    order: JSON = {"status": "pending"}
    if bill.catalogue_id:
        order["catalog_id"] = bill.catalogue_id
    named = bill.country == "BR" or bool(bill.catalogue_id)
    origin: JSON = bill.origin.model_dump() if bill.origin else {}
    order["items"] = [
        {
            **({"retailer_id": item.retailer_id} if named else {}),
            "name": item.name,
            "amount": _amount(item.amount),
            "quantity": item.quantity,
            **origin,
        }
        for item in bill.items
    ]
    order |= {"subtotal": _amount(bill.subtotal), "tax": _amount(0)}
    return {**order, **({"shipping": _amount(bill.shipping)} if bill.shipping else {})}


def _setting(how: ByGateway | ByUpi | ByPaymentPage | ByPix | ByBoleto) -> JSON:
    if isinstance(how, ByGateway):
        part: JSON = {"type": how.gateway, "configuration_name": how.configuration}
        part |= {"enabled_payment_options": ["web"]} if how.web else {}
    else:
        part = how.model_dump(exclude={"way"})
    return {"type": how.way, how.way: part}


def _amount(value: int) -> JSON:
    return {"value": value, "offset": OFFSET}
