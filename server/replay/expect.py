"""Whether a turn came to what was expected of it, and in which words to say that it did not."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from agent.language.detect import language_of
from server.replay.heard import PlayedTurn
from server.replay.saved import Expect, ExpectedReply, FollowUp


def failures(want: Expect, got: PlayedTurn) -> list[str]:
    """One line for each expectation that was not met; the judge's are not looked at here."""
    return [*_turn(want, got), *(_reply(want.reply, got.reply) if want.reply else [])]


def _turn(want: Expect, got: PlayedTurn) -> Iterator[str]:
    if want.route is not None and want.route != (route := _route(got.route, want.route)):
        yield f"route was {' > '.join(route) or 'nothing'}, not {' > '.join(want.route) or 'nothing'}"
    for name, wanted, was in (
        ("verdict", want.verdict, got.verdict),
        ("class", want.class_, got.profile.get("class") or "unknown"),
        ("owner", want.owner, got.owner),
    ):
        if wanted is not None and wanted != was:
            yield f"{name} was {was or 'none'}, not {wanted}"
    for name, value in want.profile.items():
        if got.profile.get(name) != value:
            yield f"profile.{name} is {got.profile.get(name)!r}, not {value!r}"
    if want.tools is not None and not _same_calls(want.tools, got.tools):
        yield f"tools were {_calls(got.tools)}, not {_calls(want.tools)}"
    used = {name.partition("@")[0] for name in got.prompts}
    if missing := [name for name in want.prompts or () if name not in used]:
        yield f"prompts {', '.join(missing)} were not used, but {', '.join(sorted(used)) or 'none'}"
    if want.task is not None and want.task.casefold() not in got.task.casefold():
        yield f"task was {got.task!r}, without {want.task!r}"
    if want.cart is not None and (problem := _cart(want.cart, got.cart)):
        yield problem
    if want.silent is not None and want.silent == bool(got.replies):
        yield f"the contact hears {'nothing' if want.silent is False else repr(got.reply)}"
    if want.follow_up is not None:
        yield from _follow_up(want.follow_up, got)


def _cart(want: Sequence[str], shown: str) -> str:
    if not want:
        return f"a cart was shown: {shown!r}" if shown else ""
    lacking = [part for part in want if part.casefold() not in shown.casefold()]
    return f"the cart lacks {', '.join(map(repr, lacking))}: {shown!r}" if lacking else ""


def _follow_up(want: FollowUp, got: PlayedTurn) -> Iterator[str]:
    planned = f"touch {got.touch} on {got.due}" if got.due else f"none ({got.ended or 'nothing was planned'})"
    if (want.touch is not None and want.touch != (got.touch if got.due else None)) or (
        want.day is not None and want.day.isoformat() != got.due[:10]
    ):
        wanted = " ".join([f"touch {want.touch}"] * bool(want.touch) + [f"on {want.day}"] * bool(want.day))
        yield f"the follow-up is {planned}, not {wanted}"
    if want.ended is not None and (got.due or want.ended.casefold() not in got.ended.casefold()):
        yield f"the follow-up is {planned}, not ended with {want.ended!r}"


def _same_calls(want: Sequence[str | Mapping[str, Any]], got: Sequence[Mapping[str, Any]]) -> bool:
    def fits(wanted: str | Mapping[str, Any], was: Mapping[str, Any]) -> bool:
        if isinstance(wanted, str):
            return wanted in was
        return all(name in was and args.items() <= was[name].items() for name, args in wanted.items())

    return len(want) == len(got) and all(fits(w, g) for w, g in zip(want, got, strict=True))


def _calls(calls: Sequence[str | Mapping[str, Any]]) -> str:
    return (
        ", ".join(c if isinstance(c, str) else ", ".join(f"{n}{a}" for n, a in c.items()) for c in calls)
        or "none"
    )


def _reply(want: ExpectedReply, text: str) -> Iterator[str]:
    low, shown = text.casefold(), repr(text if len(text) <= 300 else f"{text[:300]}…")
    if want.is_ is not None and text != want.is_:
        yield f"reply is {shown}, not {want.is_!r}"
    for part in want.contains:
        if part.casefold() not in low:
            yield f"reply lacks {part!r}: {shown}"
    for part in want.lacks:
        if part.casefold() in low:
            yield f"reply has {part!r}: {shown}"
    if want.matches and not re.search(want.matches, text):
        yield f"reply does not match /{want.matches}/: {shown}"
    if want.shorter_than and len(text) >= want.shorter_than:
        yield f"reply has {len(text)} characters, not under {want.shorter_than}"
    if want.language and (found := language_of(text)) != want.language:
        yield f"reply is in {found}, not {want.language}: {shown}"


def _route(went: Sequence[str], wanted: Sequence[str]) -> list[str]:
    """The nodes in order. `verify` counts where the conversation names it: without a model, and where the
    reply claims nothing, nobody reads it."""
    return [node for node in went if node != "verify" or node in wanted]
