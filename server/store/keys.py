"""Names of everything in Redis. All keys of a bot share one hash tag, so Redis Cluster shards by bot."""

from __future__ import annotations

import hashlib

PREFIX = "sg"
WAKE = f"{PREFIX}:wake"
# Where the key that has changed is named, for those who watch (`server.operators.change_feed`).
EVENTS = f"{PREFIX}:events"
# In the place of a bot id: what belongs to the deployment. No bot can be called that.
SHARED = "*"


def key(bot_id: str, *parts: str) -> str:
    """A key of one bot: `sg:{bot}:part:part`."""
    return ":".join((PREFIX, f"{{{bot_id}}}", *parts))


def digest(text: str) -> str:
    """A short stand-in for an outside id, so that none can grow a key without bound or carry a phone
    number."""
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def thread_prefix(bot_id: str) -> str:
    """Where the working memory of a bot's conversations lives."""
    return key(bot_id, "thread")
