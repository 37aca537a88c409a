"""What every command of `salesgraph` shares: settings or a line that says what is wrong with them, and a way
to Redis."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from redis.exceptions import RedisError
from rich.console import Console
from rich.markup import escape

from server.config.loading import settings_from_environment
from server.config.settings import Settings
from server.observability import logs
from server.observability.redis_fitness import Fitness, inspect_redis
from server.store.client import Redis, client
from server.store.embedded import EmbeddedRedis

if TYPE_CHECKING:
    from server.bots.bot import Bot
    from server.bots.registry import BotRegistry

# Exit status of a command that could not reach Redis (EX_UNAVAILABLE, sysexits.h).
NO_REDIS = 69
# A conversation waits for its model and its provider most of the time: so many share a connection to Redis.
CONVERSATIONS_A_CONNECTION = 16

console = Console(stderr=True, soft_wrap=True)


def load_settings() -> Settings:
    """The settings and the bots they name, or what is wrong with them on standard error and exit status 2."""
    from server.bots.bot import default_configs

    settings = settings_from_environment()
    try:
        default_configs(settings)
        if settings.mcp_file:
            from tools._mcp import servers  # it loads much that other commands do without

            servers(settings.mcp_file)
    except ValueError as error:  # BadBotFile or BadMcpFile
        console.print(f"[red]{escape(str(error))}[/]", highlight=False)
        raise SystemExit(2) from None
    return settings


def connect(settings: Settings) -> tuple[Redis, EmbeddedRedis | None]:
    """A client of REDIS_URL, or of the embedded server, started or attached to. Exit status 2 where neither
    is to be had."""
    url, embedded = reach(settings)
    return client(url, settings.redis_connections, settings.confirmation), embedded


def reach(settings: Settings) -> tuple[str, EmbeddedRedis | None]:
    """The address of REDIS_URL, or of the embedded server, started or attached to."""
    if settings.redis_url:
        return settings.redis_url, None
    try:
        embedded = EmbeddedRedis(settings.data_dir)
        return embedded.start(), embedded
    except (RuntimeError, OSError) as error:
        where = f"DATA_DIR: {settings.data_dir}: " if isinstance(error, OSError) else ""
        console.print(f"[red]{escape(f'{where}{error}')}[/]")
        raise SystemExit(2) from None


def connect_to_work(settings: Settings) -> tuple[Redis, EmbeddedRedis | None, Settings]:
    """The same for a process that takes messages or answers them: a server that loses what was acknowledged
    is refused (exit status 2), and no more is taken up at once than its connections can carry. One that does
    not answer yet is waited for."""
    url, embedded = reach(settings)
    connections = settings.redis_connections
    if embedded is None and (found := refuse_unfit(settings, url)) is not None:
        connections = found.connections(connections)
    at_once = min(settings.worker_concurrency, CONVERSATIONS_A_CONNECTION * connections)
    changed = {"redis_connections": connections, "worker_concurrency": at_once}
    return client(url, connections, settings.confirmation), embedded, settings.model_copy(update=changed)


def refuse_unfit(settings: Settings, url: str) -> Fitness | None:
    """What a Redis says of itself, None while it does not answer; exit status 2 for one that loses
    messages."""
    found = look_once(url)
    if found and found.refused and not settings.redis_may_lose:
        for why in found.refused:
            console.print(f"[red]REDIS_URL: {escape(why)}[/]")
        console.print("REDIS_MAY_LOSE=true works with it all the same.")
        raise SystemExit(2)
    return found


def look_once(url: str) -> Fitness | None:
    """What a Redis says of itself; None while it does not answer."""

    async def job() -> Fitness:
        redis = client(url, 2)
        try:
            return await inspect_redis(redis)
        finally:
            await redis.aclose()

    try:
        return asyncio.run(job())
    except (RedisError, OSError):
        return None


async def registry_of(settings: Settings, redis: Redis) -> BotRegistry:
    """The bots as they are now."""
    import httpx

    from server.bots.registry import BotRegistry
    from server.bots.routing import ChannelRouter

    registry = BotRegistry(settings, redis, ChannelRouter(settings, httpx.AsyncClient(), []))
    await registry.refresh()
    return registry


async def bot_or_exit(settings: Settings, redis: Redis, bot_id: str) -> Bot:
    """A bot by its id, or exit status 2."""
    registry = await registry_of(settings, redis)
    if bot_id not in registry:
        console.print(f"--bot: there is no bot {bot_id!r}; use {', '.join(registry)}")
        raise SystemExit(2)
    return registry[bot_id].bot


def with_redis(settings: Settings, job: Callable[[Redis], Awaitable[int]]) -> int:
    """What a short command makes of Redis; its log is errors alone. Without Redis, exit status 69."""
    logs.configure("ERROR")
    redis, embedded = connect(settings)

    async def run() -> int:
        try:
            return await job(redis)
        finally:
            await redis.aclose()

    try:
        return asyncio.run(run())
    except RedisError as error:
        console.print(f"[red]Redis does not answer[/] ({escape(str(error))}); nothing was stored")
        raise SystemExit(NO_REDIS) from None
    finally:
        if embedded:
            embedded.stop()
