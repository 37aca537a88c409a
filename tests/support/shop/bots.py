"""Bots that tests make on the running product: their names, and the keys of a Wappi profile."""

from __future__ import annotations

import uuid

TOKEN, HOOK = "wappi-token-of-a-shop", "path-secret"


def name() -> str:
    return f"b{uuid.uuid4().hex[:10]}"
