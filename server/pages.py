"""Pages for people: the simulator, the dashboard, the login."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from fastapi.templating import Jinja2Templates
from redis.asyncio import Redis

from agent.models import OFFLINE
from server import alerts, oversight
from server.access import COOKIE, is_local, is_operator, is_token, session_value
from server.bots import DEMO, Desk
from server.calls import Calls, when
from server.clock import now_ms
from server.follow_ups import FollowUps
from server.lines import PATHS, SIMULATED
from server.settings import Settings
from server.spending import NANO

HERE = Path(__file__).parent
PAGE = 50
# A page runs and shows what this server gives it, and nothing else, whatever people write (Content Security Policy 3).
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data: blob:; "
    "media-src 'self' blob:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}


DECISIONS: dict[str, Callable[[Desk, str], Awaitable[None]]] = {
    "take-over": oversight.take_over,
    "hand-back": oversight.hand_back,
    "done": oversight.done,
    "client": partial(oversight.classify, kind="client"),
    "not-a-client": partial(oversight.classify, kind="non_client"),
}


class Guarded(Jinja2Templates):
    """Pages that go out with `HEADERS`."""

    def TemplateResponse(self, *args: Any, **kwargs: Any) -> Any:
        """A page."""
        return super().TemplateResponse(*args, **{**kwargs, "headers": {**HEADERS, **(kwargs.get("headers") or {})}})


def router(settings: Settings, redis: Redis, desks: Mapping[str, Desk]) -> APIRouter:
    """/, /simulator, /dashboard and /login."""
    routes = APIRouter(include_in_schema=False)
    templates = Guarded(HERE / "templates")
    follow_ups, calls = FollowUps(redis), Calls(redis)

    def login(request: Request) -> Response:
        return RedirectResponse(f"/login?next={quote(request.url.path)}", 303)

    @routes.get("/")
    async def home() -> Response:
        return RedirectResponse("/simulator")

    @routes.get("/simulator", response_class=HTMLResponse)
    async def simulator(request: Request) -> Response:
        if not (is_local(request) or is_operator(settings, request)):
            return login(request)
        models = {bot_id: desk.bot.context.model for bot_id, desk in desks.items()}
        bots = [
            {
                "id": desk.bot.id,
                "business": desk.bot.context.business,
                "model": models[desk.bot.id],
                "offline": models[desk.bot.id] == OFFLINE,
            }
            for desk in desks.values()
        ]
        bots.sort(key=lambda bot: bot["id"] != DEMO)
        wires = [{"name": name, "path": path, "prefix": SIMULATED[name]} for name, path in PATHS.items()]
        return templates.TemplateResponse(request, "simulator.html", {"bots": bots, "wires": wires})

    @routes.get("/dashboard", response_class=HTMLResponse)
    async def dashboard(request: Request) -> Response:
        if not is_operator(settings, request):
            return login(request)
        rows, paused = [], []
        for desk in desks.values():
            if why := await desk.mailbox.paused(desk.bot.account):
                paused.append({"bot": desk.bot.id, "reason": why["reason"]})
            for at, conversation_id in await desk.conversations.page(PAGE):
                contact = await desk.conversations.contact(conversation_id)
                last = await desk.conversations.transcript(conversation_id, 1)
                if contact and last:
                    rows.append({"contact": contact, "last": last[0], "at": at})
        rows.sort(key=lambda row: -row["at"])
        found = {"rows": rows[:PAGE], "paused": paused, "alerts": await alerts.all_alerts(redis)}
        return templates.TemplateResponse(request, "dashboard.html", found)

    @routes.get("/dashboard/outreach", response_class=HTMLResponse)
    async def outreach(request: Request) -> Response:
        """Touches that are still to come, those that were left out, and scheduled calls."""
        if not is_operator(settings, request):
            return login(request)
        coming, skipped, booked = [], [], []
        for desk in desks.values():
            for name, _ in (await follow_ups.timers.active(desk.bot.id))[:PAGE]:
                if row := await follow_ups.next_of(desk, name):
                    coming.append(row)
            hours = desk.bot.outreach.hours
            skipped += [
                {**row, "at_local": f"{hours.local(row['at']):%a %d %b %H:%M}"}
                for row in await follow_ups.skipped(desk, PAGE)
            ]
            booked += [
                {"call": call, "when": when(desk.bot, call.start)} for call in await calls.coming(desk.bot.id, now_ms())
            ]
        coming.sort(key=lambda row: row["due"])
        skipped.sort(key=lambda row: -row["at"])
        booked.sort(key=lambda row: row["call"].start)
        enabled = [desk.bot.id for desk in desks.values() if desk.bot.outreach.enabled]
        found = {"coming": coming[:PAGE], "skipped": skipped[:PAGE], "calls": booked[:PAGE], "enabled": enabled}
        return templates.TemplateResponse(request, "outreach.html", found)

    @routes.get("/dashboard/{bot_id}/{conversation_id}", response_class=HTMLResponse)
    async def conversation(request: Request, bot_id: str, conversation_id: str) -> Response:
        if not is_operator(settings, request):
            return login(request)
        desk = desks.get(bot_id)
        contact = await desk.conversations.contact(conversation_id) if desk else None
        if desk is None or contact is None:
            return HTMLResponse("<p>There is no such conversation. <a href='/dashboard'>Back</a></p>", 404)
        entries = await desk.conversations.transcript(conversation_id)
        found = {"contact": contact, "entries": entries, "cost": contact.nano / NANO}
        found["touch"] = await follow_ups.next_of(desk, conversation_id)
        booked = await calls.of(bot_id, conversation_id)
        found["calls"] = [when(desk.bot, call.start) for call in booked]
        return templates.TemplateResponse(request, "conversation.html", found)

    @routes.post("/dashboard/{bot_id}/{conversation_id}/{decision}")
    async def decide(request: Request, bot_id: str, conversation_id: str, decision: str) -> Response:
        """A button of the conversation's page; the cookie that opens it is sent by no other site."""
        if not is_operator(settings, request):
            return login(request)
        desk = desks.get(bot_id)
        if desk is None or decision not in DECISIONS or not await desk.conversations.contact(conversation_id):
            return HTMLResponse("<p>There is no such conversation. <a href='/dashboard'>Back</a></p>", 404)
        await DECISIONS[decision](desk, conversation_id)
        return RedirectResponse(f"/dashboard/{bot_id}/{conversation_id}", 303)

    @routes.get("/docs", response_class=HTMLResponse)
    async def docs(request: Request) -> Response:
        """The API from its own description, readable without a network."""
        description = request.app.openapi()
        operations = [
            {"method": method.upper(), "path": path, **operation}
            for path, methods in description["paths"].items()
            for method, operation in methods.items()
        ]
        schemas = description.get("components", {}).get("schemas", {})
        return templates.TemplateResponse(request, "docs.html", {"operations": operations, "schemas": schemas})

    @routes.get("/login", response_class=HTMLResponse)
    async def login_page(request: Request, next: str = "/dashboard") -> Response:
        return templates.TemplateResponse(request, "login.html", {"next": next, "wrong": False})

    @routes.post("/login", response_class=HTMLResponse)
    async def log_in(request: Request, token: str = Form(""), next: str = Form("/dashboard")) -> Response:
        if not is_token(settings, token.strip()):
            return templates.TemplateResponse(request, "login.html", {"next": next, "wrong": True}, status_code=401)
        target = next if next.startswith("/") and not next.startswith(("//", "/\\")) else "/dashboard"
        answer = RedirectResponse(target, 303)
        secure = request.url.scheme == "https"
        answer.set_cookie(
            COOKIE, session_value(settings), httponly=True, samesite="strict", secure=secure, max_age=30 * 86_400
        )
        return answer

    return routes
