"""The message templates of a bot: what Meta says of each, how a customer sees it, and a form to write one."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import HTMLResponse, Response

from channels.templates.draft import VARIABLE, with_examples
from channels.templates.rules import BODY, BUTTON, BUTTONS, LINE
from server.api.whatsapp.message_templates import CHANGEABLE
from server.operators.tokens import who
from server.store.message_templates import DRAFT, MessageTemplate, one_template, templates
from server.web.dashboard.layout import PageContext
from server.web.languages.viewer import N_

# Examples that the form asks for; a template has seldom more variables.
EXAMPLES = 8
HEADERS = ("text", "image", "video", "document")
# A button's type -> how the page says it.
TAPS = {
    "quick_reply": N_("quick reply"),
    "url": N_("opens an address"),
    "phone": N_("calls a number"),
    "copy_code": N_("copies a code"),
}
LIMITS = {"body": BODY, "line": LINE, "button": BUTTON, "buttons": BUTTONS, "examples": EXAMPLES}


def add(routes: APIRouter, frame: PageContext) -> None:
    """Put the page on the dashboard."""
    asked = {"headers": HEADERS, "taps": TAPS, "limits": LIMITS}

    @routes.get("/templates", response_class=HTMLResponse)
    async def list_of_templates(request: Request) -> Response:
        bot_id = frame.one_bot(request)
        known = await templates(frame.redis, bot_id) if bot_id else {}
        rows = [_shown(known[name]) for name in sorted(known)]
        return await frame.page(request, "message_templates.html", {**asked, "bot": bot_id, "rows": rows})

    @routes.get("/templates/{name}/{language}", response_class=HTMLResponse)
    async def form_of_template(request: Request, name: str, language: str) -> Response:
        """The form to change one, fetched when it is opened."""
        bot_id = frame.one_bot(request)
        found = await one_template(frame.redis, bot_id, f"{name}:{language}") if bot_id else None
        if found is None or who.get().role != "owner":
            raise HTTPException(404, "there is no template of this name and language")
        return frame.part(request, "message_template_form.html", {**asked, "bot": bot_id, "one": found})


def _shown(template: MessageTemplate) -> dict[str, Any]:
    """A template as a customer sees it, and what can be done with it."""
    above = template.header.text if template.header else ""
    if template.header and template.header.example:
        above = VARIABLE.sub(template.header.example.replace("\\", r"\\"), above)
    draft = template.status == DRAFT
    return {
        "one": template,
        "above": above,
        "preview": with_examples(template.draft),
        "draft": draft,
        "changeable": draft or (bool(template.provider_id) and template.status in CHANGEABLE),
    }
