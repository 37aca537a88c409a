"""Replies in six languages, labelled by people who did not know the checker."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from agent.grounding.evidence import Evidence, Source

FOLDER = Path(__file__).parent


def evidence(row: dict[str, Any], shop: dict[str, Any]) -> Evidence:
    tools = [tool if isinstance(tool, str) else json.dumps(tool) for tool in shop.get("tool") or []]
    sources = [Source("facts", shop["business"]), *(Source("passage", text) for text in shop["passages"])]
    sources += [Source("tool", text) for text in tools]
    asked = ""
    for line in row.get("heard") or []:
        who, _, text = line.partition(":")
        sources.append(Source(who, text.strip(), of_contact=who == "customer"))
        asked = text if who == "customer" else asked
    return Evidence(sources, asked)
