"""What every page of the dashboard stands in: who looks, what there is to do, how times and texts are
shown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime, time
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

import httpx
from fastapi import HTTPException, Request
from fastapi.responses import Response
from markupsafe import Markup, escape

from server.api.common import Lookup
from server.bots.accounts import DEFAULT
from server.bots.bot import BotRuntime
from server.bots.registry import BotRegistry
from server.clock import now_ms
from server.config.settings import Settings
from server.conversations.listing import ConversationList
from server.conversations.search.index import SearchIndex
from server.operators.contact_list.search import ContactSearch
from server.operators.login import Access
from server.operators.tokens import Visible, who
from server.store import alerts
from server.store.client import Redis
from server.store.keys import key
from server.store.records import Contact, Entry
from server.web.languages import formats
from server.web.languages.viewer import N_, _, know, viewer
from server.web.languages.words import field_words
from server.web.pages import Guarded

# WhatsApp's markup: a sign, something without signs that neither begins nor ends with a blank, the sign
# again. In time proportional to the text, whatever it is.
_MARKED = re.compile(r"(^|[\s(])([*_~])([^\s*_~](?:[^\n*_~]*[^\s*_~])?)\2(?=$|[\s.,:;!?)])", re.MULTILINE)
_TAGS = {"*": "b", "_": "i", "~": "s"}
TICKS = {
    "queued": "◷",
    "accepted": "✓",
    "sent": "✓",
    "delivered": "✓✓",
    "read": "✓✓",
    "failed": "!",
    "skipped": "–",
}
# What a message is, where its words do not say it.
KINDS = {
    **dict.fromkeys(("text", "button", "echo"), ""),
    **{
        "audio": N_("Voice message"),
        "image": N_("Photo"),
        "video": N_("Video"),
        "document": N_("Document"),
        "sticker": N_("Sticker"),
    },
    **{"location": N_("Place"), "contacts": N_("Contact"), "reaction": N_("Reaction"), "order": N_("Order")},
    "call": N_("Missed call"),
}


class PageContext:
    """One per web process."""

    def __init__(
        self,
        settings: Settings,
        redis: Redis,
        registry: BotRegistry,
        access: Access,
        templates: Guarded,
        http: httpx.AsyncClient,
    ) -> None:
        self.settings, self.redis, self.registry, self.http = settings, redis, registry, http
        self.runtimes = Visible(registry)
        self.lookup = Lookup(redis, self.runtimes)
        self.conversation_list = ConversationList(
            redis, SearchIndex(redis, settings.data_dir, settings.search_index_mb)
        )
        self.contact_search = ContactSearch(redis, self.conversation_list)
        self._access, self._templates = access, templates
        self._zone = ZoneInfo(settings.timezone)
        tools = {
            "moment": formats.moment_text,
            "ago": formats.ago,
            "marked": rendered_markup,
            "preview": preview,
            "initials": initials,
            "tick": tick,
        }
        kept: dict[str, Any] = {
            "day": formats.day,
            "clock": formats.clock,
            "name_of": name_of,
            "words": field_words,
            "as_choices": as_choices,
        }
        kept["zone_of"] = self._zone_of
        kept |= {"money": formats.money, "dollars": formats.dollars, "number": formats.number}
        # jinja2 gives the functions no type
        templates.env.filters.update(tools | kept)

    async def enter(self, request: Request) -> None:
        """Raises HTTPException 303 to the login for whoever is not logged in."""
        know(request)
        operator = await self._access.operator(request)
        if operator is None:
            target = request.url.path + (f"?{request.url.query}" if request.url.query else "")
            raise HTTPException(303, "log in", {"Location": f"/login?next={quote(target)}"})
        who.set(operator)
        await self.registry.ready()

    def owners_only(self) -> None:
        """Raises HTTPException 403 for others."""
        if who.get().role != "owner":
            raise HTTPException(403, "only an owner sees this")

    async def page(self, request: Request, template: str, found: Mapping[str, Any]) -> Response:
        """A whole page."""
        session = await self._access.session(request)
        operator = who.get()
        standing = await self._standing()
        common = {
            "me": operator,
            "can": {
                "write": operator.role != "read_only",
                "own": operator.role == "owner",
                "all": not operator.bots,
            },
            "csrf": session.csrf if session else "",
            "todo": sum(row["needs"] + row["dead"] for row in standing),
            "bots": sorted(runtime.bot.id for runtime in self.runtimes.values()),
            "now": now_ms(),
            "alerts": [
                row for row in await alerts.all_alerts(self.redis) if operator.sees(row.get("bot_id"))
            ],
            "paused": [row for row in standing if row["reason"]],
            "here": request.url.path,
        }
        return self._templates.TemplateResponse(request, template, {**common, **found})

    def part(self, request: Request, template: str, found: Mapping[str, Any]) -> Response:
        """A piece of a page that is fetched when it is opened."""
        return self._templates.TemplateResponse(request, template, {"now": now_ms(), **found})

    async def _standing(self) -> list[dict[str, Any]]:
        """Of each bot: how many conversations need a person, how many turns were given up on, why it sends
        nothing."""
        bots = [runtime.bot for runtime in self.runtimes.values()]
        async with self.redis.pipeline(transaction=False) as pipe:
            for bot in bots:
                pipe.scard(key(bot.id, "needs"))
                pipe.zcount(key(bot.id, "snoozed"), now_ms(), "+inf")
                pipe.hlen(key(bot.id, "dead"))
                pipe.hmget(key(bot.id, "paused", bot.account), ["reason", "at"])
            rows = await pipe.execute()
        return [
            {
                "bot": bot.id,
                "needs": max(0, needs - put_off),
                "dead": dead,
                "reason": (why or b"").decode(),
                "at": int(at or 0),
            }
            for bot, needs, put_off, dead, (why, at) in zip(
                bots, rows[::4], rows[1::4], rows[2::4], rows[3::4], strict=True
            )
        ]

    def _zone_of(self, at: int, bot_id: str = "") -> str:
        """Behind a time by the clock of a bot, or of the business: the zone, where it is not the viewer's."""
        runtime = self.runtimes.get(bot_id)
        return formats.whose_clock(at, runtime.bot.outreach.hours.zone if runtime else self._zone.key)

    def chosen(self, bot_id: str) -> dict[str, BotRuntime]:
        """The bots a page shows: one, or all for an empty id or one that is gone."""
        return self.lookup.some(bot_id if bot_id in self.runtimes else None)

    def one_bot(self, request: Request) -> str:
        """The bot that a page of one bot is asked for, else the default one, else any; empty: there is
        none."""
        known = [runtime.bot.id for runtime in self.runtimes.values()]
        wanted = request.query_params.get("bot", "") or DEFAULT
        return wanted if wanted in known else next(iter(known), "")

    def local(self, at: int) -> datetime:
        """A moment by the clock of the business."""
        return datetime.fromtimestamp(at / 1000, self._zone)


