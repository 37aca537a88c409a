"""A web server that tells its open streams when it is to end, so that it need not wait for them."""

from __future__ import annotations

import asyncio
from types import FrameType

import uvicorn


class Stopping(uvicorn.Server):
    """Sets `stopping` at the signal that ends it."""

    def __init__(self, config: uvicorn.Config, stopping: asyncio.Event) -> None:
        super().__init__(config)
        self._stopping = stopping

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """A signal came."""
        self._stopping.set()
        super().handle_exit(sig, frame)
