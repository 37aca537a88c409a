"""What came of an ad, told to Meta's Conversions API: a lead, a qualified lead, a purchase.

Facts of the pages "Conversions API for Business Messaging" and "Customer information parameters" of Meta
(2026): `action_source` is `business_messaging`, the click is named by `ctwa_clid`, phone and e-mail go as
SHA-256 of their normal form, and who sends an event twice gives it the same `event_id`."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import aiohttp

from channels.cloud_api import CloudCredentials
from channels.emulators.numbers import is_simulated
from channels.json_parts import as_dict, clean_text
from server.bots.bot import BotRuntime
from server.config.settings import Settings
from server.observability.health.kept import record_of
from server.store.keys import digest
from server.store.records import Contact

DAY = 86_400_000
# An ad is not credited for what comes later than this after the click (ms), and nothing is told of it then.
CREDITED = 28 * DAY
# Seconds that Meta has for an answer.
SECONDS = 10
# What may heal by waiting, whatever the HTTP status ("Handling errors": unknown, service, rate limits), and
# what a new token heals.
_LATER, _TOKEN = {1, 2, 4, 17, 32, 341, 368, 613, 80004}, {10, 102, 190, 200, 463, 467}

Outcome = Literal["taken", "again", "refused"]


@dataclass(frozen=True, slots=True)
class HookAnswer:
    """What an endpoint said, or why there was no answer; `trouble`: an owner must look at it."""

    outcome: Outcome
    text: str
    trouble: bool = False


def conversion_of(row: Mapping[str, Any], contact: Contact, business_account: str) -> dict[str, Any] | None:
    """The event of the Conversions API that something which happened (`row` of `happened`) stands for; None
    for what is none, or of nobody whom an ad brought. One contact makes one lead and one qualified lead of a
    click, and one purchase of an order."""
    click, at = contact.referral.get("ctwa_clid", ""), int(row["at"])
    data: dict[str, Any] = as_dict(row.get("data"))
    found: tuple[str, str, dict[str, Any]] | None = None
    if not click or at - contact.came_at > CREDITED or is_simulated(contact.account):
        return None
    if row["event"] in ("lead_created", "ad_clicked"):
        found = "LeadSubmitted", click, {}
    if row["event"] in ("appointment_booked", "yes") or data.get("after") == "client":
        found = "QualifiedLead", click, {}
    # an order with a payment is a purchase once it is paid, one that people arrange once it is placed
    placed = row["event"] == "order_created" and not data.get("payment")
    if placed or row["event"] == "purchased":
        found = "Purchase", clean_text(data.get("id")), _bought(data)
    if found is None:
        return None
    name, of, custom = found
    event: dict[str, Any] = {
        "event_name": name,
        "event_time": at // 1000,
        "event_id": digest(f"{contact.bot_id} {contact.id} {name} {of}"),
        "action_source": "business_messaging",
        "messaging_channel": "whatsapp",
        "user_data": _person(contact, click, business_account),
    }
    return {"data": [event | ({"custom_data": custom} if custom else {})]}


def _bought(order: Mapping[str, Any]) -> dict[str, Any]:
    value = clean_text(order.get("total") if "total" in order else order.get("value"))
    amount = float(value) if re.fullmatch(r"\d{1,12}(\.\d{1,4})?", value) else None
    return {"currency": clean_text(order.get("currency")).upper(), "value": amount}


def _person(contact: Contact, click: str, business_account: str) -> dict[str, Any]:
    numbers = [contact.wa_id, re.sub(r"\D", "", contact.profile.get("phone", "")).lstrip("0")]
    phones = list(dict.fromkeys(hashed(n) for n in numbers if n.isascii() and n.isdigit()))
    mail = contact.profile.get("email", "").strip().lower()
    person: dict[str, Any] = {"ctwa_clid": click}
    person |= {"whatsapp_business_account_id": business_account} if business_account else {}
    person |= {"ph": phones} if phones else {}
    return person | ({"em": [hashed(mail)]} if mail else {})


def hashed(text: str) -> str:
    """SHA-256 in lower-case hexadecimal, as Meta wants what names a person."""
    return hashlib.sha256(text.encode()).hexdigest()


def endpoint_of(settings: Settings, dataset: str) -> str:
    """Where the events of a dataset go."""
    return f"{settings.conversions_url}/{settings.whatsapp_graph_version}/{dataset}/events"


def unfit(body: Mapping[str, Any]) -> str:
    """Why an event cannot be told as it is; empty: it can."""
    bought = as_dict(as_dict(body["data"][0]).get("custom_data"))
    known = re.fullmatch(r"[A-Z]{3}", str(bought.get("currency"))) and bought.get("value") is not None
    if bought and not known:
        return "a purchase needs a value and a currency of three letters: give the price list a currency"
    return ""


async def tell_meta(
    http: aiohttp.ClientSession, settings: Settings, url: str, body: Mapping[str, Any]
) -> HookAnswer:
    """Tell Meta an event once."""
    token = settings.conversions_token.get_secret_value() if settings.conversions_token else ""
    if why := unfit(body) or ("" if token else "CONVERSIONS_TOKEN is not set"):
        return HookAnswer("refused", why, trouble=True)
    try:
        timeout = aiohttp.ClientTimeout(total=SECONDS)
        headers = {"Authorization": f"Bearer {token}"}
        async with http.post(
            url, json=body, headers=headers, timeout=timeout, allow_redirects=False
        ) as answer:
            said = await answer.content.read(65_536)
            return _read(answer.status, said)
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        return HookAnswer("again", f"no answer: {type(error).__name__}")


def _read(status: int, body: bytes) -> HookAnswer:
    found = _object(body)
    error = as_dict(found.get("error"))
    if 200 <= status < 300 and not error:
        if found.get("events_received") == 0:
            return HookAnswer("refused", "200, but it received no event", trouble=True)
        return HookAnswer("taken", str(status))
    said = clean_text(error.get("error_user_msg") or error.get("message"))
    text = f"{status} {said}".strip()[:300]
    code = error.get("code")
    if code in _TOKEN or status in (401, 403):
        return HookAnswer("again", text, trouble=True)
    if status >= 500 or status in (408, 429) or code in _LATER or error.get("is_transient") is True:
        return HookAnswer("again", text)
    return HookAnswer("refused", text, trouble=True)


def _object(body: bytes) -> dict[str, Any]:
    try:
        return as_dict(json.loads(body))
    except (ValueError, RecursionError):
        return {}


async def business_account_of(runtime: BotRuntime, account: str) -> str:
    """The business account of a number: as its messages name it, else as it is set."""
    if known := (await record_of(runtime.redis).identity(runtime.bot.id, account)).business_account:
        return known
    own = next((one.credentials for one in runtime.bot.accounts if one.id == account), None)
    return own.business_account_id if isinstance(own, CloudCredentials) else ""
