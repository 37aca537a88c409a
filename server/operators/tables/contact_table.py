"""All contacts as a table for spreadsheets, with the ads that brought them."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator, Collection, Mapping

from server.bots.bot import BotRuntime
from server.observability.costs import usage_of
from server.operators.contact_list.filters import ContactFilter
from server.operators.contact_list.search import ContactSearch
from server.operators.tables.spreadsheet import cell

CONTACT_COLUMNS = (
    *(
        "id",
        "bot_id",
        "phone",
        "name",
        "last_name",
        "company",
        "email",
        "language",
        "class",
        "stage",
        "owner",
    ),
    *("stopped", "created", "last_activity", "ad", "ad_source_id", "ad_ctwa_clid", "ad_source_url"),
    *("first_ad", "first_ad_source_id", "model_cost", "whatsapp_cost", "paid_messages"),
)


async def contact_table(
    search: ContactSearch,
    runtimes: Mapping[str, BotRuntime],
    wanted: ContactFilter,
    ids: Collection[str] = (),
) -> AsyncIterator[str]:
    """The contacts that are wanted as CSV, so many at a time, or only those of these ids; nothing a
    spreadsheet would take for a formula."""
    out, cursor = io.StringIO(), None
    table = csv.writer(out)
    table.writerow(CONTACT_COLUMNS)
    while True:
        found = await (
            search.of_ids(runtimes, ids) if ids else search.page(runtimes, wanted, limit=500, cursor=cursor)
        )
        for row in found.rows:
            contact = row.contact
            usage = usage_of(dict(contact))
            known = {
                "phone": f"+{contact.wa_id}" if contact.wa_id else "",
                **{"name": contact.name, "class": "unknown"},
                **contact.profile,
                **{
                    "id": contact.id,
                    "bot_id": contact.bot_id,
                    "owner": contact.assignee,
                    "stopped": contact.stopped,
                },
                **{
                    "created": contact.created,
                    "last_activity": row.at,
                    "ad": contact.referral.get("headline", ""),
                },
                **{
                    f"ad_{name}": contact.referral.get(name, "")
                    for name in ("source_id", "ctwa_clid", "source_url")
                },
                "first_ad": contact.first_referral.get("headline", ""),
                "first_ad_source_id": contact.first_referral.get("source_id", ""),
                **{**usage.model_dump(include={"whatsapp_cost", "paid_messages"}), "model_cost": usage.cost},
            }
            table.writerow([cell(name, known.get(name, "")) for name in CONTACT_COLUMNS])
        yield out.getvalue()
        out.seek(0)
        out.truncate()
        cursor = found.cursor
        if cursor is None:
            return
