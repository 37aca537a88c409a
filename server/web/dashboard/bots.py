"""Bots and how each is set."""

from __future__ import annotations

import json
from typing import Any, get_args

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

import tools as registry
from agent.context import Context
from agent.model_options import EFFORTS
from agent.profile import FieldType
from agent.prompts import names, prompt
from channels.json_parts import as_dict
from channels.registry import channels
from server.bots.bot import Bot
from server.config.working_hours import DAYS
from server.observability.costs import Spending
from server.operators.bot_status import status_of
from server.operators.number_health import health_of_bot
from server.web import webhook_check
from server.web.dashboard.layout import PageContext
from server.web.languages.viewer import N_
from server.web.languages.words import translated

# What a form asks for of a channel, in the order people have it at hand; the rest stays as it is by default.
ASKED = {
    "cloud_api": ("phone_number_id", "access_token", "app_secret", "verify_token", "business_account_id"),
    "wappi": ("profile_id", "token", "webhook_secret"),
    "waha": ("url", "api_key", "hmac_key"),
}
LABELS = {
    "cloud_api": N_("WhatsApp Cloud API"),
    "wappi": N_("Wappi"),
    "waha": N_("QR-linked session (WAHA)"),
    "simulator": N_("Simulator only"),
}


def add(routes: APIRouter, frame: PageContext) -> None:
    """Put the pages on the dashboard."""
    spending = Spending(frame.settings, frame.redis)

    @routes.get("/bots", response_class=HTMLResponse)
    async def bots(request: Request) -> Response:
        runtimes = sorted(frame.runtimes.values(), key=lambda runtime: runtime.bot.id)
        rows = [
            {
                "bot": runtime.bot,
                "channel": translated(LABELS).get(channel := _channel(runtime.bot), channel),
                "count": await runtime.conversations.count(),
                "today": await spending.of(runtime.bot.id),
            }
            for runtime in runtimes
        ]
        return await frame.page(
            request, "bots.html", {"rows": rows, "labels": translated(LABELS), "asked": _asked()}
        )

    @routes.get("/bots/{bot_id}", response_class=HTMLResponse)
    async def bot(request: Request, bot_id: str) -> Response:
        shown = _form(frame.lookup.runtime(bot_id).bot, await frame.registry.config(bot_id))
        return await frame.page(request, "bot.html", {**shown, "settled": frame.registry.is_settled(bot_id)})

    @routes.get("/bots/{bot_id}/link", response_class=HTMLResponse)
    async def link(request: Request, bot_id: str) -> Response:
        """How the number stands: fetched again while a code waits to be scanned."""
        runtime = frame.lookup.runtime(bot_id)
        status = await status_of(frame.settings, frame.registry, runtime)
        reached = (
            await webhook_check.ask_webhook(frame.settings, frame.http)
            if status.channel != "waha"
            else webhook_check.Reached()
        )
        health = await health_of_bot(runtime)
        shown = {"status": status, "bot": runtime.bot, "webhook": reached, "health": health}
        return frame.part(request, "link.html", shown)


def _channel(bot: Bot) -> str:
    """The name of the channel a bot is on."""
    return bot.channel_of(bot.account) if bot.account else "simulator"


def _form(bot: Bot, config: dict[str, Any]) -> dict[str, Any]:
    """What the page of a bot shows: its configuration as it was given, and what each part may be."""
    return {
        "bot": bot,
        "config": config,
        "raw": json.dumps(config, ensure_ascii=False, indent=2),
        "prompts": _prompts(bot.context),
        "tools": _tools(bot.context),
        "efforts": EFFORTS,
        "field_types": get_args(FieldType),
        "stored": len(config) > 1,
        **channel_form(bot, config),
    }


def channel_form(bot: Bot, config: dict[str, Any]) -> dict[str, Any]:
    """What a form for a bot's channel shows."""
    channel = as_dict(config.get("channel")).get("type") or _channel(bot)
    return {"days": DAYS, "labels": translated(LABELS), "asked": _asked(), "channel": channel}


def _prompts(context: Context) -> list[dict[str, Any]]:
    """Every prompt as the bot has it; `own`: it is not the usual one."""
    usual = Context()
    return [
        {
            "name": name,
            "about": prompt(name).about,
            "placeholders": [f"{{{hole}}}" for hole in prompt(name).placeholders],
            "text": getattr(context, f"{name}_prompt"),
            "own": getattr(context, f"{name}_prompt") != getattr(usual, f"{name}_prompt"),
        }
        for name in names()
    ]


def _tools(context: Context) -> list[dict[str, Any]]:
    """Every tool, and whether the bot may use it."""
    allowed = registry.allowed(context.tools)
    return [
        {"name": tool.name, "about": (tool.description or "").split("\n")[0], "on": tool in allowed}
        for tool in registry.found().values()
    ]


def _asked() -> dict[str, list[dict[str, Any]]]:
    """The fields of each channel's form."""
    found: dict[str, list[dict[str, Any]]] = {}
    for name, kind in channels().items():
        secret = kind.Credentials.secrets()
        fields = [field for field in ASKED.get(name, ()) if field in kind.Credentials.model_fields]
        found[name] = [
            {
                "name": field,
                "secret": field in secret,
                "about": kind.Credentials.model_fields[field].description or "",
            }
            for field in fields
        ]
    return found