def midnight(day: date) -> int:
    """When a day of the viewer begins, Unix milliseconds."""
    return int(datetime.combine(day, time(), viewer().zone).timestamp() * 1000)


def rendered_markup(text: str) -> Markup:
    """A text with WhatsApp's markup shown; nothing in it is ever HTML."""
    return Markup(_MARKED.sub(lambda m: f"{m[1]}<{_TAGS[m[2]]}>{m[3]}</{_TAGS[m[2]]}>", str(escape(text))))  # noqa: S704 - escaped


def preview(entry: Entry | None) -> str:
    """A line of a transcript in the list."""
    if entry is None:
        return ""
    said = entry.heard or entry.text
    kind = _(KINDS[entry.kind]) if KINDS.get(entry.kind) else "" if entry.kind in KINDS else f"[{entry.kind}]"
    return f"{kind}: {said}"[:160] if kind and said else (kind or said)[:160]


def initials(name: str) -> str:
    """Two letters for a picture that is not there."""
    letters = [word[0] for word in name.split() if word[0].isalnum()]
    return "".join(letters[:2]).upper() or "?"


def tick(status: str) -> str:
    """The sign of what became of a message."""
    return TICKS.get(status, "")


def name_of(contact: Contact) -> str:
    """What to call a contact."""
    own = " ".join(contact.profile[part] for part in ("name", "last_name") if contact.profile.get(part))
    return own or contact.name or (f"+{contact.wa_id}" if contact.wa_id else _("Contact"))


def as_choices(names: Iterable[str]) -> list[tuple[str, str]]:
    """Values to choose from that are their own words."""
    return [(name, name) for name in names]
