"""What an operator must look at: raised once, shown until it is over."""

from __future__ import annotations

import json
from typing import Any

import structlog

from server.clock import now_ms
from server.store.client import Redis
from server.store.keys import PREFIX
from server.store.readable import fields_of, readable, unreadable_lately

# HASH name -> JSON with `at` (ms), `text` and `setting`.
KEY = f"{PREFIX}:alerts"

# Shown for a record of Redis that is left out.
_LEFT_OUT = (
    "Something in Redis is not as Salesgraph wrote it and is left out: {}. The log says which "
    "(record_unreadable); restore it from a backup, or delete it."
)

log = structlog.get_logger()


async def raise_alert(redis: Redis, name: str, text: str, setting: str, bot_id: str = "") -> bool:
    """Show an alert, of one bot or of the deployment; True for the first to say so, whose text stays until it
    changes."""
    row = json.dumps({"at": now_ms(), "text": text, "setting": setting, "bot_id": bot_id or None})
    first = bool(await redis.hsetnx(KEY, name, row))
    if first:
        log.error("alert", name=name, text=text, setting=setting)
    return first


async def clear(redis: Redis, name: str) -> None:
    """What it was about is over."""
    if await redis.hdel(KEY, name):
        log.info("alert_over", name=name)


async def all_alerts(redis: Redis) -> list[dict[str, Any]]:
    """Every alert, the oldest first, each with its `name`; among them what this process could not read of
    late."""
    raw: Any = await redis.hgetall(KEY)
    rows = [
        {"name": name.decode(), **row}
        for name, value in raw.items()
        for row in readable([value], _read, "an alert")
    ]
    rows += [
        {
            "name": f"unreadable: {what}",
            "at": at,
            "text": _LEFT_OUT.format(what),
            "setting": "",
            "bot_id": None,
        }
        for what, at in unreadable_lately().items()
    ]
    return sorted(rows, key=lambda row: row["at"])


def _read(row: bytes) -> dict[str, Any]:
    found = fields_of(row)
    words = {name: str(found[name]) for name in ("text", "setting")}
    return {**found, **words, "at": int(found["at"]), "bot_id": str(found.get("bot_id") or "") or None}
