"""Alerts about numbers and their templates: what is wrong, what to do; over when it is over."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from server.observability.health.kept import record_of
from server.observability.health.record import NO_FIRST_WORD, NumberHealth
from server.store import alerts
from server.store.client import Redis
from server.store.message_templates import MessageTemplate, templates

# What mends it is done at Meta's; this is the part of a bot that it is about.
SETTING, TEMPLATES = "channel", "templates"
_QUALITY = "WhatsApp Manager, Account tools, Phone numbers"
_ACCOUNT = "Account quality in Meta's business settings"
# What a restriction means, by the provider's word for it (page "Policy enforcement").
_RESTRICTED = {
    NO_FIRST_WORD: "nobody may be written to first; replies to people who wrote go on",
    "RESTRICTED_CUSTOMER_INITIATED_MESSAGING": "people who write may not be answered",
    "RESTRICTED_ADD_PHONE_NUMBER_ACTION": "no number may be added to the account",
}
_STANDINGS = {
    "scheduled": "WhatsApp will disable the account: read the decision and appeal under " + _ACCOUNT,
    "disabled": "WhatsApp has disabled the account: appeal under "
    + _ACCOUNT
    + "; nobody is written to first until then",
    "gone": "the account has left this app: connect it again under WhatsApp, API setup, of the Meta app",
}
_SECURITY = {
    "PIN_CHANGED": "the PIN of two-step verification was changed or turned on",
    "PIN_RESET_REQUEST": "somebody asked to turn two-step verification off",
    "PIN_REQUEST_SUCCESS": "two-step verification was turned off",
}
_BAD_TEMPLATES = {
    "REJECTED": "change it in WhatsApp Manager, or appeal",
    "PAUSED": "people blocked or reported it: change its words or whom it goes to; it comes back by itself",
    "DISABLED": "people blocked or reported it too often, and it does not come back: write another",
    "FLAGGED": "people block or report it: change its words or whom it goes to before it is disabled",
    "LIMIT_EXCEEDED": "the account has as many templates as it may: delete some",
}


async def settle_alerts(redis: Redis, bot_id: str, besides: Iterable[tuple[str, str]] = ()) -> None:
    """Raise what is wrong with a bot's numbers and templates now, and clear what is over. `besides`: more
    alerts of this kind, by (name, text)."""
    health = record_of(redis)
    wanted = dict(besides)
    for account in await health.accounts(bot_id):
        wanted |= dict(_of_number(bot_id, await health.of(bot_id, account)))
    wanted |= dict(_of_templates(bot_id, (await templates(redis, bot_id)).values()))
    shown = {row["name"]: row["text"] for row in await alerts.all_alerts(redis) if _mine(row["name"], bot_id)}
    for name, text in shown.items():
        if wanted.get(name) != text:
            await alerts.clear(redis, name)
    for name, text in wanted.items():
        setting = TEMPLATES if name.startswith(f"health:{bot_id}:template:") else SETTING
        await alerts.raise_alert(redis, name, text, setting, bot_id)


def _mine(name: str, bot_id: str) -> bool:
    return name.startswith(f"health:{bot_id}:")


def alert_name(bot_id: str, account: str, what: str) -> str:
    """The name of an alert about a number."""
    return f"health:{bot_id}:{account}:{what}"


def _of_number(bot_id: str, health: NumberHealth) -> Iterator[tuple[str, str]]:
    """(name, text) of each alert about a number."""
    who = f"{bot_id}, {f'+{health.number}' if health.number else f'number {health.account}'}"

    def alert(what: str, text: str) -> tuple[str, str]:
        return alert_name(bot_id, health.account, what), f"{who}: {text}."

    if health.flagged:
        text = (
            "its quality is low, people block or report it, and its limit may be lowered; follow-ups go out "
            f"slower. Write to fewer people and only to those who asked; see {_QUALITY}"
        )
        yield alert("quality", text)
    if _lowered(health):
        text = (
            "WhatsApp lowered how many people it may write to first from "
            f"{in_people(health.limit_before)} to {in_people(health.limit)} a day; what is over waits. See "
            f"{_QUALITY}"
        )
        yield alert("limit", text)
    for one in health.restrictions:
        means = _RESTRICTED.get(one.kind, "WhatsApp has restricted it")
        until = f"until {_day(one.until)} " if one.until else ""
        yield alert(f"restriction:{one.kind}", f"{until}{means} ({one.kind}). See {_ACCOUNT}")
    if health.standing != "good":
        yield alert("account", f"{_STANDINGS[health.standing]} ({health.standing_event})")
    if health.violation:
        text = f"WhatsApp found a policy broken: {health.violation}. Mend that, or appeal, under {_ACCOUNT}"
        yield alert("violation", text)
    if health.name_decision == "REJECTED":
        why = f" ({health.name_reason})" if health.name_reason else ""
        text = f"the display name “{health.display_name}” was rejected{why}: choose another in {_QUALITY}"
        yield alert("display_name", text)
    if health.security:
        means = _SECURITY.get(health.security, "its security settings were changed")
        text = f"{means} ({health.security}). If that was none of yours, set a new PIN in {_QUALITY} at once"
        yield alert("security", text)
    for note in health.notes:
        if note.severity.upper() != "INFORMATIONAL":
            yield alert(f"note:{note.kind}", f"WhatsApp says: {note.detail or note.kind} ({note.kind})")


def _lowered(health: NumberHealth) -> bool:
    before, now = health.limit_before, health.limit
    return before is not None and now is not None and now != -1 and (before == -1 or before > now)


def in_people(limit: int | None) -> str:
    """A limit in words."""
    return "any number" if limit == -1 else "unknown" if limit is None else f"{limit:,}"


def _day(at: int) -> str:
    return f"{datetime.fromtimestamp(at / 1000, UTC):%-d %B %Y, %H:%M} UTC"


def _of_templates(bot_id: str, known: Iterable[MessageTemplate]) -> Iterator[tuple[str, str]]:
    for template in known:
        remedy = _BAD_TEMPLATES.get(template.status)
        if remedy:
            why = f" ({template.reason})" if template.reason else ""
            text = f"{bot_id}: template {template.id} is {template.status.lower()}{why}: {remedy}."
            yield f"health:{bot_id}:template:{template.id}", text
        elif template.quality == "RED" and template.status != "DELETED":
            text = f"{bot_id}: the quality of template {template.id} is low: {_BAD_TEMPLATES['FLAGGED']}."
            yield f"health:{bot_id}:template:{template.id}", text
