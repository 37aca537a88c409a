"""The `salesgraph` command."""

from __future__ import annotations

import asyncio
import importlib.metadata
from typing import Annotated

import typer

from server.cli.common import connect, load_settings, with_redis
from server.cli.ingest import ingest, knowledge_commands
from server.cli.run import serve, work
from server.cli.talk import chat
from server.config.addresses import hidden
from server.config.settings import Settings
from server.observability import logs
from server.store.client import Redis

app = typer.Typer(add_completion=False, no_args_is_help=True)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(importlib.metadata.version("salesgraph"))
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and end."),
    ] = False,
) -> None:
    """A WhatsApp sales agent that a business runs itself."""


app.command()(serve)
app.command()(work)
app.command()(ingest)
app.command()(chat)


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
    found = doctor_of.Findings(doctor_of.find_problems(settings), doctor_of.notes(settings))
    redis, embedded = None, None
    if not (why := doctor_of.unwritable(settings.data_dir)) or settings.redis_url:
        redis, embedded = connect(settings)
    found.problems += [f"DATA_DIR: {why}"] * bool(why)
    logs.configure("CRITICAL")
    try:
        asyncio.run(doctor_of.ask_outside(settings, redis, found, outside=ask))
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
    from server.cli.compare import replay_commands
    from server.cli.imports import import_commands
    from server.cli.prices.commands import price_commands
    from server.cli.prompts import prompts_commands
    from server.cli.redis import redis_commands
    from server.cli.saved import simulate
    from server.cli.studio import studio_commands

    app.add_typer(bots_commands, name="bots")
    app.add_typer(import_commands, name="import")
    app.add_typer(knowledge_commands, name="knowledge")
    app.add_typer(price_commands, name="prices")
    app.add_typer(prompts_commands, name="prompts")
    app.add_typer(redis_commands, name="redis")
    app.add_typer(replay_commands, name="replay")
    app.add_typer(studio_commands, name="studio")
    app.command()(simulate)
    app()
