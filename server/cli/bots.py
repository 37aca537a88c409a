"""`salesgraph bots`: the bots of this deployment from a file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from channels.json_parts import as_dict
from server.cli.common import console, load_settings, registry_of, with_redis
from server.config.settings import Settings
from server.store.client import Redis

bots_commands = typer.Typer(no_args_is_help=True, help="Configure bots from a file.")


@bots_commands.command("apply")
def apply(
    file: Annotated[Path, typer.Argument(help="YAML or JSON: one bot, or a list of them")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="only say what would change")] = False,
) -> None:
    """Store every bot of a file; the same file again changes nothing. Live in a running deployment within a
    second."""
    from server.bots.registry import parsed_file

    settings = load_settings()
    try:
        given = parsed_file(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, ValueError) as error:
        console.print(f"FILE: {escape(str(error))}")
        raise SystemExit(2) from None
    refused = with_redis(settings, lambda redis: _apply(settings, redis, given, dry_run))
    raise SystemExit(1 if refused else 0)


async def _apply(settings: Settings, redis: Redis, given: list[object], dry: bool) -> int:
    from server.config.bot import BadConfig

    registry, refused = await registry_of(settings, redis), 0
    for raw in given:
        name = str(as_dict(raw).get("id", "?"))
        try:
            bot_id, outcome = await registry.put(raw, dry=dry)
            print(
                f"{bot_id}: {outcome}{' (not stored: --dry-run)' if dry and outcome != 'unchanged' else ''}"
            )
        except BadConfig as error:
            refused += 1
            for problem in error.problems:
                console.print(
                    f"[red]{escape(name)}: {escape(problem.field)}: {escape(problem.problem)}[/]",
                    highlight=False,
                )
    return refused


@bots_commands.command("list")
def list_bots() -> None:
    """Every bot with its channel."""
    settings = load_settings()

    async def show(redis: Redis) -> int:
        registry = await registry_of(settings, redis)
        for runtime in registry.values():
            channel = runtime.bot.channel_of(runtime.bot.account) if runtime.bot.account else "simulator"
            print(f"{runtime.bot.id:24} {channel:10} {runtime.bot.account:20} {runtime.bot.context.business}")
        return 0

    with_redis(settings, show)


@bots_commands.command("schema")
def schema() -> None:
    """JSON Schema of a file of bots, for editors (schemas/bots.schema.json of the project is the same)."""
    from server.config.bot import bots_schema

    print(json.dumps(bots_schema(), indent=2, sort_keys=True))
