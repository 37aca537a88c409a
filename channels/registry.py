"""Every channel by name: ours, and those of installed packages."""

from __future__ import annotations

from functools import cache
from importlib.metadata import entry_points

import structlog

from channels.base import Channel
from channels.cloud_api import CloudApi
from channels.waha import Waha
from channels.wappi import Wappi

ENTRY_POINTS = "salesgraph.channels"

log = structlog.get_logger()


@cache
def channels() -> dict[str, type[Channel]]:
    """Every channel by name: ours, and those of installed packages (entry point group
    `salesgraph.channels`)."""
    found: dict[str, type[Channel]] = {kind.name: kind for kind in (CloudApi, Wappi, Waha)}
    for entry in entry_points(group=ENTRY_POINTS):
        try:
            kind = entry.load()
            if kind.name in found:
                raise ValueError(f"the name {kind.name} is taken")
            found[kind.name] = kind
        except Exception as error:  # a broken package must not take the other channels with it
            log.error("channel_not_loaded", source=entry.value, error=repr(error)[:300])
    return found
