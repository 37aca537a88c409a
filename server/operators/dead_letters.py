"""Turns that were given up on, as operators see them."""

from __future__ import annotations

import json
from typing import Any

from channels.json_parts import as_dict


def opened(letter: dict[str, Any]) -> dict[str, Any]:
    """A dead letter whose messages can be read: what was given up on."""
    messages = list[dict[str, Any]]()
    for raw in letter.get("batch", []):
        try:
            message = as_dict(json.loads(raw))
        except ValueError:
            message = dict[str, Any]()
        messages.append({name: message.get(name, "") for name in ("id", "kind", "text", "timestamp")})
    return {**{name: value for name, value in letter.items() if name != "batch"}, "messages": messages}
