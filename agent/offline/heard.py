"""What the offline model reads out of its messages: it sees nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from langchain_core.messages import (
    AIMessage,
    AnyMessage,
    BaseMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
)

from agent.language.detect import language_of
from agent.language.phrases import Phrase, moment_of, say
from agent.offline.quoting import ShownPassage
from agent.opening import Opening
from agent.profile import facts_by_pattern

ASKED_FOR: tuple[Phrase, ...] = ("name", "email", "company", "phone")

_PASSAGE = re.compile(r'<passage document="([^"]*)" page="(\d+)" language="(\w*)" match="(\w+)">\n')
# As the server tells what was tapped on (`server.conversations.message_text`).
_PICKED = re.compile(r"^\[picked the product “([^”\n]+)” from your list: ([^\n]*)\]$", re.M)
_HOURS = re.compile(r"open (\S+), (\d\d:\d\d) to (\d\d:\d\d); (open now, until|closed now, opens) ([\d :-]+)")


class Heard:
    """A prompt and a conversation, taken apart."""

    def __init__(self, messages: Sequence[AnyMessage | BaseMessage]) -> None:
        system = "\n".join(str(m.text) for m in messages if isinstance(m, SystemMessage))
        rest = [m for m in messages if not isinstance(m, SystemMessage)]
        last_reply = max(
            (i for i, m in enumerate(rest) if isinstance(m, AIMessage) and not m.tool_calls), default=-1
        )
        turn = rest[last_reply + 1 :]
        spoken = [str(m.text) for m in rest[: last_reply + 1] if isinstance(m, AIMessage)]
        self.before = spoken[-1] if spoken else ""
        self.spoken = "\n".join(spoken)
        self.said = "\n".join(str(m.text) for m in turn if isinstance(m, HumanMessage)).strip()
        asked = [str(m.text) for m in rest[: last_reply + 1] if isinstance(m, HumanMessage)]
        self.asked_before = asked[-1].strip() if asked else ""
        picks = _PICKED.findall(self.said)
        self.picked, self.picked_words = picks[-1] if picks else ("", "")
        self.tool_answers = [
            (str(m.name), _asked(m, turn), str(m.text))
            for m in turn
            if isinstance(m, ToolMessage) and m.status != "error"
        ]
        self.language = tagged_text(system, "language") or language_of(self.said)
        self.business = tagged_text(system, "business")
        self.region = tagged_text(system, "region") or None
        facts = tagged_text(system, "facts")
        self.passages = [
            ShownPassage(language, match == "strong", text)
            for _, _, language, match, text in _passages(system)
        ]
        if facts and facts != "none":
            self.passages.insert(0, ShownPassage(language_of(facts), True, facts))
        self.missing = tagged_text(system, "missing").split(", ")
        self.gave_details = any(True for _ in facts_by_pattern(self.said, self.region))
        self.now = moment_of(tagged_text(system, "now"))
        self.opening = _opening(tagged_text(system, "hours"))

    def say(self, phrase: Phrase) -> str:
        """A fixed text in the contact's language."""
        return say(phrase, self.language, self.business)

    def was_just_said(self, *phrases: Phrase) -> bool:
        """Whether the last reply holds one of these, in whatever language."""
        return any(
            say(phrase, language) in self.before for phrase in phrases for language in ("en", self.language)
        )

    def question(self) -> str:
        """One missing detail; each is asked for once, and not right after another question."""

        def in_(text: str, field: Phrase) -> bool:
            return any(say(field, language) in text for language in ("en", self.language))

        places = [[*ASKED_FOR].index(name) for name in self.missing if name in ASKED_FOR]
        wanted: list[Phrase] = [ASKED_FOR[n] for n in places if not in_(self.spoken, ASKED_FOR[n])]
        if not wanted or any(in_(self.before, field) for field in ASKED_FOR):
            return ""
        return f"\n\n{self.say(wanted[0])}"


def _asked(answer: ToolMessage, turn: Sequence[AnyMessage | BaseMessage]) -> str:
    """What a tool was asked for, where that was a `query`."""
    calls = [call for m in turn if isinstance(m, AIMessage) for call in m.tool_calls]
    args = next((call["args"] for call in calls if call["id"] == answer.tool_call_id), dict[str, Any]())
    return str(args.get("query", ""))


def _passages(system: str) -> Iterator[tuple[str, str, str, str, str]]:
    """(document, page, language, match, text) of each passage of a prompt."""
    at = 0
    while opening := _PASSAGE.search(system, at):
        end = system.find("\n</passage>", opening.end())
        if end < 0:
            return
        document, page, language, match = opening.groups()
        yield document, page, language, match, system[opening.end() : end]
        at = end


def tagged_text(text: str, name: str) -> str:
    """What stands between `<name>` and `</name>` of a prompt; empty where they do not stand."""
    _, _, behind = text.partition(f"<{name}>")
    inside, closing, _ = behind.partition(f"</{name}>")
    return inside.strip() if closing else ""


def _opening(text: str) -> Opening | None:
    found = _HOURS.search(text)
    if not found:
        return None
    days, start, end, state, at = found.groups()
    return Opening(days=days, start=start, end=end, open=state.startswith("open"), until=at.strip())
