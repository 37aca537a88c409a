"""A comparison as one page that needs nothing beside it."""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from server.replay.compare import Comparison, Runs
from server.replay.heard import Played, PlayedTurn

_PAGES = Environment(
    loader=FileSystemLoader(Path(__file__).with_name("templates")),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_NOTHING = PlayedTurn(turn=0)

# (kind, words): kept, or only on this side.
Words = list[tuple[str, str]]


def page(runs: Sequence[Runs], how: Comparison) -> str:
    """The HTML of a comparison."""
    outcomes = Counter(run.outcome for run in runs)
    order = {"worse": 0, "better": 1, "same": 2}
    rows = [
        _row(run) for run in sorted(runs, key=lambda run: (order[run.outcome], not run.differs, run.name))
    ]
    return _PAGES.get_template("compare.html").render(
        left=how.left.label,
        right=how.right.label,
        forced=how.forced,
        times=how.times,
        outcomes={name: outcomes.get(name, 0) for name in ("better", "worse", "same")},
        differs=sum(run.differs for run in runs),
        totals=[_totals([run.left for run in runs]), _totals([run.right for run in runs])],
        rows=rows,
    )


def _totals(sides: Sequence[Sequence[Played]]) -> dict[str, Any]:
    played = [run for side in sides for run in side]
    turns = [turn for run in played for turn in run.turns]
    answered = [turn.seconds for turn in turns if turn.calls] or [0.0]
    return {
        "passed": sum(run.passed for run in played),
        "played": len(played),
        "calls": sum(turn.calls for turn in turns),
        "read": sum(turn.tokens[0] for turn in turns),
        "written": sum(turn.tokens[1] for turn in turns),
        "cost": sum(turn.cost for turn in turns),
        "median": sorted(answered)[len(answered) // 2],
        "slowest": max(answered),
    }


def _row(run: Runs) -> dict[str, Any]:
    left, right = run.left[0], run.right[0]
    turns = [_turn(a or _NOTHING, b or _NOTHING) for a, b in zip_longest(left.turns, right.turns)]
    return {
        "name": run.name,
        "about": run.about,
        "outcome": run.outcome,
        "differs": run.differs,
        "passes": run.passes,
        "times": len(run.left),
        "problems": (left.problems, right.problems),
        "turns": turns,
        "others": [
            (number, a, b) for number, (a, b) in enumerate(zip(run.left[1:], run.right[1:], strict=True), 2)
        ],
    }


def _turn(left: PlayedTurn, right: PlayedTurn) -> dict[str, Any]:
    said = left.said or right.said
    words = text_difference(left.reply, right.reply)
    return {
        "number": left.turn or right.turn,
        "said": said,
        "sides": [
            {"heard": heard, "words": own, "details": _details(heard, other)}
            for heard, own, other in ((left, words[0], right), (right, words[1], left))
        ],
        "same": left.replies == right.replies,
    }


def _details(heard: PlayedTurn, other: PlayedTurn) -> list[tuple[str, str, bool]]:
    """(what, value, whether it is another on the other side)."""

    def shown(each: PlayedTurn) -> dict[str, str]:
        return {
            "route": " › ".join(each.route),
            "verdict": each.verdict,
            "tools": ", ".join(f"{name}({args})" for call in each.tools for name, args in call.items()),
            "profile": ", ".join(
                f"{k}: {v}" for k, v in sorted(each.profile.items()) if not k.startswith("class_")
            ),
            "prompts": " · ".join(each.prompts),
            "owner": each.owner if each.owner != "bot" else "",
            "task": each.task,
            "follow-up": f"touch {each.touch} on {each.due}" if each.due else each.ended,
        }

    theirs = shown(other)
    return [
        (name, value, value != theirs[name]) for name, value in shown(heard).items() if value or theirs[name]
    ]


def text_difference(before: str, after: str) -> tuple[Words, Words]:
    """Both texts in pieces: `same`, or `gone` from the first and `new` in the second, word by word."""
    left, right = (re.findall(r"\s+|[^\W_]+|.", text, re.S) for text in (before, after))
    ours: Words = []
    theirs: Words = []
    steps = difflib.SequenceMatcher(None, left, right, autojunk=False).get_opcodes()
    for number, (kind, a, b, c, d) in enumerate(steps):
        blank = 0 < number < len(steps) - 1 and not "".join(left[a:b]).strip()
        if kind == "equal" and not blank:  # a blank between two changes is no reason to cut them in two
            ours.append(("same", "".join(left[a:b])))
            theirs.append(("same", "".join(right[c:d])))
            continue
        _add(ours, "gone", "".join(left[a:b]))
        _add(theirs, "new", "".join(right[c:d]))
    return ours, theirs


def _add(words: Words, kind: str, text: str) -> None:
    if words and words[-1][0] == kind:
        words[-1] = (kind, words[-1][1] + text)
    elif text:
        words.append((kind, text))
