"""Drop a file in here and the agent has a new tool.

    from langchain_core.tools import tool

    @tool
    async def opening_hours(day: str) -> str:
        \"\"\"When the shop is open on a day of the week.\"\"\"
        return "10:00 to 19:00"

Every `@tool` function of a file counts; the docstring is what the model reads. A tool is async, answers within 15
seconds in at most 4,000 characters, and raises when it fails (the agent is told so, the contact is not). A
call that was answered is not made again when its turn runs again after a crash; should the crash come between a tool's
effect and its answer, it is made again with the same `agent.context.idempotency_key.get()`, which a tool that books or
pays passes on. Installed packages add tools
through the entry point group `salesgraph.tools`. A bot's `tools` setting says which of them it may call.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterable
from fnmatch import fnmatchcase
from functools import cache
from importlib.metadata import entry_points
from types import ModuleType
from typing import Any

import structlog
from langchain_core.tools import BaseTool

ENTRY_POINTS = "salesgraph.tools"

log = structlog.get_logger()


@cache
def found() -> dict[str, BaseTool]:
    """All tools of this installation by name. A file that cannot be loaded is left out, and the log says why."""
    tools: dict[str, BaseTool] = {}
    for source, load in _sources():
        try:
            new = {tool.name: tool for tool in _tools_in(load())}
        except Exception as error:  # a broken drop-in must not take the others with it
            log.error("tool_not_loaded", source=source, error=repr(error))
            continue
        if clash := sorted(new.keys() & tools.keys()):
            log.error("tool_not_loaded", source=source, error=f"the name {', '.join(clash)} is taken")
            continue
        tools |= new
    return tools


def allowed(patterns: Iterable[str]) -> list[BaseTool]:
    """The tools whose names match one of the patterns, such as `find_product` or `crm_*`."""
    patterns = list(patterns)
    return [tool for name, tool in found().items() if any(fnmatchcase(name, pattern) for pattern in patterns)]


def _sources() -> list[tuple[str, Callable[[], Any]]]:
    names = [
        f"{__name__}.{module.name}" for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_")
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
