"""Sends a file that the owner of the bot has put up for that."""

from __future__ import annotations

from typing import Any

from langchain_core.tools import tool

from tools.runtime import Runtime, Shown, services_of, showing


@tool
async def send_file(runtime: Runtime, name: str) -> Any:
    """Send a file of the shop with your reply, such as a picture, a catalogue or a film. `name` is one of the
    files that you may send; call it with an empty name to see them."""
    files = services_of(runtime).files
    if name not in files:
        known = "; ".join(f"{file}: {about}" if about else file for file, about in files.items())
        return f"You may send: {known}" if known else "there are no files to send"
    return showing(runtime, Shown(sort="file", file=name), f"{name} goes out with your reply.")
