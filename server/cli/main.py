"""The `salesgraph` command."""

from __future__ import annotations

import asyncio
import gc
import signal
import sys
import uuid
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from redis.exceptions import RedisError
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from server.cli.common import NO_REDIS, bot_of, connect, connect_to_work, console, load_settings, with_redis
from server.config.addresses import hidden
from server.config.settings import Settings
from server.observability import logs
from server.store.client import Redis

if TYPE_CHECKING:
    pass

app = typer.Typer(
    add_completion=False, no_args_is_help=True, help="A WhatsApp sales agent that a business runs itself."
)


@app.command()
def serve(
    role: Annotated[str, typer.Option(help="`all`, or `web` for the web server alone")] = "all",
) -> None:
    """Run everything: embedded Redis, web, worker, simulator."""
    settings = load_settings()
    from server.operators.login import exposed

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


@app.command()
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
    from server.http_client import http_client
    from server.observability.redis_fitness import Judge
    from server.pipeline.agents import forget_trouble, graphs
    from server.pipeline.poller import keep_polling
    from server.pipeline.turn_services import TurnServices
    from server.pipeline.worker import Worker
    from server.web.app import http_timeout
    from tools._mcp import connected

    async with (
        http_client(http_timeout(settings)) as provider,
        http_client(settings.model_timeout) as model,
        connected(settings.mcp_file),
    ):
        router = ChannelRouter(settings, provider, [])
        registry = BotRegistry(settings, redis, router)
        services = TurnServices.over(settings, redis, router, model)
        await forget_trouble(redis)
        judge = Judge(settings, redis)
        worker = Worker(registry, graphs(settings, redis, model), services, judge)
        _keep_what_is_loaded()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, worker.stop)
        polling = partial(keep_polling, registry, settings.wappi_poll_seconds)
        async with running(registry.keep_fresh, polling, judge.keep_looking):
            await worker.run()
    await redis.aclose()


@app.command()
def ingest(
    paths: Annotated[list[Path], typer.Argument(help="files or folders", show_default=False)],
    bot: Annotated[str, typer.Option(help="bot id")] = "default",
) -> None:
    """Read documents into a bot's knowledge base. Unchanged files cost nothing."""
    settings = load_settings()
    for path in paths:
        if not path.exists():
            console.print(f"PATH: {path} does not exist")
            raise SystemExit(2)
    redis, embedded = connect(settings)
    try:
        failures = asyncio.run(
            _read_in(settings, redis, bot, [found for path in paths for found in _files(path)])
        )
    except RedisError as error:
        console.print(f"[red]Redis does not answer[/] ({escape(str(error))}); nothing was read")
        raise SystemExit(NO_REDIS) from None
    finally:
        if embedded:
            embedded.stop()
    raise SystemExit(1 if failures else 0)


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    found = (p for p in path.rglob("*") if p.is_file())
    return sorted(p for p in found if not any(part.startswith(".") for part in p.relative_to(path).parts))


async def _read_in(settings: Settings, redis: Redis, bot_id: str, paths: list[Path]) -> int:
    """Ingest files with a progress bar and one line per file that cannot be read; returns how many could
    not."""
    from knowledge_base.load import Unreadable
    from server.pipeline.agents import library

    await bot_of(settings, redis, bot_id)
    shelf, failures = library(settings, redis), 0
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("passages"))
    with Progress(*columns, console=console) as progress:
        for path in paths:
            task = progress.add_task(path.name, total=None)
            try:
                stored = await shelf.add(
                    bot_id, path, lambda done, total, t=task: progress.update(t, completed=done, total=total)
                )
            except RedisError:
                raise
            except (
                Exception
            ) as error:  # whatever a file or an embedding provider provokes, the other files are read
                failures += 1
                progress.remove_task(task)
                reason = (
                    str(error)
                    if isinstance(error, Unreadable)
                    else f"{path.name}: {type(error).__name__} {error}"
                )
                progress.console.print(f"[red]not read[/] {escape(reason.splitlines()[0])}", highlight=False)
                continue
            progress.update(task, completed=len(stored.passages), total=len(stored.passages))
            for problem in stored.problems:
                progress.console.print(f"[yellow]in part[/] {escape(problem)}", highlight=False)
    await redis.aclose()
    if not paths:
        console.print("no documents found; use " + ", ".join((".pdf", ".md", ".txt", ".html", ".csv")))
    return failures


