"""Model servers that do not take everything, or answer in odd ways."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

from tests.fakes.openai_wire import error, message, polite, schema_of

Server = Callable[[dict[str, Any]], Any]
THANKS = "Thank you for writing. We are happy to help with that."


def refusing(text: str, when: Callable[[dict[str, Any]], bool], status: int = 400) -> Server:
    """A server that refuses some requests, and answers the others: structured ones as JSON in text where they
    have no tools."""

    def answer(request: dict[str, Any]) -> Any:
        if when(request):
            return error(status, "invalid_request_error", None, text)
        if request.get("tools") or request.get("tool_choice"):
            name = schema_of(request) or next(
                (
                    t["function"]["name"]
                    for t in request["tools"]
                    if t["function"]["name"] in ("Verdict", "Facts")
                ),
                "",
            )
            if name == "Verdict":
                return message(call=("Verdict", {"contact_class": "client", "reason": "asks"}))
            if name == "Facts":
                return message(call=("Facts", {"name": "Anna"}))
            return message(THANKS)
        system = str(request["messages"][0]["content"])
        if "JSON object for Verdict" in system:
            return message('Sure!\n```json\n{"contact_class": "client", "reason": "asks"}\n```')
        if "JSON object for Facts" in system:
            return message('{"name": "Anna", "email": null}')
        return message(THANKS)

    return answer


def has_tools(request: dict[str, Any]) -> bool:
    return bool(request.get("tools"))


def is_forced(request: dict[str, Any]) -> bool:
    return isinstance(request.get("tool_choice"), dict) or request.get("tool_choice") in ("required", "any")


def has_blank(request: dict[str, Any]) -> bool:
    return any(m.get("content") in (None, "") for m in request["messages"])


def has_system(request: dict[str, Any]) -> bool:
    return any(m["role"] in ("system", "developer") for m in request["messages"])


def does_not_alternate(request: dict[str, Any]) -> bool:
    roles = [m["role"] for m in request["messages"] if m["role"] not in ("system", "tool")]
    return roles[:1] != ["user"] or any(a == b for a, b in itertools.pairwise(roles))


def odd(change: Callable[[dict[str, Any]], None]) -> Server:
    """A polite server that calls a tool first, each answer changed on its way."""

    def answer(request: dict[str, Any]) -> Any:
        told = polite(request) if schema_of(request) else message(THANKS)
        if not schema_of(request) and request["messages"][-1]["role"] != "tool":
            told = message(call=("find_product", {"query": "blue vase"}))
        change(told["choices"][0]["message"])
        return told

    return answer
