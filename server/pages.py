"""Pages outside of the dashboard: the simulator, the API's description, the login."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import structlog
from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from fastapi.templating import Jinja2Templates
from redis.asyncio import Redis

from agent.models import OFFLINE
from server import audit
from server.access import AGAIN_AFTER, COOKIE, LASTS, Access, TooMany, is_local
from server.bots import DEMO, Desk
from server.lines import PATHS, SIMULATED
from server.settings import Settings

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
WRONG = "This is not a token of this server. It is the API_TOKEN setting, or stands in the file api_token of the data folder; an owner can make you one of your own."


class Guarded(Jinja2Templates):
    """Pages that go out with `HEADERS`."""

    def TemplateResponse(self, *args: Any, **kwargs: Any) -> Any:
        """A page."""
        return super().TemplateResponse(*args, **{**kwargs, "headers": {**HEADERS, **(kwargs.get("headers") or {})}})


def router(
    settings: Settings, redis: Redis, desks: Mapping[str, Desk], access: Access, templates: Guarded
) -> APIRouter:
    """/, /simulator, /docs, /login and /logout."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/")
    async def home() -> Response:
        return RedirectResponse("/simulator")

    @routes.get("/simulator", response_class=HTMLResponse)
    async def simulator(request: Request) -> Response:
        operator = await access.operator(request)
        if operator is None and not is_local(request):
            return RedirectResponse(f"/login?next={quote(request.url.path)}", 303)
        bots = [
            {
                "id": desk.bot.id,
                "business": desk.bot.context.business,
                "model": desk.bot.context.model,
                "offline": desk.bot.context.model == OFFLINE,
            }
            for desk in desks.values()
            if operator is None or operator.sees(desk.bot.id)
        ]
        bots.sort(key=lambda bot: bot["id"] != DEMO)
        wires = [{"name": name, "path": path, "prefix": SIMULATED[name]} for name, path in PATHS.items()]
        return templates.TemplateResponse(request, "simulator.html", {"bots": bots, "wires": wires})

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

    def form(request: Request, target: str, wrong: str = "", status: int = 200) -> Response:
        return templates.TemplateResponse(request, "login.html", {"next": target, "wrong": wrong}, status_code=status)

    @routes.get("/login", response_class=HTMLResponse)
    async def login_page(request: Request, next: str = "/dashboard") -> Response:
        return form(request, next)

    @routes.post("/login", response_class=HTMLResponse)
    async def log_in(request: Request, token: str = Form(""), next: str = Form("/dashboard")) -> Response:
        try:
            found = await access.log_in(token.strip(), request.client.host if request.client else "")
        except TooMany:
            structlog.get_logger().warning("login_held_off")
            wrong = f"Too many wrong tokens from your address: try again in {AGAIN_AFTER // 60} minutes."
            return form(request, next, wrong, 429)
        if found is None:
            return form(request, next, WRONG, 401)
        operator, cookie = found
        await audit.note(redis, operator, "login")
        target = next if next.startswith("/") and not next.startswith(("//", "/\\")) else "/dashboard"
        answer = RedirectResponse(target, 303)
        secure = request.url.scheme == "https" or (settings.web_url or "").startswith("https://")
        local = is_local(request)  # over plain http on this machine, whatever the address outside is
        answer.set_cookie(COOKIE, cookie, httponly=True, samesite="strict", secure=secure and not local, max_age=LASTS)
        return answer

    @routes.post("/logout")
    async def log_out(request: Request, csrf: str = Form("")) -> Response:
        await access.require_page(request, csrf)
        await access.log_out(request)
        answer = RedirectResponse("/login", 303)
        answer.delete_cookie(COOKIE)
        return answer

    return routes
