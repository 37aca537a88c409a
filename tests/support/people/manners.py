"""Asks the offline model what customers ask, over the documents and the opening hours of three businesses."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import yaml
from langchain_core.messages import HumanMessage
from langgraph.checkpoint.memory import InMemorySaver

from agent.documents import folder
from agent.graph import build
from agent.models.chat import Models
from agent.models.offline import offline_model
from server.bots.bot import Bot, build_bot
from server.config.settings import Settings
from server.pipeline.turn_start import start_of
from server.store.records import Contact

HERE = Path(__file__).parents[2] / "agent" / "offline" / "manners"
DEFAULT_AT = "2026-12-01 12:00"
# What no answer to a customer holds: names of files, columns of tables, places of pages.
NEVER = re.compile(r"\.(?:csv|md|pdf|txt)\b|\(category:|in stock: \d|, p\. \d")


def questions(name: str = "questions") -> list[dict[str, Any]]:
    """The questions of a file, each with what a right answer holds."""
    return yaml.safe_load((HERE / f"{name}.yaml").read_text(encoding="utf-8"))


class Desk:
    """Three businesses whose bots have no chat model but the offline one."""

    def __init__(self) -> None:
        self._known = yaml.safe_load((HERE / "businesses.yaml").read_text(encoding="utf-8"))
        self.bots = {name: self._bot(name, {}) for name in self._known}
        models = Models(offline_model())
        self._graphs: dict[str, Any] = {
            name: build(models, folder(HERE / name), InMemorySaver()) for name in self._known
        }
        self._asked = 0

    def _bot(self, name: str, hours: dict[str, Any]) -> Bot:
        """A bot with its hours, those of `hours` in their place; None: none are set."""
        known = self._known[name]
        given = {"timezone": known["hours"]["timezone"]} if None in hours.values() else known["hours"] | hours
        config = {"id": name, "business": known["business"], "hours": given, "model": "offline"}
        return build_bot(Settings(_env_file=None), config, {})  # pyright: ignore[reportCallIssue]

    async def ask(self, question: dict[str, Any]) -> list[str]:
        """The replies to each message of a conversation of its own."""
        at = question.get("at", DEFAULT_AT)
        return (await self._talk(self.bots[question["bot"]], question["say"], at))[0]

    async def talk(
        self, name: str, said: list[str], hours: dict[str, Any] | None = None
    ) -> tuple[list[str], dict[str, Any]]:
        """(replies, what the conversation remembers) of messages to a bot."""
        bot = self._bot(name, hours) if hours else self.bots[name]
        return await self._talk(bot, said, DEFAULT_AT)

    async def _talk(self, bot: Bot, said: list[str], at: str) -> tuple[list[str], dict[str, Any]]:
        self._asked += 1
        graph, replies = self._graphs[bot.id], []
        values: dict[str, Any] = {}
        contact = Contact(id=f"c{self._asked}", bot_id=bot.id)
        now = datetime.fromisoformat(at).replace(tzinfo=ZoneInfo(bot.outreach.hours.zone))
        for n, text in enumerate(said):
            messages = [HumanMessage(text, id=f"m{self._asked}.{n}")]
            turn = start_of(bot, contact, f"t{n}", messages, values, int(now.timestamp() * 1000))
            config: Any = {"configurable": {"thread_id": contact.id}}
            answer = await graph.ainvoke(turn, config, context=bot.context)
            values = (await graph.aget_state(config)).values
            replies.append("\n".join(answer.get("replies", [])) or "(silence)")
            known = {name: value for name, value in values["profile"].items() if value}
            contact = contact.model_copy(update={"profile": known})
        return replies, values


def faults(question: dict[str, Any], replies: list[str]) -> list[str]:
    """What is wrong with the answer to a question, the last of the replies; nothing when it is right."""
    last = replies[-1]
    found = [f"lacks {p}" for p in question["must"] if not re.search(p, last, re.I)]
    found += [f"holds {m.group()!r}" for p in question["lacks"] if (m := re.search(p, last, re.I))]
    found += [f"shows {m.group()!r}" for m in NEVER.finditer(last)]
    if last == "(silence)":
        found.append("is silent")
    return found
