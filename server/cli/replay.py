"""`salesgraph replay`: run, record, accept, export, compare and make saved conversations."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import httpx
import typer
from rich.markup import escape

from server.cli.common import console, load_settings
from server.config.settings import Settings
from server.observability import logs
from server.replay.batch.carriage import Carriage

if TYPE_CHECKING:
    from server.replay.runs import KeptConversation

replay_commands = typer.Typer(
    no_args_is_help=True, help="Saved conversations: run, record, compare, make new ones."
)

Pattern = Annotated[str, typer.Argument(help="a part of the names; all when it is left out")]
Folder = Annotated[Path, typer.Option(help="where they are")]
Yes = Annotated[bool, typer.Option("--yes", help="do not ask before it costs money")]
Requests = Annotated[
    Path | None,
    typer.Option("--requests", help="ask nobody: write the calls that wait for an answer to this file"),
]
Answers = Annotated[
    list[Path] | None,
    typer.Option("--answers", help="a file of answers in OpenAI's batch format; may be given several times"),
]
Batch = Annotated[
    bool,
    typer.Option("--batch", help="have the calls answered by the provider's batch API, at half the price"),
]
# The exit status of a command whose calls wait for answers.
WAITING = 3
HERE = Path("tests/conversations")


def chosen(pattern: str, folder: Path) -> list[KeptConversation]:
    """The conversations meant, or exit status 2."""
    from server.replay.runs import KeptConversation, read_kept
    from server.replay.saved import BadConversation, saved_in

    paths = saved_in(folder, pattern)
    if not paths:
        console.print(
            f"no saved conversation {escape(repr(pattern))} in {folder}" if pattern else f"none in {folder}"
        )
        raise SystemExit(2)
    found, bad = list[KeptConversation](), 0
    for path in paths:
        try:
            found.append(read_kept(path))
        except BadConversation as error:
            bad += 1
            wrong(error)
    if bad:
        raise SystemExit(2)
    return found


def wrong(error: object) -> None:
    console.print(f"[red]{escape(str(error))}[/]", highlight=False)


def with_models(
    job: Callable[[Settings, Any], Coroutine[Any, Any, int]], carriage: Carriage = Carriage()
) -> None:
    """Run with the live models of the settings, or with calls that are carried; exit with the number that
    comes back. A job whose calls are carried is run again each time answers have come."""
    from agent.models.chat import NoModelAnswered
    from server.pipeline.agents import models
    from server.replay.batch.exchange import BadAnswers
    from server.replay.batch.provider import BatchFailed
    from server.replay.saved import BadConversation

    logs.configure("CRITICAL")
    settings = load_settings()

    async def run() -> int:
        if carriage.is_used:
            return await _carried(job, settings, carriage)
        async with httpx.AsyncClient(timeout=settings.model_timeout) as http:
            return await job(settings, models(settings, http))

    try:
        raise SystemExit(asyncio.run(run()))
    except (BadConversation, NoModelAnswered, BadAnswers, BatchFailed) as error:
        wrong(error)
        raise SystemExit(2) from None
    except ExceptionGroup as group:
        if group.subgroup(BadConversation) is None:
            raise
        wrong(group.exceptions[0])
        raise SystemExit(2) from None


async def _carried(
    job: Callable[[Settings, Any], Coroutine[Any, Any, int]], settings: Settings, carriage: Carriage
) -> int:
    from server.replay.batch.exchange import or_waiting
    from server.replay.batch.rounds import carried

    def say(line: str) -> None:
        console.print(escape(line), highlight=False)

    codes: list[int | None] = []
    async with carried(carriage, settings, say) as calls:

        async def play() -> None:
            codes.append(await or_waiting(job(settings, calls.models)))

        done = await calls.until_done(play)
    return (codes[-1] or 0) if done else WAITING


@replay_commands.command("run")
def run(pattern: Pattern = "", folder: Folder = HERE) -> None:
    """Play them from their tapes. No key is needed, and nobody is asked."""
    from server.replay.runs import played

    found = chosen(pattern, folder)

    async def job(settings: Settings, live: Any) -> int:
        failed = 0
        for conversation in found:
            went, _ = await played(conversation, settings=settings)
            failed += not went.passed
            console.print(
                "[green]ok[/]  " if went.passed else "[red]fail[/]", escape(went.name), highlight=False
            )
            if not went.passed:
                console.print(escape(went.shown()), highlight=False)
            elif not conversation.tape and any(turn.calls for turn in went.turns):
                console.print(
                    f"     no tape: salesgraph replay accept {went.name} notes its prompts", highlight=False
                )
        console.print(f"{len(found) - failed} of {len(found)} as expected")
        return 1 if failed else 0

    with_models(job)


@replay_commands.command("accept")
def accept(
    pattern: Pattern = "", folder: Folder = HERE, requests: Requests = None, answers: Answers = None
) -> None:
    """Keep the answers, and note the prompts as they are now. With --requests or --answers, calls that have
    no answer yet get theirs that way."""
    from server.replay.runs import accepted

    found, carriage = chosen(pattern, folder), Carriage(requests, answers or ())

    async def job(settings: Settings, live: Any) -> int:
        failed = 0
        async for conversation, went, changed in accepted(
            found, settings, live if carriage.is_used else None
        ):
            if went.problems:
                failed += 1
                wrong(f"{conversation.name}: not accepted, its answers do not fit any more: record it again")
                console.print(escape("\n".join(went.problems)), highlight=False)
                continue
            what = f"{len(changed)} prompts noted" if changed else "unchanged"
            console.print(f"{escape(conversation.name)}: {what}", highlight=False)
            if not went.passed:
                failed += 1
                console.print(escape(went.shown()), highlight=False)
        return 1 if failed else 0

    with_models(job, carriage)


@replay_commands.command("record")
def record(  # noqa: PLR0913 - its arguments are the options of the command
    pattern: Pattern = "",
    folder: Folder = HERE,
    yes: Yes = False,
    fresh: Annotated[bool, typer.Option("--fresh", help="call tools and search documents anew too")] = False,
    requests: Requests = None,
    answers: Answers = None,
    batch: Batch = False,
) -> None:
    """Ask the chat model anew, after saying what it will cost, and put its answers on tape."""
    from server.replay.runs import cost_of, recorded

    found, carriage = chosen(pattern, folder), Carriage(requests, answers or (), batch)
    scripted = [c for c in found if c.saved.is_scripted]
    for conversation in scripted:
        console.print(
            f"{escape(conversation.name)}: left as it is, its answers stand in the file", highlight=False
        )
    wanted = [c for c in found if not c.saved.is_scripted]
    spent, failed = Spent(carriage, yes), set[str]()

    async def job(settings: Settings, live: Any) -> int:
        if why := judge_trouble(wanted, folder, live.default):
            wrong(why)
            return 2
        if wanted and not spent.agreed([cost_of(c, live.default, settings) for c in wanted], live.default):
            return 1
        async for conversation, went in recorded(list(wanted), live, settings, fresh):
            wanted.remove(conversation)
            failed.update([went.name] if not went.passed else [])
            turns = sum(turn.calls for turn in went.turns)
            console.print(f"{escape(conversation.name)}: {turns} calls, ${went.cost:.4f}", highlight=False)
            if not went.passed:
                console.print(escape(went.shown()), highlight=False)
        return 1 if failed else 0

    with_models(job, carriage)


MEASURED = "judges.json"


def judge_trouble(conversations: Sequence[KeptConversation], folder: Path, model: str) -> str:
    """Why a judge's word would not count where it is asked for; empty when it does, or nobody asks for it."""
    from server.replay.judge import distrust

    asked = any(
        turn.expect.reply and turn.expect.reply.judge for c in conversations for turn in c.saved.turns
    )
    why = distrust(folder / MEASURED, model) if asked else ""
    return f"the judge is not trusted: {why}" if why else ""


