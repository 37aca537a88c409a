"""What role a route of the API takes: it stands on the route, and is asked for before a body is read.

@routes.delete("/bots/{bot_id}", dependencies=[OWNER])
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from fastapi import Depends
from fastapi.routing import APIRoute

from server.operators.tokens import Role

# Each may do what those before it may.
ORDER: tuple[Role, ...] = ("read_only", "agent", "owner")


@dataclass(frozen=True, slots=True)
class Needs:
    """Marks a route; `server.operators.login` has asked by the time that it is called."""

    role: Role

    def __call__(self) -> None:
        """Nothing is left to do."""


READER, AGENT, OWNER = Depends(Needs("read_only")), Depends(Needs("agent")), Depends(Needs("owner"))


class Roles:
    """The role that each route takes."""

    def __init__(self, routes: Iterable[Any]) -> None:
        """Raises TypeError for a route that says none: nobody must have to remember it."""
        self._known: list[tuple[re.Pattern[str], frozenset[str], Role]] = []
        for route in routes:
            if not isinstance(route, APIRoute):
                raise TypeError(f"{route!r} is no route of the API")
            methods = frozenset(route.methods or ())
            said: list[Role] = [
                d.dependency.role for d in route.dependencies if isinstance(d.dependency, Needs)
            ]
            if len(said) != 1:
                raise TypeError(
                    f"{sorted(methods)} {route.path}: say one of READER, AGENT and OWNER on the route"
                )
            self._known.append((route.path_regex, methods, said[0]))

    def allow(self, role: Role, method: str, path: str) -> bool:
        """Whether a role may do this. What is no route is answered with 404, to whoever is known."""
        wanted = "GET" if method == "HEAD" else method
        needed = (need for at, methods, need in self._known if wanted in methods and at.match(path))
        return ORDER.index(role) >= ORDER.index(next(needed, ORDER[0]))
