"""The tape of a saved conversation, for the machine: what was asked and answered, found by place.

A place is turn / node / nth call of that node in the turn (`2/sell/1`), so that parallel nodes, new wording
and another provider change none. Beside each answer stands the prompt it answered: a prompt or a tool that
has changed is noticed, and shown as a diff. Texts that occur again, such as the rules of the sales agent,
stand once, under `texts`."""

from __future__ import annotations

import difflib
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, cast

import yaml
from langchain_core.messages import BaseMessage

from server.replay.saved import BadConversation, dumped

# `replay`: answers of file and tape, prompts compared; `accept`: the same answers, prompts written down anew;
# `record`: the live models are asked and written down; `live`: they are asked, and nothing is compared.
Mode = Literal["replay", "accept", "record", "live"]

Row = dict[str, Any]
HEAD = "# Written by `salesgraph replay`. Read it; what people write stands in the file beside it.\n"


class TapeError(RuntimeError):
    """The tape does not hold what the graph asked for."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """What stands on a tape: model calls, tool calls and searches by place, and which model was asked, with
    its fallback. One that `exists` may hold nothing, where nothing was asked for."""

    model: str = ""
    fallback: str = ""
    calls: Mapping[str, Row] = field(default_factory=dict[str, Row])
    tools: Mapping[str, Row] = field(default_factory=dict[str, Row])
    passages: Mapping[str, Row] = field(default_factory=dict[str, Row])
    exists: bool = False
    # What the price list had of the products of carts, by what they were asked for as.
    cards: Mapping[str, list[Any]] = field(default_factory=dict[str, list[Any]])

    def __bool__(self) -> bool:
        return self.exists or bool(self.calls or self.tools or self.passages)


@dataclass
class Tape:
    """One playing of a conversation: `old` is read, `calls`, `tools`, `passages` and `cards` are what a new
    tape would hold, `called` the tools of this turn with their arguments, and `problems` what went wrong,
    where no retry and no error handler of the graph can hide it."""

    old: Recorded = field(default_factory=Recorded)
    mode: Mode = "replay"
    fills: bool = False
    turn: int = 0
    calls: dict[str, Row] = field(default_factory=dict[str, Row])
    tools: dict[str, Row] = field(default_factory=dict[str, Row])
    passages: dict[str, Row] = field(default_factory=dict[str, Row])
    cards: dict[str, list[Any]] = field(default_factory=dict[str, list[Any]])
    problems: list[str] = field(default_factory=list[str])
    stale: list[tuple[str, str, str]] = field(default_factory=list[tuple[str, str, str]])
    called: list[Row] = field(default_factory=list[Row])
    _counts: dict[str, int] = field(default_factory=dict[str, int])

    def next_turn(self) -> None:
        """Places count from here."""
        self.turn, self._counts = self.turn + 1, {}

    def place(self, what: str) -> str:
        """Where the next call of `what` stands."""
        self._counts[what] = self._counts.get(what, 0) + 1
        return f"{self.turn}/{what}/{self._counts[what]}"

    def give_back(self, what: str) -> None:
        """The place that was taken last is still free."""
        self._counts[what] -= 1

    @property
    def keeps(self) -> bool:
        """Whether answers come from file and tape, and nobody is asked."""
        return self.mode in ("replay", "accept")

    def missing(self, place: str, what: str = "nothing recorded for") -> TapeError:
        """Note that a place holds nothing, and give the error to raise."""
        self.problems.append(f"{what} {place}")
        return TapeError(f"{what} {place}")

    def check(self, place: str, prompt: str) -> None:
        """Note a prompt that is not the one recorded."""
        row = self.old.calls.get(place)
        before = row.get("prompt") if row else None
        if self.mode == "accept" and "/judge/" in place and before not in (None, prompt):
            self.problems.append(f"{place}: the judge was asked something else: record it again")
        if self.mode != "replay" or not self.old:
            return
        if row is None:
            self.problems.append(f"not on tape: {place}; accept it")
        elif before is not None and before != prompt:
            self.stale.append((place, before, prompt))

    def finished(self) -> list[str]:
        """What is wrong with the tape once every turn was played: what is missing, changed or was never asked
        for."""
        found = list(dict.fromkeys(self.problems))
        if self.mode == "accept":  # an answer that nobody wants any more is not to be lost without a word
            answers = {"text", "calls", "error"}
            unused = [p for p, row in self.old.calls.items() if answers & row.keys() and p not in self.calls]
            found += [f"recorded, but never asked for: {', '.join(unused)}"] if unused else []
        if self.mode == "replay" and self.old:
            unused = [p for p in self.old.calls if p not in self.calls]
            unused += [p for p in self.old.tools if p not in self.tools]
            unused += [p for p in self.old.passages if p not in self.passages]
            unused += [f"cards of {ref}" for ref in self.old.cards if ref not in self.cards]
            found += [f"recorded, but never asked for: {', '.join(unused)}"] if unused else []
        if self.stale:
            where = ", ".join(place for place, _, _ in self.stale)
            found.append(
                f"prompts changed since this was recorded: {where}\n{prompt_difference(*self.stale[0])}"
            )
        return found

    def asked(self, what: str) -> int:
        """How many calls of `what` this turn has had."""
        return self._counts.get(what, 0)

    def recorded(self, model: str, fallback: str) -> Recorded:
        """What a new tape would hold."""
        return Recorded(model, fallback, self.calls, self.tools, self.passages, True, self.cards)


def prompt_difference(place: str, before: str, now: str) -> str:
    """A changed prompt as a unified diff."""
    lines = difflib.unified_diff(
        before.splitlines(), now.splitlines(), f"{place} recorded", f"{place} now", lineterm="", n=1
    )
    return "\n".join(lines)


def prompt_as_text(messages: Sequence[BaseMessage], tools: Sequence[Row]) -> str:
    """A prompt as a person reads it: no ids, no times, tools with their schemas."""
    lines: list[str] = []
    for message in messages:
        shown = [b["type"] for b in message.content if isinstance(b, dict) and b.get("type") != "text"]
        lines.append(f"[{message.type}] {message.text}" + "".join(f" ({kind})" for kind in shown))
        lines += [f"  -> {c['name']} {_json(c['args'])}" for c in getattr(message, "tool_calls", [])]
    for tool in (t["function"] for t in tools):
        lines.append(f"[tool {tool['name']}] {tool.get('description', '')}")
        lines.append(f"  {_json(tool.get('parameters', {}))}")
    return "\n".join(line.rstrip() for line in "\n".join(lines).splitlines())


def _json(data: Any) -> str:
    return json.dumps(data, sort_keys=True, ensure_ascii=False)


def read_tape(path: Path) -> Recorded:
    """The tape in a file; an empty one where there is none. Raises BadConversation."""
    if not path.exists():
        return Recorded()
    try:
        raw: Row = yaml.load(path.read_text(encoding="utf-8"), _FastLoader)  # noqa: S506 - a safe loader
        texts, rows = raw.get("texts", {}), cast(dict[str, Row], raw.get("calls") or {})
        calls = {place: _whole(row, texts) for place, row in rows.items()}
        return Recorded(
            raw.get("model", ""),
            raw.get("fallback", ""),
            calls,
            raw.get("tools") or {},
            raw.get("passages") or {},
            True,
            raw.get("cards") or {},
        )
    except (OSError, UnicodeDecodeError, yaml.YAMLError, AttributeError, KeyError) as error:
        raise BadConversation(f"{path.name}: is no tape: {error!r}; record the conversation again") from None


_FastLoader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def as_file(tape: Recorded) -> str:
    """A tape as its file holds it."""
    texts: dict[str, str] = {}
    calls = {place: _shared(row, texts) for place, row in sorted(tape.calls.items(), key=_order)}
    rows = {
        "model": tape.model,
        "fallback": tape.fallback,
        "calls": calls,
        "tools": dict(sorted(tape.tools.items(), key=_order)),
        "passages": dict(sorted(tape.passages.items(), key=_order)),
        "cards": dict(sorted(tape.cards.items())),
        "texts": texts,
    }
    return HEAD + dumped({name: row for name, row in rows.items() if row})


def write_tape(path: Path, tape: Recorded) -> None:
    """Put a tape into its file, whole or not at all."""
    beside = path.with_name(f".{path.name}.new")
    beside.write_text(as_file(tape), encoding="utf-8")
    beside.replace(path)


def _order(item: tuple[str, Any]) -> tuple[int, str]:
    turn, _, rest = item[0].partition("/")
    return int(turn), rest


def _shared(row: Row, texts: dict[str, str]) -> Row:
    if "prompt" not in row:
        return row
    pieces = _pieces(row["prompt"])
    texts.update({_name(piece): piece for piece in pieces})
    return {**row, "prompt": " ".join(_name(piece) for piece in pieces)}


def _name(piece: str) -> str:
    return hashlib.blake2b(piece.encode(), digest_size=4).hexdigest()


def _whole(row: Row, texts: Mapping[str, str]) -> Row:
    return (
        {**row, "prompt": "\n".join(texts[name] for name in row["prompt"].split())}
        if "prompt" in row
        else row
    )


def _pieces(prompt: str) -> list[str]:
    """Cut where one text ends and the next begins: after blank lines, before messages, tools, passages and
    tags."""
    pieces: list[list[str]] = []
    for line in prompt.split("\n"):
        if not pieces or line.startswith(("[", "<")) or (line and not pieces[-1][-1]):
            pieces.append([line])
        else:
            pieces[-1].append(line)
    return ["\n".join(piece) for piece in pieces]
