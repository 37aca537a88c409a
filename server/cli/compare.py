"""`salesgraph replay compare`: saved conversations played with two settings, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from server.cli.common import console
from server.cli.replay import (
    HERE,
    NO_KEY,
    Answers,
    Batch,
    Folder,
    Pattern,
    Requests,
    Spent,
    Yes,
    chosen,
    judge_trouble,
    replay_commands,
    with_models,
    wrong,
)
from server.config.settings import Settings
from server.replay.batch.carriage import Carriage

if TYPE_CHECKING:
    from server.replay.compare import Comparison, Runs, Side
    from server.replay.runs import KeptConversation


@replay_commands.command("compare")
def compare(  # noqa: PLR0913 - its arguments are the options of the command
    pattern: Pattern = "",
    folder: Folder = HERE,
    change: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="FIELD=VALUE", help="of the right side; @FILE reads a file"),
    ] = None,
    against: Annotated[
        list[str] | None, typer.Option("--against", metavar="FIELD=VALUE", help="of the left side")
    ] = None,
    taped: Annotated[
        bool, typer.Option("--recorded", help="the left side as it is on tape, without asking")
    ] = False,
    forced: Annotated[
        bool, typer.Option("--forced", help="every turn goes on from the recorded history")
    ] = False,
    times: Annotated[int, typer.Option(min=1, max=50, help="how often each is played")] = 1,
    out: Annotated[Path, typer.Option(help="the page")] = Path("compare.html"),
    yes: Yes = False,
    requests: Requests = None,
    answers: Answers = None,
    batch: Batch = False,
) -> None:
    """Play conversations with two settings, and write a page that shows both side by side. A run that was
    broken off goes on where it was."""
    from server.replay.compare import Comparison
    from server.replay.page import page
    from server.replay.runs import cost_of

    found = chosen(pattern, folder)
    left, right = _sides(change or [], against or [], taped)
    carriage = Carriage(requests, answers or (), batch)
    spent, store = Spent(carriage, yes), out.with_name(f".{out.name}.unfinished")
    out.parent.mkdir(parents=True, exist_ok=True)

    async def job(settings: Settings, live: Any) -> int:
        if why := judge_trouble(found, folder, live.default):
            wrong(why)
            return 2
        asked = [
            str(side.changes.get("model") or live.default) for side in (left, right) if not side.recorded
        ]
        if taped and "offline" in asked and not right.changes.get("model"):
            wrong(NO_KEY)
            return 2
        if "offline" in asked:
            console.print(
                "the offline model answers: it reads no prompts, so a changed one makes no difference to it"
            )
        costs = [cost_of(c, model, settings) for c in found for model in asked for _ in range(times)]
        if not spent.agreed(costs, live.default):
            return 1
        how = Comparison(left, right, times, forced, store)
        runs = await _played_on_both_sides(found, how, live, settings)
        out.write_text(page(runs, how), encoding="utf-8")
        store.unlink(missing_ok=True)
        console.print(f"{_summary(runs)}: {out}")
        return 0

    with_models(job, carriage)


def _sides(change: list[str], against: list[str], taped: bool) -> tuple[Side, Side]:
    """The two settings of a comparison; ends the command for one that is none."""
    from server.replay.compare import Side, parse_changes
    from server.replay.saved import BadConversation

    try:
        left = ", ".join(against) or ("as recorded" if taped else "as it is")
        return (
            Side(left, parse_changes(against), taped),
            Side(", ".join(change) or "as it is", parse_changes(change)),
        )
    except BadConversation as error:
        wrong(error)
        raise SystemExit(2) from None


def _summary(runs: list[Runs]) -> str:
    better, worse = (sum(run.outcome == word for run in runs) for word in ("better", "worse"))
    differs = sum(run.differs for run in runs)
    return f"{better} better, {worse} worse, {differs} of {len(runs)} say something else"


async def _played_on_both_sides(
    found: Sequence[KeptConversation], how: Comparison, live: Any, settings: Settings
) -> list[Runs]:
    from server.replay.compare import compared

    columns = (TextColumn("playing"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("", total=None)

        def progress(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        return await compared(found, how, live, settings, progress)
