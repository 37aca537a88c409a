"""`salesgraph ingest`: files, folders and websites into a bot's knowledge base; `salesgraph knowledge`: a
catalogue of Meta's, and from one search engine to another."""

from __future__ import annotations

import asyncio
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from redis.exceptions import RedisError
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from server.cli.common import NO_REDIS, bot_or_exit, connect, console, load_settings, registry_of, with_redis
from server.config.settings import Settings
from server.store.client import Redis

if TYPE_CHECKING:
    from knowledge_base.library import Library
    from knowledge_base.reading import Sees
    from server.bots.bot import Bot

_ADDRESS = ("http://", "https://")


def ingest(
    sources: Annotated[
        list[str], typer.Argument(help="files, folders, or addresses of websites", show_default=False)
    ],
    bot: Annotated[str, typer.Option(help="bot id")] = "default",
    password: Annotated[str, typer.Option(help="of files that need one", envvar="INGEST_PASSWORD")] = "",
    pages: Annotated[int, typer.Option(help="how many pages of a website are read", min=1, max=1000)] = 100,
) -> None:
    """Read documents into a bot's knowledge base. Unchanged files cost nothing."""
    settings = load_settings()
    paths = [Path(source) for source in sources if not source.startswith(_ADDRESS)]
    for path in paths:
        if not path.exists():
            console.print(f"PATH: {path} does not exist")
            raise SystemExit(2)
    redis, embedded = connect(settings)
    try:
        with tempfile.TemporaryDirectory() as folder:
            found = [file for path in paths for file in _files(path)]
            websites = [source for source in sources if source.startswith(_ADDRESS)]
            wanted = Wanted(bot, found, websites, pages, password)
            failures = asyncio.run(_all(settings, redis, wanted, Path(folder)))
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


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is read into a bot's knowledge base: files, and so many `pages` of each website at most.
    `password` opens files that need one."""

    bot_id: str
    paths: list[Path]
    websites: list[str]
    pages: int
    password: str


async def _all(settings: Settings, redis: Redis, wanted: Wanted, folder: Path) -> int:
    """Fetch websites into the folder and read everything; returns how many sources could not be read."""
    from knowledge_base.document import Unreadable
    from server.operators.knowledge.websites import fetch_website

    bot = await bot_or_exit(settings, redis, wanted.bot_id)
    failures, paths = 0, wanted.paths
    for website in wanted.websites:
        try:
            saved, problems = await fetch_website(website, folder, wanted.pages)
        except Unreadable as error:
            failures += 1
            console.print(f"[red]not read[/] {escape(str(error))}", highlight=False)
            continue
        paths = paths + saved
        for problem in problems:
            console.print(f"[yellow]in part[/] {escape(problem)}", highlight=False)
    return failures + await _read_in(settings, redis, bot, paths, wanted.password)


async def _read_in(settings: Settings, redis: Redis, bot: Bot, paths: list[Path], password: str) -> int:
    """Ingest files with a progress bar and one line per file that cannot be read; returns how many could
    not."""
    from knowledge_base.load import FORMATS
    from server.operators.knowledge.pictures import PictureReader
    from server.pipeline.agents import library

    shelf, failures = library(settings, redis), 0
    how = _How(bot.id, password, PictureReader(settings, redis).of(bot))
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("passages"))
    with Progress(*columns, console=console) as progress:
        async with shelf.together(bot.id):
            for path in paths:
                failures += not await _read_one(shelf, path, how, progress)
    await redis.aclose()
    if not paths:
        console.print("no documents found; use " + ", ".join(FORMATS))
    return failures


@dataclass(frozen=True, slots=True)
class _How:
    """For which bot files are read, what opens them, and what reads their pictures."""

    bot_id: str
    password: str
    sees: Sees | None


async def _read_one(shelf: Library, path: Path, how: _How, progress: Progress) -> bool:
    """Ingest one file; False when it could not be read, which is said."""
    from knowledge_base.document import Unreadable

    task = progress.add_task(path.name, total=None)
    try:
        stored = await shelf.add(
            how.bot_id,
            path,
            lambda done, total: progress.update(task, completed=done, total=total),
            how.password,
            how.sees,
        )
    except RedisError:
        raise
    except Exception as error:  # whatever a file or an embedding provider provokes, the others are read
        progress.remove_task(task)
        known = isinstance(error, Unreadable)
        reason = str(error) if known else f"{path.name}: {type(error).__name__} {error}"
        progress.console.print(f"[red]not read[/] {escape(reason.splitlines()[0])}", highlight=False)
        return False
    progress.update(task, completed=len(stored.passages), total=len(stored.passages))
    said = f"{path.name}: {len(stored.products)} products, {stored.words_kept} of {stored.words} words"
    progress.console.print(escape(said), highlight=False)
    for problem in stored.problems:
        progress.console.print(f"[yellow]in part[/] {escape(problem)}", highlight=False)
    return True


knowledge_commands = typer.Typer(
    no_args_is_help=True, help="Commerce catalogues, and search engines of knowledge bases."
)

_ENGINES = ("memory", "postgres", "own")


@knowledge_commands.callback()
def knowledge() -> None:
    """Commerce catalogues, and search engines of knowledge bases."""


@knowledge_commands.command()
def catalogue(bot: Annotated[str, typer.Option(help="bot id")] = "default") -> None:
    """Read a bot's Commerce catalogue (`catalogue_id`) from Meta now, into its knowledge base."""
    settings = load_settings()
    raise SystemExit(with_redis(settings, lambda redis: _catalogue(settings, redis, bot)))


async def _catalogue(settings: Settings, redis: Redis, bot_id: str) -> int:
    from server.operators.knowledge.commerce import CommerceCatalogues, NoCatalogue
    from server.pipeline.agents import library

    bot = await bot_or_exit(settings, redis, bot_id)
    registry = await registry_of(settings, redis)
    try:
        done = await CommerceCatalogues(settings, redis, registry.router, library(settings, redis)).read(bot)
    except NoCatalogue as error:
        console.print(escape(str(error)))
        return 2
    if done is None:
        console.print("it is being read just now")
        return 1
    console.print(f"{done.products} of {done.listed} products of the catalogue {done.catalogue_id}")
    if done.problem:
        console.print(f"[yellow]in part[/] {escape(done.problem)}", highlight=False)
    return 1 if done.problem else 0


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
    from knowledge_base.engines.moving import move_documents
    from server.bots.knowledge import RedisStore, searcher

    problems = 0
    bots = (
        [(await bot_or_exit(settings, redis, only)).id]
        if only
        else sorted(await registry_of(settings, redis))
    )
    try:
        target = searcher(settings)
        for bot_id in bots:
            moved = await move_documents(RedisStore(redis), bot_id, target)
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
