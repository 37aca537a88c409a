"""What runs here, for whoever runs it: versions, the queue, Redis, models, and settings that were given."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import HTMLResponse, Response
from pydantic_settings import DotEnvSettingsSource, EnvSettingsSource
from redis.exceptions import RedisError

from server.clock import now_ms
from server.observability.model_capabilities import known_capabilities
from server.observability.redis_fitness import Fitness, inspect_redis, oldest_due
from server.operators.tokens import who
from server.pipeline.agents import library
from server.web.dashboard.layout import PageContext


@dataclass(frozen=True)
class BotQueue:
    """`waiting`: conversations that are due or in a worker's hands; `oldest`: for how many ms the first has
    been."""

    bot_id: str
    model: str
    fallback: str
    waiting: int
    oldest: int


def add(routes: APIRouter, frame: PageContext) -> None:
    """Put the page on the dashboard."""
    shelf = library(frame.settings, frame.redis)

    @routes.get("/system", response_class=HTMLResponse)
    async def system(request: Request) -> Response:
        frame.owners_only()
        if who.get().bots:
            raise HTTPException(403, "only whoever runs the deployment sees this")
        settings, now = frame.settings, now_ms()
        runtimes = sorted(frame.runtimes.values(), key=lambda runtime: runtime.bot.id)
        queues = [
            BotQueue(
                runtime.bot.id,
                runtime.bot.context.model,
                runtime.bot.context.fallback_model,
                await runtime.mailbox.backlog(),
                int(1000 * await oldest_due(frame.redis, [runtime.bot.id], now)),
            )
            for runtime in runtimes
        ]
        confirmation = settings.confirmation
        # a process sets some by itself, such as how many connections its server takes
        sources = EnvSettingsSource(type(settings)), DotEnvSettingsSource(type(settings))
        named = {name for source in sources for name in source.env_vars}
        fitness = await _fitness(frame, confirmation.replicas if confirmation else 0)
        shown: dict[str, Any] = {
            "version": version("salesgraph"),
            "python": platform.python_version(),
            "machine": f"{platform.system()} {platform.machine()}",
            "queues": queues,
            "fitness": fitness,
            "models": [(name, known.said) for name, known in (await known_capabilities(frame.redis)).items()],
            "embedder": shelf.embedder.name,
            "given": sorted(name.upper() for name in settings.model_fields_set & named),
            "data_dir": settings.data_dir.resolve(),
            "addresses": (("PUBLIC_URL", settings.public_url), ("INTERNAL_URL", settings.internal_url)),
        }
        return await frame.page(request, "system.html", shown)


async def _fitness(frame: PageContext, replicas: int) -> Fitness:
    try:
        return await inspect_redis(frame.redis, replicas)
    except RedisError as error:
        return Fitness(refused=(str(error),))
