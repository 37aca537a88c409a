"""Drop a file in here and the agent has a new tool.

    from langchain_core.tools import tool

    @tool
    async def opening_hours(day: str) -> str:
        \"\"\"When the shop is open on a day of the week.\"\"\"
        return "10:00 to 19:00"

Every `@tool` function of a file counts; the docstring is what the model reads. A tool is async, answers
within 15 seconds in at most 4,000 characters, and raises when it fails (the agent is told so, the contact is
not). A call that was answered is not made again when its turn runs again after a crash; should the crash come
between a tool's effect and its answer, it is made again with the same `idempotency_key`, which a tool that
books or pays passes on: `tools.runtime` has that and whatever else a tool may ask for. Names are letters,
digits, `_` and `-`, at most 64 of them: what OpenAI and Gemini take. Installed packages add tools through the
entry point group `salesgraph.tools`, MCP servers through `tools._mcp`. A bot's `tools` setting says which of
them it may call; it is looked at when they are offered, and again when one is called."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Callable, Iterable
from fnmatch import fnmatchcase
from functools import cache
from importlib.metadata import entry_points
from types import ModuleType
from typing import Any

import structlog
from langchain_core.tools import BaseTool, StructuredTool, Tool

ENTRY_POINTS = "salesgraph.tools"
# What OpenAI ("Function calling": letters, digits, _ and -, 64) and Gemini ("Function calling": begins with a
# letter or _) both take.
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,63}")

log = structlog.get_logger()


_added: dict[str, dict[str, BaseTool]] = {}


def found() -> dict[str, BaseTool]:
    """All tools of this installation by name, and those that were added while the process runs."""
    return {**installed(), **{name: tool for tools in _added.values() for name, tool in tools.items()}}


@cache
def installed() -> dict[str, BaseTool]:
    """The tools of files and packages. What cannot be loaded is left out, and the log says why in one
    line."""
    tools: dict[str, BaseTool] = {}
    for source, load in _sources():
        try:
            _take(tools, source, _tools_in(load()))
        except Exception as error:  # a broken drop-in must not take the others with it
            log.error("tool_not_loaded", source=source, error=repr(error))
    return tools


def add(source: str, tools: Iterable[BaseTool]) -> None:
    """More tools, until `remove(source)`; one that clashes or keeps no contract is left out, and the log says
    why."""
    mine: dict[str, BaseTool] = {}
    for tool in tools:
        try:
            _take(mine, source, [tool], taken=found())
        except ValueError as error:
            log.error("tool_not_loaded", source=source, error=str(error))
    _added[source] = mine


def remove(source: str) -> None:
    """Take back what `add` added."""
    _added.pop(source, None)


def problem_of(tool: BaseTool) -> str:
    """What of the contract a tool does not keep, empty for nothing: a name that OpenAI and Gemini take, a
    description, a coroutine."""
    if not NAME.fullmatch(tool.name):
        return f"{tool.name}: name it with letters, digits, _ and -, at most 64 of them, a letter first"
    if not (tool.description or "").strip():
        return f"{tool.name}: it needs a docstring, which is what the model reads"
    made = isinstance(tool, Tool | StructuredTool)
    if tool.coroutine is None if made else type(tool)._arun is BaseTool._arun:  # pyright: ignore[reportPrivateUsage]
        return f"{tool.name}: write it as async def"
    return ""


def _take(
    tools: dict[str, BaseTool], source: str, new: Iterable[BaseTool], taken: Iterable[str] = ()
) -> None:
    """Put new tools among others. Raises ValueError, with nothing taken, for a clash or a broken contract."""
    found = {tool.name: tool for tool in new}
    if clash := sorted(name for name in found if name in tools or name in taken):
        raise ValueError(f"the name {', '.join(clash)} is taken")
    if wrong := [why for tool in found.values() if (why := problem_of(tool))]:
        raise ValueError("; ".join(wrong))
    tools |= found


def allowed(patterns: Iterable[str]) -> list[BaseTool]:
    """The tools whose names match one of the patterns, such as `find_product` or `crm_*`."""
    patterns = list(patterns)
    return [tool for name, tool in found().items() if any(fnmatchcase(name, pattern) for pattern in patterns)]


def _sources() -> list[tuple[str, Callable[[], Any]]]:
    names = [
        f"{__name__}.{module.name}"
        for module in pkgutil.iter_modules(__path__)
        if not module.name.startswith("_")
    ]
    files: list[tuple[str, Callable[[], Any]]] = [
        (name, lambda name=name: importlib.import_module(name)) for name in names
    ]
    return files + [(entry.value, entry.load) for entry in entry_points(group=ENTRY_POINTS)]


def _tools_in(thing: Any) -> Iterable[BaseTool]:
    if isinstance(thing, BaseTool):
        return [thing]
    if isinstance(thing, ModuleType):
        return [value for value in vars(thing).values() if isinstance(value, BaseTool)]
    return [tool for item in thing for tool in _tools_in(item)]
