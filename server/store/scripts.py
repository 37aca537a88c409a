"""Redis scripts kept in a `.lua` file, in sections with named keys and arguments."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from server import clock
from server.store.client import Redis

_SECTION = re.compile(r"^-- \[(\w+)\](?: keys: (.*)\n-- arguments: (.*))?$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class ScriptSection:
    """One section: the order of its keys and arguments, and the whole text that runs."""

    keys: tuple[str, ...]
    arguments: tuple[str, ...]
    text: str


@cache
def sections(path: Path, before: Path | None = None) -> dict[str, ScriptSection]:
    """The scripts of a file by name; what stands under `[shared]`, and the whole file `before`, is part of
    each."""
    pieces = _SECTION.split(path.read_text(encoding="utf-8"))[1:]
    found: dict[str, ScriptSection] = {}
    prelude = before.read_text(encoding="utf-8") if before else ""
    shared = prelude
    for name, keys, arguments, body in zip(*[iter(pieces)] * 4, strict=True):
        if keys is None:
            shared = prelude + body
            continue
        names, values = tuple(keys.split()), ("ahead", "day", *arguments.split())
        heads = [f"local {', '.join(names)} = unpack(KEYS)", f"local {', '.join(values)} = unpack(ARGV)"]
        found[name] = ScriptSection(
            names, values, "\n".join([*heads, f"local rest = {len(values) + 1}", shared, body])
        )
    return found


class Scripts:
    """The scripts of a file on one server or cluster. Called by name, with keys and arguments by theirs."""

    def __init__(self, redis: Redis, path: Path, before: Path | None = None) -> None:
        self._scripts = sections(path, before)
        self._registered = {
            name: redis.register_script(script.text) for name, script in self._scripts.items()
        }

    def keys(self, name: str) -> tuple[str, ...]:
        """The names of the keys a script works on."""
        return self._scripts[name].keys

    async def run(
        self, name: str, keys: list[str], arguments: dict[str, Any], *rest: str, confirmed: bool = False
    ) -> Any:
        """Run one; all of its named arguments must be given, and `day` where figures are counted
        (YYYY-MM-DD). `confirmed`: what it writes has to outlive the primary (REDIS_WAIT)."""
        given = {"ahead": clock.ahead(), "day": "", **arguments}
        values = [given[argument] for argument in self._scripts[name].arguments]
        return await self._registered[name](keys=keys, args=[*values, *rest], confirmed=confirmed)
