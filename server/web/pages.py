"""Pages outside of the dashboard: the simulator, the API's description, the login."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import quote

import structlog
from fastapi import APIRouter, Depends, Form, HTTPException, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from fastapi.templating import Jinja2Templates

from agent.models.chat import OFFLINE
from channels.emulators.numbers import PATHS, SIMULATED
from server.api.common import Here
from server.bots.bot import DEMO
from server.config.addresses import is_loopback
from server.config.settings import Settings
from server.operators import audit
from server.operators.login import AGAIN_AFTER, COOKIE, LASTS, TooMany, client_address
from server.operators.tokens import MASTER
from server.web.languages.catalogues import languages
from server.web.languages.viewer import LANGUAGE, N_, _, install, know, meet, ngettext

# A page runs and shows what this server gives it, and nothing else, whatever people write (Content Security
# Policy 3).
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data: blob:;"
    " media-src 'self' blob:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}
USED = N_(
    "This link was opened before, or is a day old. `salesgraph login-link` on the server prints a new one."
)
WRONG = N_(
    "This is not a token of this server. It is the API_TOKEN setting, or stands in the file api_token of the "
    "data folder; an owner can make you one of your own."
)


class Guarded(Jinja2Templates):
    """Pages that go out with `HEADERS`, in the language of whoever asks for them."""

    def TemplateResponse(self, request: Request, *args: Any, **kwargs: Any) -> Any:
        """A page."""
        know(request)
        return super().TemplateResponse(
            request, *args, **{**kwargs, "headers": {**HEADERS, **(kwargs.get("headers") or {})}}
        )


TEMPLATES = Guarded(Path(__file__).parent / "templates")
install(TEMPLATES.env)
routes = APIRouter(include_in_schema=False, dependencies=[Depends(meet)])
# Seconds for which a browser keeps the language that was chosen: a year.
CHOSEN_LASTS = 31_536_000


@routes.get("/")
async def home() -> Response:
    """The simulator is where a newcomer begins."""
    return RedirectResponse("/simulator")


@routes.get("/simulator", response_class=HTMLResponse)
async def simulator(api: Here, request: Request) -> Response:
    """A phone to write to the bots with."""
    operator = await api.access.operator(request)
    if operator is None:
        return RedirectResponse(f"/login?next={quote(request.url.path)}", 303)
    if not api.settings.simulates:
        raise HTTPException(404, "the simulator is off: SIMULATOR=true puts it up")
    session = await api.access.session(request)
    bots = [
        {
            "id": runtime.bot.id,
            "business": runtime.bot.context.business,
            "model": runtime.bot.context.model,
            "offline": runtime.bot.context.model == OFFLINE,
        }
        for runtime in api.registry.values()
        if operator.sees(runtime.bot.id)
    ]
    bots.sort(key=lambda bot: bot["id"] != DEMO)
    wires = [{"name": name, "path": path, "prefix": SIMULATED[name]} for name, path in PATHS.items()]
    shown = {"bots": bots, "wires": wires, "csrf": session.csrf if session else ""}
    return TEMPLATES.TemplateResponse(request, "simulator.html", shown)


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
    return TEMPLATES.TemplateResponse(request, "docs.html", {"operations": operations, "schemas": schemas})


@routes.get("/login", response_class=HTMLResponse)
async def login_page(request: Request, next: str = "/dashboard", used: bool = False) -> Response:
    """The form for a token."""
    return _form(request, next, _(USED) if used else "")


@routes.post("/login", response_class=HTMLResponse)
async def log_in(
    api: Here, request: Request, token: str = Form(""), next: str = Form("/dashboard")
) -> Response:
    """A token becomes a session of this browser."""
    try:
        found = await api.access.log_in(token.strip(), client_address(request))
    except TooMany:
        structlog.get_logger().warning("login_held_off")
        wrong = ngettext(
            "Too many wrong tokens from your address: try again in %(num)s minute.",
            "Too many wrong tokens from your address: try again in %(num)s minutes.",
            AGAIN_AFTER // 60,
        )
        return _form(request, next, wrong, 429)
    if found is None:
        return _form(request, next, _(WRONG), 401)
    operator, cookie = found
    await audit.record_change(api.redis, operator, "login")
    return _logged_in(api.settings, request, cookie, next)


@routes.get("/login/{code}")
async def by_link(api: Here, code: str, request: Request, next: str = "/simulator") -> Response:
    """The link that `salesgraph serve` and `salesgraph login-link` print: good for one browser, once."""
    cookie = await api.access.open_link(code)
    if cookie is None:
        known = await api.access.operator(request) is not None  # it was opened in this very browser before
        return RedirectResponse(next if known and next == "/simulator" else "/login?used=1", 303)
    await audit.record_change(api.redis, MASTER, "login", detail="printed link")
    return _logged_in(api.settings, request, cookie, next if api.settings.simulates else "/dashboard")


@routes.post("/language")
async def choose_language(
    api: Here,
    request: Request,
    language: str = Form(""),
    next: str = Form("/dashboard"),
    csrf: str = Form(""),
) -> Response:
    """The pages speak another language from now on, in this browser."""
    if await api.access.session(request) is not None:
        await api.access.require_page(request, csrf)
    elif request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise HTTPException(403, "a language is chosen on a page of this server")
    if language not in languages():
        raise HTTPException(422, f"language: one of {', '.join(languages())}")
    answer = RedirectResponse(_own(next), 303)
    secure = _by_tls(api.settings, request)
    answer.set_cookie(LANGUAGE, language, httponly=True, samesite="lax", secure=secure, max_age=CHOSEN_LASTS)
    return answer


@routes.post("/logout")
async def log_out(api: Here, request: Request, csrf: str = Form("")) -> Response:
    """The session of this browser ends."""
    await api.access.require_page(request, csrf)
    await api.access.log_out(request)
    answer = RedirectResponse("/login", 303)
    answer.delete_cookie(COOKIE)
    return answer


def _form(request: Request, target: str, wrong: str = "", status: int = 200) -> Response:
    shown = {"next": target, "wrong": wrong}
    return TEMPLATES.TemplateResponse(request, "login.html", shown, status_code=status)


def _logged_in(settings: Settings, request: Request, cookie: str, target: str) -> Response:
    answer = RedirectResponse(_own(target), 303)
    secure = _by_tls(settings, request)
    answer.set_cookie(COOKIE, cookie, httponly=True, samesite="strict", secure=secure, max_age=LASTS)
    return answer


def _own(target: str) -> str:
    """A page of ours to go on to, whatever is asked for."""
    ours = target.startswith("/") and not target.startswith(("//", "/\\"))
    return target if ours else "/dashboard"


def _by_tls(settings: Settings, request: Request) -> bool:
    """Whether a cookie may be kept for TLS alone."""
    # over plain http on this machine the browser would not send it back
    by_tls = request.headers.get("origin", "").startswith("https://")
    plain = is_loopback(request.url.hostname or "") and not by_tls
    return request.url.scheme == "https" or (settings.outside_url.startswith("https://") and not plain)
