"""Meta's Conversions API as far as messages go: it checks events for itself, counts each once, and fails as
it is told to.

Rules are those of Meta's pages "Conversions API for Business Messaging", "Server event parameters" and
"Customer information parameters" (2026)."""

from __future__ import annotations

import re
import time
from collections import deque
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response

NAMES = {
    *("LeadSubmitted", "QualifiedLead", "Purchase", "AddToCart", "InitiateCheckout", "ViewContent"),
    *("OrderCreated", "OrderShipped", "OrderDelivered", "OrderCanceled", "OrderReturned", "CartAbandoned"),
}
EVENT = {
    "event_name",
    "event_time",
    "event_id",
    "action_source",
    "messaging_channel",
    "user_data",
    "custom_data",
}
PERSON = {"ctwa_clid", "whatsapp_business_account_id", "page_id", "ph", "em", "external_id"}
HASH = re.compile(r"[0-9a-f]{64}")
WEEK = 7 * 86_400


class ConversionsApi:
    """`counted` are the events as Meta counts them, by name and id; `received` all that came; `faults` what
    the next requests are answered with: a status, or `lost` for an answer that never comes back."""

    def __init__(self, token: str, dataset: str) -> None:
        self.token, self.dataset = token, dataset
        self.counted: dict[tuple[str, str], dict[str, Any]] = {}
        self.received: list[dict[str, Any]] = []
        self.faults: deque[int | str] = deque()
        self.app = FastAPI()

        @self.app.post("/{version}/{dataset}/events")
        async def events(version: str, dataset: str, request: Request) -> Response:
            fault = self.faults.popleft() if self.faults else None
            if isinstance(fault, int):
                return refused(fault, "told to", code=100 if fault == 400 else 2)
            if request.headers.get("authorization") != f"Bearer {self.token}":
                return refused(401, "Invalid OAuth access token", code=190)
            if not re.fullmatch(r"v\d+\.\d", version) or dataset != self.dataset:
                return refused(400, "Unsupported post request: there is no such object", code=100)
            body = await request.json()
            wrong = [why for event in body.get("data", [{}]) for why in faults_of(event)]
            if body.keys() - {"data", "partner_agent", "test_event_code"} or wrong:
                return refused(400, "; ".join(wrong) or "unknown parameter", code=100)
            for event in body["data"]:
                self.received.append(event)
                self.counted.setdefault((event["event_name"], event["event_id"]), event)
            if fault == "lost":
                return Response(status_code=502, content="<html>bad gateway</html>")
            return JSONResponse({"events_received": len(body["data"]), "messages": [], "fbtrace_id": "A"})


def refused(status: int, message: str, code: int) -> JSONResponse:
    error = {"message": message, "type": "OAuthException", "code": code, "fbtrace_id": "A"}
    return JSONResponse({"error": error}, status)


def faults_of(event: dict[str, Any]) -> list[str]:
    """What Meta would not take."""
    found = [f"unknown {name}" for name in event.keys() - EVENT]
    found += [f"missing {name}" for name in EVENT - {"custom_data"} - event.keys()]
    if found:
        return found
    if event["event_name"] not in NAMES:
        found.append("Messaging Event Invalid Event Type")
    at = event["event_time"]
    if not isinstance(at, int) or not time.time() - WEEK <= at <= time.time() + 60:
        found.append("event_time: Unix seconds of the last 7 days")
    if (event["action_source"], event["messaging_channel"]) != ("business_messaging", "whatsapp"):
        found.append("action_source, messaging_channel")
    return found + _person(event["user_data"]) + _bought(event)


def _person(person: dict[str, Any]) -> list[str]:
    found = [f"unknown user_data.{name}" for name in person.keys() - PERSON]
    if not isinstance(person.get("ctwa_clid"), str) or not person["ctwa_clid"]:
        found.append("missing user_data.ctwa_clid")
    for name in ("ph", "em"):
        given = person.get(name, [])
        if not isinstance(given, list) or not all(
            isinstance(one, str) and HASH.fullmatch(one) for one in given
        ):
            found.append(f"user_data.{name}: not hashed")
    return found


def _bought(event: dict[str, Any]) -> list[str]:
    custom = event.get("custom_data", {})
    if event["event_name"] != "Purchase":
        return []
    value = custom.get("value")
    good = isinstance(value, int | float) and not isinstance(value, bool) and value >= 0
    found = [] if good else ["custom_data.value"]
    return found + (
        [] if re.fullmatch(r"[A-Z]{3}", str(custom.get("currency"))) else ["custom_data.currency"]
    )
