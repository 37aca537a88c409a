"""`salesgraph prompts`: look at the prompts, check them, and bring back what was edited in Studio."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from server.cli.common import console

prompts_commands = typer.Typer(no_args_is_help=True, help="The prompts: list, check, bring back from Studio.")

STUDIO = "http://127.0.0.1:2024"


@prompts_commands.command("list")
def list_prompts() -> None:
    """Every prompt with its version, its node and what it is for."""
    from agent.prompts import names, prompt, version

    table = Table("prompt", "version", "node", "what it is for", box=None)
    for name in names():
        known = prompt(name)
        table.add_row(name, version(known.text), known.node, known.about)
    console.print(table)


@prompts_commands.command("lint")
def lint() -> None:
    """Check front matter, placeholders and length, and that every prompt is used."""
    from agent.context import Context
    from agent.prompts.lint import prompt_problems
    from agent.studio import graph

    used = [field.removesuffix("_prompt") for field in Context.model_fields if field.endswith("_prompt")]
    found = prompt_problems(graph.nodes, used)
    for problem in found:
        console.print(f"[red]fix[/] {escape(problem)}", highlight=False)
    if not found:
        console.print(f"{len(used)} prompts, nothing to fix")
    raise SystemExit(1 if found else 0)


@prompts_commands.command("pull")
def pull(
    assistant: Annotated[str, typer.Argument(help="name of the assistant saved in Studio")] = "",
    url: Annotated[str, typer.Option(help="address of `make studio`")] = STUDIO,
    into: Annotated[Path | None, typer.Option(help="folder of prompts, such as one of PROMPT_SETS")] = None,
) -> None:
    """Write the prompts that were edited in Studio over their files; `git diff` shows what changed."""
    from agent.prompts import HERE
    from server.replay.studio import StudioError, pulled

    try:
        written = pulled(url, assistant, into or HERE)
    except StudioError as error:
        console.print(f"[red]nothing pulled[/] {escape(str(error))}", highlight=False)
        raise SystemExit(1) from None
    for path in written:
        console.print(f"changed {escape(str(path))}", highlight=False)
    if not written:
        console.print("nothing changed: the files hold what Studio has")
