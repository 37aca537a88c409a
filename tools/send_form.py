"""Sends a form (a WhatsApp Flow) for the customer to fill in."""

from __future__ import annotations

from typing import Any

from langchain_core.tools import tool

from tools.runtime import Runtime, Shown, services_of, showing


@tool
async def send_form(runtime: Runtime, name: str) -> Any:
    """Send a form for the customer to fill in, in place of asking for each detail. `name` is one of the forms
    that there are; call it with an empty name to see them. Your reply says what it is for."""
    forms = services_of(runtime).forms
    if name not in forms:
        known = "; ".join(f"{form}: {about}" if about else form for form, about in forms.items())
        return f"You may send: {known}" if known else "there are no forms"
    return showing(runtime, Shown(sort="form", form=name), f"The form {name} goes out with your reply.")
