"""What a notice says of a number, aspect by aspect, and what all aspects together say: without any input or
output.

Each aspect is a JSON object of its own with the time (`at`, ms) since when it is so: notices that come late,
or twice, change nothing that is newer. `told` (ms) is when it was first heard, which decides between two of
one moment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from channels.content.account import AccountNotice, Restriction
from server.observability.health.record import AccountNote, NumberHealth, Standing

DAY = 86_400_000
# What happened once and has no end of its own is shown so long: quality counts the last 7 days too (page
# "Messaging limits", "Quality rating").
LATELY = 7 * DAY
_STANDINGS: dict[str, Standing] = {
    "ACCOUNT_DELETED": "gone",
    "ACCOUNT_OFFBOARDED": "gone",
    "PARTNER_REMOVED": "gone",
    "PARTNER_APP_UNINSTALLED": "gone",
    "ACCOUNT_RECONNECTED": "good",
    "ACCOUNT_REINSTATED": "good",
    "PARTNER_ADDED": "good",
    "PARTNER_APP_INSTALLED": "good",
}
_BANS: dict[str, Standing] = {"DISABLE": "disabled", "SCHEDULE_FOR_DISABLE": "scheduled", "REINSTATE": "good"}
_OVER = ("NONE", "RESOLVED", "INACTIVE", "CLOSED", "CLEARED")
# Types of alerts of which the newest says how the matter stands.
_FAMILIES = ("INCREASED_CAPABILITIES", "OBA")
_CAPABILITIES = "note:INCREASED_CAPABILITIES"

Aspects = dict[str, dict[str, Any]]


def aspects_of(notice: AccountNotice, before: NumberHealth) -> Aspects:
    """What a notice says, by aspect; `before`: how the number stood. A notice of a kind or an event that is
    new to us says nothing, and stands in the history alone."""
    found: Aspects = {}
    if notice.field == "phone_number_quality_update" and notice.event in ("FLAGGED", "UNFLAGGED"):
        found["quality"] = {"flagged": notice.event == "FLAGGED"}
    if notice.limit is not None:
        was = before.limit_before if before.limit == notice.limit else before.limit
        found["limit"] = {"limit": notice.limit, "tier": notice.tier, "was": was}
    if notice.field == "account_update":
        found |= _of_account(notice)
    if notice.field == "account_alerts" and notice.event:
        family = next((name for name in _FAMILIES if notice.event.startswith(name)), notice.event)
        found[f"note:{family}"] = {
            "kind": notice.event,
            "severity": notice.severity,
            "status": notice.status,
            "detail": notice.detail,
        }
    if notice.field == "phone_number_name_update":
        found["name"] = {"name": notice.topic, "decision": notice.event, "reason": notice.detail}
    if notice.field == "security":
        found["security"] = {"event": notice.event, "requester": notice.detail}
    return found


def _of_account(notice: AccountNotice) -> Aspects:
    found: Aspects = {}
    for one in notice.restrictions or ():
        found[f"restriction:{one.kind}"] = {"until": one.until}
    state = _STANDINGS.get(notice.event) or _BANS.get(notice.status)
    if state is None and notice.event == "DISABLED_UPDATE":
        state = "disabled"
    if state:
        found["standing"] = {"state": state, "event": notice.status or notice.event}
    if state == "good" or (notice.event == "ACCOUNT_RESTRICTION" and notice.restrictions == ()):
        found["lifted"] = {"event": notice.event}
    if notice.event == "ACCOUNT_VIOLATION":
        found["violation"] = {"violation": notice.detail or "not said"}
    return found


def health_from(account: str, aspects: Mapping[str, Mapping[str, Any]], now: int) -> NumberHealth:
    """How a number stands at `now` (ms), by all that was told of it."""

    def of(name: str) -> Mapping[str, Any]:
        return aspects.get(name, {})

    def since(name: str) -> int:
        return _number(of(name).get("at"))

    lifted, limit, quality, standing = (of(name) for name in ("lifted", "limit", "quality", "standing"))
    lately = {
        name: _order(of(name))[1] > now - LATELY and (name == "security" or _order(of(name)) > _order(lifted))
        for name in ("violation", "security")
    }
    state: str = str(standing.get("state", "good"))
    return NumberHealth(
        account=account,
        flagged=bool(quality["flagged"]) if "flagged" in quality else None,
        flagged_at=since("quality"),
        limit=None if limit.get("limit") is None else _number(limit["limit"]),
        tier=str(limit.get("tier", "")),
        limit_before=None if limit.get("was") is None else _number(limit["was"]),
        limit_at=since("limit"),
        restrictions=_restrictions(aspects, now),
        standing=state if state in ("scheduled", "disabled", "gone") else "good",
        standing_event=str(standing.get("event", "")),
        standing_at=since("standing"),
        violation=str(of("violation").get("violation", "")) if lately["violation"] else "",
        violation_at=since("violation") if lately["violation"] else 0,
        display_name=str(of("name").get("name", "")),
        name_decision=str(of("name").get("decision", "")),
        name_reason=str(of("name").get("reason", "")),
        security=str(of("security").get("event", "")) if lately["security"] else "",
        security_at=since("security") if lately["security"] else 0,
        notes=_notes(aspects),
    )


def _number(value: object) -> int:
    return int(value) if isinstance(value, int | float) else 0


def _order(row: Mapping[str, Any]) -> tuple[int, int]:
    """When an aspect was so, and when it was heard."""
    at = _number(row.get("at"))
    return at, _number(row.get("told")) or at


def _restrictions(aspects: Mapping[str, Mapping[str, Any]], now: int) -> tuple[Restriction, ...]:
    """Those that neither have ended nor were lifted since."""
    lifted = _order(aspects.get("lifted", {}))
    return tuple(
        Restriction(kind=name.partition(":")[2], until=until)
        for name, row in sorted(aspects.items())
        if name.startswith("restriction:") and _order(row) > lifted
        if (until := _number(row.get("until"))) == 0 or until > now
    )


def _notes(aspects: Mapping[str, Mapping[str, Any]]) -> tuple[AccountNote, ...]:
    """What still holds; that a limit was not raised is over when a limit was told after it."""
    raised = _order(aspects.get("limit", {}))
    rows = [
        row
        for name, row in sorted(aspects.items())
        if name.startswith("note:")
        and str(row.get("status", "")).upper() not in _OVER
        and (name != _CAPABILITIES or _order(row) > raised)
    ]
    return tuple(
        AccountNote(
            at=_number(row.get("at")),
            **{n: str(row.get(n, "")) for n in ("kind", "severity", "status", "detail")},
        )
        for row in rows
    )
