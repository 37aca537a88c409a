"""The operator API of what ads brought."""

from __future__ import annotations

import csv
import io
from datetime import date, timedelta

from fastapi import APIRouter, HTTPException
from fastapi.responses import PlainTextResponse, Response

from server.api.analytics import Day
from server.api.common import Format, Here, OneBot, file_answer
from server.operators.audit import Audited
from server.operators.figures.ads import AD_COLUMNS, AdReport, ad_report
from server.operators.figures.contact_table import cell
from server.operators.roles import READER
from server.store.counters import day_of

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
        since = first or (date.fromisoformat(until) - timedelta(days=29)).isoformat()
        found = await ad_report(api.redis, api.lookup.some(bot_id), since, until)
    except (ValueError, OverflowError) as error:
        raise HTTPException(422, f"first, last: {error}") from None
    if format == "json":
        return found
    out = io.StringIO()
    table = csv.DictWriter(out, AD_COLUMNS)
    table.writeheader()
    table.writerows(
        {name: cell(name, value) for name, value in row.model_dump().items()} for row in found.ads
    )
    named = {"Content-Disposition": f'attachment; filename="ads-{since}-{until}.csv"'}
    return PlainTextResponse(out.getvalue(), media_type="text/csv", headers=named)
