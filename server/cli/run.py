"""`salesgraph serve` and `salesgraph work`: the web process and the workers."""

from __future__ import annotations

import asyncio
import gc
import signal
from functools import partial
from typing import Annotated

import typer

from server.cli.common import connect_to_work, console, load_settings
from server.config.exposure import exposed
from server.config.settings import Settings
from server.observability import logs
from server.store.client import Redis


def serve(
    role: Annotated[str, typer.Option(help="`all`, or `web` for the web server alone")] = "all",
) -> None:
    """Run everything: embedded Redis, web, worker, simulator."""
    settings = load_settings()
    if why := exposed(settings):
        console.print(why, soft_wrap=True)
        raise SystemExit(2)
    if role == "all":
        from server.cli.supervisor import supervise

        raise SystemExit(supervise(settings))
    if role != "web":
        console.print("--role: use all or web; workers alone are started with: salesgraph work")
        raise SystemExit(2)
    _web(settings)


def _web(settings: Settings) -> None:
    import uvicorn

    from server.web.app import create
    from server.web.connections import Connection, most_connections
    from server.web.shutdown import Stopping

    logs.configure(settings.log_level)
    redis, embedded, settings = connect_to_work(settings)
    try:
        entrance = create(settings, redis)
        Connection.most = most_connections()
        config = uvicorn.Config(
            entrance,
            host=settings.host,
            port=settings.port,
            http=Connection,
            log_level="warning",
            access_log=False,
            timeout_graceful_shutdown=5,
        )
        _keep_what_is_loaded()
        Stopping(config, entrance.stopping).run()
    finally:
        if embedded:
            embedded.stop()


def work() -> None:
    """Run a worker alone. Start as many as there are cores, on any host that reaches REDIS_URL."""
    settings = load_settings()
    logs.configure(settings.log_level)
    redis, embedded, settings = connect_to_work(settings)
    try:
        with asyncio.Runner(loop_factory=_loop) as runner:
            runner.run(_work(settings, redis))
    finally:
        if embedded:
            embedded.stop()


def _keep_what_is_loaded() -> None:
    """No collection looks again at what stays for ever, nor after every few hundred objects: that took a
    third of a turn."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


def _loop() -> asyncio.AbstractEventLoop:
    """The loop that uvicorn gives the web process; it halves what waiting on sockets costs."""
    try:
        from uvloop import new_event_loop
    except ImportError:  # not on Windows
        return asyncio.new_event_loop()
    return new_event_loop()


async def _work(settings: Settings, redis: Redis) -> None:
    from server.background import running
    from server.bots.registry import BotRegistry
    from server.bots.routing import ChannelRouter
    from server.http_client import MODEL_IDLE, http_client
    from server.observability.alive import keep_touching
    from server.observability.redis_fitness import Judge
    from server.pipeline.agents import forget_trouble, graphs
    from server.pipeline.poller import keep_polling
    from server.pipeline.worker import Worker
    from server.pipeline.worker_services import WorkerServices
    from server.web.app import http_timeout
    from tools._mcp import connected

    async with (
        http_client(http_timeout(settings)) as provider,
        http_client(settings.model_timeout, MODEL_IDLE) as model,
        connected(settings.mcp_file),
    ):
        router = ChannelRouter(settings, provider, [])
        registry = BotRegistry(settings, redis, router)
        services = WorkerServices.over(settings, redis, router, model)
        await forget_trouble(redis)
        judge = Judge(settings, redis)
        worker = Worker(registry, graphs(settings, redis, model), services, judge)
        _keep_what_is_loaded()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, worker.stop)
        polling = partial(keep_polling, registry, settings.wappi_poll_seconds)
        alive = partial(keep_touching, settings.alive_file)
        async with running(registry.keep_fresh, polling, judge.keep_looking, alive):
            await worker.run()
    await redis.aclose()
