"""The operator API of what ads brought, and of purchases that were made elsewhere."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from fastapi import APIRouter, HTTPException
from fastapi.responses import Response
from pydantic import Field

from server.api.analytics import Day
from server.api.common import Body, Format, Here, OneBot, attached, file_answer
from server.operators import audit
from server.operators.audit import Audited
from server.operators.roles import AGENT, READER
from server.operators.tables.ads import AD_COLUMNS, AdReport, ad_report
from server.operators.tables.spreadsheet import csv_text
from server.store.counters import day_of, month_until
from server.store.records import Record


class PurchaseIn(Body):
    """A purchase of a contact that no order of Salesgraph is of, such as one in the shop; or of an order that
    was paid elsewhere, by the order's id."""

    id: str = Field(
        pattern=r"^[\w.-]{1,80}$",
        description="your id of it, or that of an order: the same one counts once, however it is told",
    )
    value: Decimal = Field(ge=0, le=10**12, decimal_places=4, description="what was paid")
    currency: str = Field(pattern=r"^[A-Z]{3}$", description="ISO 4217", examples=["KZT"])


class NotedPurchase(Record):
    """A purchase that was noted."""

    id: str = Field(description="Your id of it")
    status: Literal["noted", "known"] = Field(description="`known`: it was noted before, and counts once")


routes = APIRouter(prefix="/api", tags=["analytics"], route_class=Audited)


@routes.get(
    "/analytics/ads",
    summary="What each ad brought in a period",
    response_model=AdReport,
    responses=file_answer("text/csv"),
    dependencies=[READER],
)
async def get_ads(
    api: Here, bot_id: OneBot = None, first: Day = None, last: Day = None, format: Format = "json"
) -> AdReport | Response:
    """Without a period: the last 30 days. What somebody does counts for the last ad that they came from. As
    `csv` a row an ad."""
    try:
        until = last or day_of(api.settings.timezone)
        since = first or month_until(until)
        found = await ad_report(api.redis, api.lookup.some(bot_id), since, until)
    except (ValueError, OverflowError) as error:
        raise HTTPException(422, f"first, last: {error}") from None
    if format == "json":
        return found
    table = csv_text(AD_COLUMNS, (row.model_dump() for row in found.ads))
    return attached(table.encode(), "text/csv", f"ads-{since}-{until}.csv")


@routes.post(
    "/contacts/{contact_id}/purchases",
    summary="Note what a contact bought elsewhere, for webhooks, ads and the Conversions API",
    dependencies=[AGENT],
)
async def note_purchase(api: Here, contact_id: str, bought: PurchaseIn) -> NotedPurchase:
    runtime, contact = await api.lookup.contact(contact_id)
    audit.name_subject(runtime.bot.id, contact.id)
    new = await runtime.conversations.buy(contact.id, bought.id, f"{bought.value:f}", bought.currency)
    return NotedPurchase(id=bought.id, status="noted" if new else "known")
