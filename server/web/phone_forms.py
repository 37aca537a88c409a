"""Which screens the simulator's phone shows for a form of a bot. Meta has the Flow JSON that an owner has put
up, and we do not: a form is one of those that are shipped, or drawn from what the bot expects of its
answers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from agent.context import Context
from agent.profile import CustomField
from agent.sendable.shared import SharedForm
from channels.emulators.meta.flows import FindFlow
from channels.emulators.numbers import bot_of_number
from channels.flows import shipped_flow
from server.bots.registry import BotRegistry

JSON = dict[str, Any]
BOOKS, DETAILS = "book_a_call", "leave_your_details"
# Options that one group of buttons shows well; more of them make a list.
BUTTONS = 5
# Characters of a hint below a field.
HELP = 80
_INPUT = {"email": "email", "phone": "phone"}


def finder(registry: BotRegistry) -> FindFlow:
    """What finds the Flow JSON of a form of a simulated number's bot."""

    async def find(number: str, flow_id: str) -> JSON | None:
        await registry.ready()
        runtime = registry.get(bot_of_number(number))
        context = runtime.bot.context if runtime else None
        form = next((one for one in context.forms if one.flow_id == flow_id), None) if context else None
        return flow_shown(form, context) if form and context else None

    return find


def flow_shown(form: SharedForm, context: Context) -> JSON:
    """The Flow JSON that a form is shown with."""
    if form.books:
        return json.loads(shipped_flow(BOOKS))
    shipped: JSON = json.loads(shipped_flow(DETAILS))
    [screen] = shipped["screens"]
    asked = {child["name"] for child in screen["layout"]["children"] if "name" in child}
    wanted = {*form.fields, *form.required}
    if wanted <= asked and form.screen in ("", screen["id"]):
        return shipped
    return _drawn(form, list(dict.fromkeys([*form.fields, *form.required])), context)


def _drawn(form: SharedForm, answers: list[str], context: Context) -> JSON:
    custom = {one.name: one for one in context.custom_fields}
    fields = [_field(name, form.fields.get(name) or name, form, custom) for name in answers]
    done = {"name": "complete", "payload": {name: f"${{form.{name}}}" for name in answers}}
    children = [*fields, {"type": "Footer", "label": "Send", "on-click-action": done}]
    screen = {"id": form.screen or "FORM", "title": form.label, "terminal": True}
    layout = {"type": "SingleColumnLayout", "children": children}
    return {"version": "7.0", "screens": [{**screen, "layout": layout}]}


def _field(name: str, place: str, form: SharedForm, custom: Mapping[str, CustomField]) -> JSON:
    field: JSON = {
        "name": name,
        "label": name.replace("_", " ").capitalize()[:20],
        "required": name in form.required,
    }
    own = custom.get(place)
    if own and own.question and len(own.question) <= HELP:
        field["helper-text"] = own.question
    if own and own.type == "choice":
        field.pop("helper-text", None)
        options = [{"id": choice, "title": choice[:30]} for choice in own.choices[:200]]
        kind = "RadioButtonsGroup" if len(options) <= BUTTONS else "Dropdown"
        return {"type": kind, **field, "data-source": options}
    if own and own.type == "date":
        return {"type": "DatePicker", **field}
    kind = own.type if own else _INPUT.get(place, "text")
    return {"type": "TextInput", **field, "input-type": kind}
