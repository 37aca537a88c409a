"""`salesgraph knowledge`: the passages of all bots from one search engine to another."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.markup import escape

from server.cli.common import bot_of, console, load_settings, registry_of, with_redis
from server.config.settings import Settings
from server.store.client import Redis

knowledge_commands = typer.Typer(no_args_is_help=True, help="Search engines of knowledge bases.")

_ENGINES = ("memory", "postgres", "own")


@knowledge_commands.callback()
def knowledge() -> None:
    """Search engines of knowledge bases."""


@knowledge_commands.command()
def move(
    source: Annotated[str, typer.Argument(help="memory, postgres or own", metavar="FROM")],
    target: Annotated[str, typer.Argument(help="memory, postgres or own", metavar="TO")],
    engine: Annotated[
        str, typer.Option(help="address of the engine; without it KNOWLEDGE_ENGINE", show_default=False)
    ] = "",
    bot: Annotated[str, typer.Option(help="one bot; without it all", show_default=False)] = "",
) -> None:
    """Put the passages of the bots into another engine and look for some of each bot there. Documents stay in
    Redis, so nothing is lost; the engine is used once KNOWLEDGE_ENGINE names it."""
    for name, value in (("FROM", source), ("TO", target)):
        if value not in _ENGINES:
            console.print(f"{name}: write one of {', '.join(_ENGINES)}")
            raise SystemExit(2)
    if source == target:
        console.print("TO: write another engine than FROM")
        raise SystemExit(2)
    settings = load_settings()
    address = "memory" if target == "memory" else engine or settings.knowledge_engine
    if target == "postgres" and not address.startswith(("postgresql://", "postgres://")):
        console.print("--engine: write postgresql://USER:PASSWORD@HOST/DATABASE, or set KNOWLEDGE_ENGINE")
        raise SystemExit(2)
    if target == "own" and ":" not in address:
        console.print("--engine: write module:function, or set KNOWLEDGE_ENGINE")
        raise SystemExit(2)
    changed = settings.model_copy(update={"knowledge_engine": address})
    raise SystemExit(with_redis(changed, lambda redis: _move(changed, redis, bot)))


async def _move(settings: Settings, redis: Redis, only: str) -> int:
    from knowledge_base.engines.moving import move
    from server.bots.knowledge import RedisStore, searcher

    problems = 0
    bots = [(await bot_of(settings, redis, only)).id] if only else sorted(await registry_of(settings, redis))
    try:
        target = searcher(settings)
        for bot_id in bots:
            moved = await move(RedisStore(redis), bot_id, target)
            console.print(
                f"{escape(bot_id)}: {moved.documents} documents, {moved.passages} passages moved; "
                f"{moved.looked_for} looked for, {len(moved.problems)} problems",
                highlight=False,
            )
            for problem in moved.problems:
                console.print(f"[red]not right[/] {escape(problem)}", highlight=False)
            problems += len(moved.problems)
    except ValueError as error:
        console.print(escape(str(error)))
        return 1
    await target.close()
    if not problems:
        console.print("Set KNOWLEDGE_ENGINE to use it, and start every process anew.")
    return 1 if problems else 0
