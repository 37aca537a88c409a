"""Replies in six languages, labelled by people who did not know the checker."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from agent.grounding.evidence import Evidence, EvidenceText

FOLDER = Path(__file__).parent


def evidence(row: dict[str, Any], shop: dict[str, Any]) -> Evidence:
    tools = [tool if isinstance(tool, str) else json.dumps(tool) for tool in shop.get("tool") or []]
    sources = [
        EvidenceText("facts", shop["business"]),
        *(EvidenceText("passage", text) for text in shop["passages"]),
    ]
    sources += [EvidenceText("tool", text) for text in tools]
    asked = ""
    for line in row.get("heard") or []:
        who, _, text = line.partition(":")
        sources.append(EvidenceText(who, text.strip(), of_contact=who == "customer"))
        asked = text if who == "customer" else asked
    return Evidence(sources, asked)