@dataclass
class Spent:
    """Whether the money of a command may be spent: asked once, however often its job is run. What files carry
    costs nothing here, and a batch half (OpenAI, "Batch API")."""

    carriage: Carriage
    yes: bool
    _agreed: bool = False

    def agreed(self, costs: Sequence[float | None], model: str) -> bool:
        """Whether it may be."""
        if self.carriage.is_used and not self.carriage.batch:
            return True
        half = [cost / 2 if cost and self.carriage.batch else cost for cost in costs]
        self._agreed = self._agreed or agreed(half, model, self.yes)
        return self._agreed


def agreed(costs: Sequence[float | None], model: str, yes: bool) -> bool:
    """Whether the money may be spent. Nothing is asked where nothing is paid."""
    known = sum(cost or 0 for cost in costs)
    unknown = " (its price is not known)" if any(cost is None for cost in costs) else ""
    console.print(f"{len(costs)} conversations, {model}: about ${known:.4f}{unknown}", highlight=False)
    if yes or (not known and not unknown):
        return True
    if not sys.stdin.isatty():
        console.print("nothing was asked; say --yes to spend it")
        return False
    return typer.confirm("Go on?")


NO_KEY = (
    "--recorded: no key is set, so what a model said on tape would be compared with the offline model, which "
    "is another one altogether; set OPENAI_API_KEY or GEMINI_API_KEY, or say --set model=offline"
)


@replay_commands.command("judge")
def judge(
    labels: Annotated[Path, typer.Argument(help="labelled replies")] = Path("tests/judge/labels.yaml"),
    folder: Folder = HERE,
    yes: Yes = False,
    requests: Requests = None,
    answers: Answers = None,
    batch: Batch = False,
) -> None:
    """Measure how the chat model agrees, as a judge, with labelled replies. Its word counts once it does."""
    from agent.models import usage
    from server.replay.judge import labels_in, measured, save_agreement
    from server.replay.runs import WRITTEN

    carriage = Carriage(requests, answers or (), batch)
    spent = Spent(carriage, yes)

    async def job(settings: Settings, live: Any) -> int:
        known, price = labels_in(labels), usage.price_of(live.default) or {}
        cost = len(known) * (300 * price.get("input", 0) + WRITTEN * price.get("output", 0)) / usage.PER
        if not spent.agreed([cost if price else None], live.default):
            return 1
        found = await measured(live, "auto", known)
        save_agreement(folder / MEASURED, found)
        console.print(
            f"{found.model} agrees with {found.agreed} of {found.labels} labels "
            f"({found.passed_bad} bad ones passed, {found.failed_good} good ones failed): "
            f"{'trusted' if found.trusted else 'not trusted'}",
            highlight=False,
        )
        return 0 if found.trusted else 1

    with_models(job, carriage)


@replay_commands.command("schema")
def schema() -> None:
    """JSON Schema of a saved conversation, for editors."""
    import json

    from server.replay.saved import conversation_schema

    print(json.dumps(conversation_schema(), indent=2, ensure_ascii=False))
