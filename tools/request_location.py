"""Asks the customer where they are."""

from __future__ import annotations

from typing import Any

from langchain_core.tools import tool

from tools.runtime import Runtime, Shown, showing


@tool
async def request_location(runtime: Runtime) -> Any:
    """Put a button below your reply with which the customer sends their location, for a delivery or the
    nearest branch. Your reply asks for it."""
    return showing(runtime, Shown(sort="location_request"), "The button is shown below your reply.")