@app.command()
def chat(bot: Annotated[str, typer.Option(help="bot id")] = "demo") -> None:
    """Talk to a bot in the terminal, without WhatsApp. Nothing is kept."""
    settings = load_settings()
    redis, embedded = connect(settings)
    try:
        asyncio.run(_chat(settings, redis, bot))
    finally:
        if embedded:
            embedded.stop()


async def _chat(settings: Settings, redis: Redis, bot_id: str) -> None:
    from langchain_core.messages import HumanMessage
    from langgraph.checkpoint.memory import InMemorySaver

    from agent.documents import Bookshelf
    from agent.graph import build
    from channels.markup import to_whatsapp
    from server.pipeline.agents import library, models

    bot = await bot_of(settings, redis, bot_id)
    logs.configure("ERROR")
    graph: Any = build(models(settings), Bookshelf(library(settings, redis)), InMemorySaver())
    print(f"{bot.context.business} ({bot.context.model}). An empty line ends.")
    while line := await asyncio.to_thread(sys.stdin.readline):
        if not line.strip():
            break
        turn = {"messages": [HumanMessage(line.strip())], "bot_id": bot.id, "turn_id": uuid.uuid4().hex}
        answer = await graph.ainvoke(turn, {"configurable": {"thread_id": "terminal"}}, context=bot.context)
        print("\n".join(to_whatsapp(reply) for reply in answer.get("replies", [])) or "(silence)")
    await redis.aclose()


@app.command()
def doctor(
    ask: Annotated[bool, typer.Option(help="ask providers, models and the address outside")] = True,
) -> None:
    """List the settings, ask Redis, models and providers whether they work, and say what to fix."""
    from server.cli import doctor as doctor_of

    settings = load_settings()
    for name, field in Settings.model_fields.items():
        value = getattr(settings, name)
        shown = "set" if value is not None and "Secret" in str(field.annotation) else value
        print(f"{name.upper():34} {'' if shown is None else hidden(str(shown))}")
    found = doctor_of.Found(doctor_of.problems(settings), doctor_of.notes(settings))
    redis, embedded = None, None
    if not (why := doctor_of.unwritable(settings.data_dir)) or settings.redis_url:
        redis, embedded = connect(settings)
    found.problems += [f"DATA_DIR: {why}"] * bool(why)
    logs.configure("CRITICAL")
    try:
        asyncio.run(doctor_of.ask(settings, redis, found, outside=ask))
    finally:
        if embedded:
            embedded.stop()
    print(f"\nanswers: {settings.model_name}; Redis: {hidden(settings.redis_url or 'embedded')}")
    for note in found.notes:
        print(f"note: {hidden(note)}")
    for problem in found.problems:
        print(f"fix: {hidden(problem)}")
    print("" if found.problems else "nothing to fix")
    raise SystemExit(1 if found.problems else 0)


@app.command("login-link")
def login_link() -> None:
    """Print an address that logs one browser in, once, within a day."""
    settings = load_settings()

    async def job(redis: Redis) -> int:
        from server.operators.login import login_link as made

        print(await made(settings, redis))
        return 0

    raise SystemExit(with_redis(settings, job))


def main() -> None:
    """Entry point of the `salesgraph` command."""
    from server.cli.bots import bots_commands
    from server.cli.imports import import_commands
    from server.cli.prompts import prompts_commands
    from server.cli.redis import redis_commands
    from server.cli.replay import replay_commands
    from server.cli.saved import simulate
    from server.cli.studio import studio_commands

    app.add_typer(bots_commands, name="bots")
    app.add_typer(import_commands, name="import")
    app.add_typer(prompts_commands, name="prompts")
    app.add_typer(redis_commands, name="redis")
    app.add_typer(replay_commands, name="replay")
    app.add_typer(studio_commands, name="studio")
    app.command()(simulate)
    app()
