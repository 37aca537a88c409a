"""What changes, as it changes: the lines of `GET /api/events`, server-sent events (HTML Standard, section
9.2) for pages and programs.

Every step that writes to a transcript, a status or a contact names its key on one Redis channel; each web
process listens once and passes it on. An event says what to look at again, never what is in it: nobody reads
more than the API shows them."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Generator

import structlog
from redis.exceptions import RedisError

from server.operators.tokens import Operator
from server.store.client import Redis
from server.store.keys import EVENTS, PREFIX

# A watcher who does not read is told to look at everything again.
WAITING = 500
# A connection that says nothing for so many seconds is cut by proxies.
HEARTBEAT = 15
RETRY = 1.0
_WHAT = {"transcript": "message", "status": "status", "contact": "contact"}

log = structlog.get_logger()

# (bot id, conversation id, what)
Event = tuple[str, str, str]


class Feed:
    """The changes of all bots, for the watchers of one process."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._watchers: set[asyncio.Queue[Event | None]] = set()
        self._watched, self._listening = asyncio.Event(), asyncio.Event()
        self._missed = False

    async def listen(self) -> None:
        """Pass on what changes, until cancelled; when Redis was gone, everybody looks at everything again.
        Where nobody watches nothing is listened to: every message that comes in would cost this process a
        second one."""
        while True:
            await self._watched.wait()
            try:
                async with self._redis.pubsub() as channel:
                    await channel.subscribe(EVENTS)
                    async for message in channel.listen():
                        if message["type"] == "subscribe":
                            self._listening.set()
                            if self._missed:
                                self._tell(None)
                            self._missed = False
                        elif message["type"] == "message" and (event := event_of(message["data"].decode())):
                            self._tell(event)
                        if not self._watchers:
                            self._listening.clear()  # whoever comes now waits until it is listened to again
                            break
            except (RedisError, OSError) as error:
                self._missed = True
                log.error("redis_unreachable", error=repr(error)[:200])
                await asyncio.sleep(RETRY)
            self._listening.clear()
            if not self._watchers:
                self._watched.clear()

    def _tell(self, event: Event | None) -> None:
        for queue in self._watchers:
            if queue.qsize() >= WAITING:
                while not queue.empty():
                    queue.get_nowait()
                event = None
            queue.put_nowait(event)

    @contextlib.contextmanager
    def watching(self) -> Generator[asyncio.Queue[Event | None]]:
        """A queue of changes; None stands for "look at everything again"."""
        queue: asyncio.Queue[Event | None] = asyncio.Queue()
        self._watchers.add(queue)
        self._watched.set()
        try:
            yield queue
        finally:
            self._watchers.discard(queue)

    async def stream(self, operator: Operator, stopping: asyncio.Event) -> AsyncIterator[str]:
        """The changes of the bots an operator sees, as lines of an event stream, until `stopping`."""
        silent = 0.0
        with self.watching() as queue:
            try:
                await asyncio.wait_for(self._listening.wait(), RETRY)
            except TimeoutError:
                self._missed = True
            yield "retry: 1000\n\n"  # who has read this misses nothing
            while not stopping.is_set():
                try:
                    event = await asyncio.wait_for(queue.get(), 1)
                except TimeoutError:
                    silent += 1
                    if silent >= HEARTBEAT:
                        silent = 0
                        yield ": still here\n\n"
                    continue
                silent = 0
                if event is None:
                    yield "event: everything\ndata: {}\n\n"
                elif operator.sees(event[0]):
                    data = {"bot_id": event[0], "conversation_id": event[1], "what": event[2]}
                    yield f"event: change\ndata: {json.dumps(data)}\n\n"


def event_of(name: str) -> Event | None:
    """What a key's name says: `sg:{bot}:transcript:conversation`."""
    prefix, _, rest = name.partition(":{")
    bot_id, _, rest = rest.partition("}:")
    part, _, conversation_id = rest.partition(":")
    known = prefix == PREFIX and part in _WHAT and conversation_id
    return (bot_id, conversation_id, _WHAT[part]) if known else None
