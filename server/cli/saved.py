"""`salesgraph replay export|new|learned` and `salesgraph simulate`: new saved conversations, from production,
from what was learned, or from talking."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from server.cli.common import bot_or_exit, console, load_settings, registry_of, with_redis
from server.cli.replay import (
    HERE,
    Answers,
    Batch,
    Folder,
    Requests,
    Spent,
    Yes,
    replay_commands,
    with_models,
    wrong,
)
from server.config.settings import Settings
from server.replay.batch.carriage import Carriage
from server.store.client import Redis

if TYPE_CHECKING:
    from server.replay.export import Transcript

LAST = "last"
# How many conversations of each bot are looked at for the simulator's last one.
RECENT = 50


@replay_commands.command("export")
def export(
    conversation: Annotated[str, typer.Argument(help="id of a conversation, or `last` for the newest one")],
    name: Annotated[str, typer.Argument(help="what to call it")],
    folder: Folder = HERE,
    bad: Annotated[
        str, typer.Option(help="words that its last reply must not have had: a failing test at once")
    ] = "",
    mask: Annotated[
        list[str] | None, typer.Option("--mask", metavar="NAME", help="a name of somebody who is spoken of")
    ] = None,
) -> None:
    """Save a conversation of production as a test, with people taken out of it. Look at what it prints, and
    at the file."""
    _save_as_test(folder, name, conversation, bad, mask or [])


def _save_as_test(
    folder: Path, name: str, conversation: str, bad: str, mask: Sequence[str], simulated: bool = False
) -> None:
    settings, path = load_settings(), _free(folder, name)

    async def job(redis: Redis) -> int:
        from server.pipeline.agents import library
        from server.replay.saved import BadConversation

        try:
            found = await _found(settings, redis, conversation, simulated)
            bot = await bot_or_exit(settings, redis, found.contact.bot_id)
            return await _export(path, found, bot, library(settings, redis), mask, bad)
        except BadConversation as error:
            wrong(error)
            return 2

    raise SystemExit(with_redis(settings, job))


async def _found(settings: Settings, redis: Redis, conversation: str, simulated: bool) -> Transcript:
    """What was said in a conversation; the last may have to be one of the simulator's. Raises
    BadConversation."""
    from channels.emulators.numbers import is_simulated
    from server.replay.export import Transcript
    from server.replay.saved import BadConversation

    runtimes = (await registry_of(settings, redis)).values()
    if conversation == LAST:
        newest = [
            (at, id, runtime) for runtime in runtimes for at, id in await runtime.conversations.page(RECENT)
        ]
        for _, id, runtime in sorted(newest, key=lambda row: -row[0]):
            contact = await runtime.conversations.contact(id)
            if contact and (not simulated or is_simulated(contact.account)):
                return Transcript(contact, await runtime.conversations.transcript(id))
        raise BadConversation(
            "nobody has written in the simulator yet" if simulated else "nobody has written yet"
        )
    for runtime in runtimes:
        if contact := await runtime.conversations.contact(conversation):
            return Transcript(contact, await runtime.conversations.transcript(conversation))
    raise BadConversation(f"there is no conversation {conversation}")


async def _export(
    path: Path, transcript: Transcript, bot: Any, shelf: Any, names: Sequence[str], bad: str
) -> int:
    from agent.documents import Bookshelf
    from server.replay.export import export_conversation, mask_of

    mask = mask_of(transcript, names)
    made = await export_conversation(path.stem, transcript, bot, Bookshelf(shelf), mask, bad)
    _save(path, made)
    for (kind, raw), stand_in in made.replaced.items():
        console.print(f"{kind}: {escape(raw)} -> {escape(stand_in)}", highlight=False)
    for line in made.differs:
        console.print(f"[yellow]differs[/] {escape(line)}", highlight=False)
    console.print(
        f"{path}: read it before you commit it; a name that nobody gave cannot be found", highlight=False
    )
    return 0


@replay_commands.command("learned")
def learned(
    bot: Annotated[str, typer.Option(help="bot id")] = "default",
    folder: Annotated[
        Path | None, typer.Option(help="where to; `learned/BOT` in DATA_DIR when not said")
    ] = None,
) -> None:
    """Write down the saved conversations of what the agent has learned from people, each with its tape and
    its document."""
    settings = load_settings()
    where = folder or settings.data_dir / "learned" / bot

    async def job(redis: Redis) -> int:
        from server.bots.knowledge import RedisStore
        from server.operators.learning.decisions import Decisions

        home = (await bot_or_exit(settings, redis, bot)).context.knowledge_base or bot
        documents = frozenset(await RedisStore(redis).versions(home))
        found = await Decisions(redis, bot).conversations(documents)
        for conversation in found:
            for name, text in conversation.files.items():
                path = where / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
        run = f"salesgraph replay run --folder {where}"
        said = f"{len(found)} in {where}: {run}" if found else "nothing was learned yet"
        console.print(escape(said), highlight=False, soft_wrap=True)
        return 0

    raise SystemExit(with_redis(settings, job))


def _free(folder: Path, name: str) -> Path:
    """The file of a new conversation, or exit status 2."""
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,63}", name):
        console.print("NAME: use small letters, digits, - and _")
        raise SystemExit(2)
    path = folder / f"{name}.yaml"
    if path.exists():
        console.print(f"NAME: there is {path} already")
        raise SystemExit(2)
    folder.mkdir(parents=True, exist_ok=True)
    return path


@replay_commands.command("new")
def new(
    name: Annotated[str, typer.Argument(help="what to call it")],
    folder: Folder = HERE,
    simulator: Annotated[
        bool, typer.Option("--simulator", help="take the newest conversation of the running server")
    ] = False,
    bot: Annotated[str, typer.Option(help="bot id, for its settings")] = "demo",
    turns: Annotated[int, typer.Option(min=1, max=100, help="at most so many")] = 30,
) -> None:
    """Talk to the agent in the terminal, or take what was just said in the simulator, and keep it as a
    test."""
    if simulator:
        _save_as_test(folder, name, LAST, "", [], simulated=True)
        return
    path, own = _free(folder, name), _settings_of(load_settings(), bot)

    async def job(settings: Settings, live: Any) -> int:
        from server.replay.simulated.talk import talked

        print("You are the customer. An empty line ends.")

        async def speaker(heard: Sequence[Any]) -> str | None:
            if heard:
                print(heard[-1].reply or "(silence)")
            line = (await asyncio.to_thread(sys.stdin.readline)).strip()
            return line or None

        head: dict[str, Any] = {"about": f"{name}: say here what it shows.", "tags": ["new"], "bot": own}
        return _keep(path, await talked(name, head, speaker, _playing(live, settings), turns))

    with_models(job)


def simulate(  # noqa: PLR0913 - its arguments are the options of the command
    persona: Annotated[str, typer.Option(help="who writes: one of ours, or a file")] = "curious",
    turns: Annotated[int, typer.Option(min=1, max=100, help="at most so many")] = 12,
    name: Annotated[
        str, typer.Option(help="what to call the conversation; simulated-PERSONA when not said")
    ] = "",
    folder: Folder = Path("conversations"),
    customer: Annotated[str, typer.Option(help="the model that plays the customer")] = "auto",
    bot: Annotated[str, typer.Option(help="bot id, for its settings")] = "demo",
    yes: Yes = False,
    requests: Requests = None,
    answers: Answers = None,
    batch: Batch = False,
) -> None:
    """Let a simulated customer talk to the agent, and keep the conversation as a test."""
    path = _free(folder, name or f"simulated-{Path(persona).stem}")
    own, carriage = _settings_of(load_settings(), bot), Carriage(requests, answers or (), batch)
    spent = Spent(carriage, yes)

    async def job(settings: Settings, live: Any) -> int:
        from agent.models import usage
        from server.replay.runs import CALLS, WRITTEN
        from server.replay.simulated.customers import persona as persona_of
        from server.replay.simulated.customers import simulated

        who, price = persona_of(persona), usage.price_of(live.default) or {}
        each = (2_500 * price.get("input", 0) + WRITTEN * price.get("output", 0)) / usage.PER
        free = live.default == "offline"
        cost = 0.0 if free else each * turns * (CALLS + 1) if price else None
        if not spent.agreed([cost], live.default):
            return 1
        return _keep(path, await simulated(path.stem, who, _playing(live, settings), own, turns, customer))

    with_models(job, carriage)


def _settings_of(settings: Settings, bot_id: str) -> dict[str, Any]:
    """What of a bot stands in a saved conversation's file. Exit status 2 when there is no such bot."""
    from server.replay.export import settings_in_file

    found: list[dict[str, Any]] = []

    async def job(redis: Redis) -> int:
        found.append(settings_in_file(await bot_or_exit(settings, redis, bot_id)))
        return 0

    with_redis(settings, job)
    return found[0]


def _playing(live: Any, settings: Settings) -> Any:
    from server.replay.play import Playing
    from server.replay.runs import documents

    return Playing(live, documents(None), "record", settings=settings)


def _save(path: Path, made: Any) -> None:
    from server.replay.saved import tape_of
    from server.replay.tape import write_tape

    path.write_text(made.file, encoding="utf-8")
    write_tape(tape_of(path), made.tape)


def _keep(path: Path, made: Any) -> int:
    _save(path, made)
    print(made.played.shown())
    cost = f", ${made.played.cost:.4f}" if made.played.cost else ""
    console.print(f"{path}: {len(made.played.turns)} turns{cost}", highlight=False)
    return 0
