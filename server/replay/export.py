"""A conversation of production as a saved one: people taken out, what was answered put on tape."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from pydantic import Field

from agent.context import PROFILE_FIELDS, STAGES, TOPICS, Context
from agent.models.chat import Models
from agent.models.offline import offline_model
from agent.models.usage import Meter
from agent.nodes.retrieve import Knowledge
from agent.ordering.taps import CART
from agent.state import Quoted
from channels.base import ANSWERED
from knowledge_base.goods.catalogue import Catalogue
from server.bots.bot import Bot
from server.config.working_hours import DAYS
from server.replay.boundary import StandIn
from server.replay.heard import Played
from server.replay.masking import Mask
from server.replay.play import MINUTE, PAUSE, Playing, play
from server.replay.saved import (
    BadConversation,
    SavedConversation,
    cart_sent,
    conversation_file,
    parse_conversation,
)
from server.replay.tape import Recorded
from server.store.records import Contact, Entry
from tools.price_list import PriceList

# The model of an exported conversation: what was said then, whoever said it.
EXPORTED = "exported"
# Settings that are lists of people's numbers.
LISTS = frozenset({"allow", "ignore", "respond_to_whitelist"})
# Messages nobody answered that are further apart (ms) were no burst.
BURST = 10 * MINUTE
_FILES = {"audio": "voice", "image": "image", "video": "video", "document": "document", "sticker": "sticker"}
_SAME = {"button": "button", "reaction": "reaction"}


@dataclass(frozen=True, slots=True)
class Exported:
    """A file and its tape; what was replaced; and the turns that this graph would not have answered as they
    were."""

    file: str
    tape: Recorded
    replaced: Mapping[tuple[str, str], str]
    differs: Sequence[str]


@dataclass(frozen=True, slots=True)
class _Then:
    """One turn of the transcript."""

    at: int
    entries: tuple[Entry, ...]

    def by(self, author: str) -> list[Entry]:
        return [entry for entry in self.entries if entry.author == author]


@dataclass(frozen=True, slots=True)
class Transcript:
    """A contact and everything that was said with them, oldest first."""

    contact: Contact
    entries: Sequence[Entry]


async def export_conversation(
    name: str, transcript: Transcript, bot: Bot, knowledge: Knowledge, mask: Mask, bad: str = ""
) -> Exported:
    """The saved conversation of a transcript. `bad`: words that the last reply must not have had. Raises
    BadConversation for a transcript without a message of the contact."""
    contact, heard = transcript.contact, ANSWERED | {"reaction"}
    entries = [
        e.model_copy(update={"text": mask(e.text), "heard": mask(e.heard)})
        for e in transcript.entries
        if e.author != "contact" or e.kind in heard
    ]
    profile = {field: mask(value) for field, value in contact.profile.items()}
    then = list(_turns(entries))
    if not any(turn.by("contact") for turn in then):
        raise BadConversation(f"{name}: nobody wrote in this conversation")
    file = _file(name, contact, then, bot, mask, mask(bad))
    saved = parse_conversation(conversation_file(file), name)
    answers = [
        _Answers.of(turn, contact, profile) for turn in then for _ in range(1 + _handed_back(then, turn))
    ]
    models = Models(offline_model(), EXPORTED, attempts=1)
    models.put(EXPORTED, RecordedModel(answers=answers))
    changes = {"knowledge_base": bot.context.knowledge_base or bot.id}
    playing = Playing(models, _Masked(knowledge, mask), "record", changes)
    played, tape = await play(name, saved, Recorded(), playing)
    if bad and played.passed:
        said = next((turn.reply for turn in reversed(played.turns) if turn.replies), "")
        why = f"--bad: the last reply does not have {bad!r}, so this would be no failing test"
        raise BadConversation(f"{why}; it is: {said[:200]}")
    return Exported(
        conversation_file(file), tape, dict(mask.replaced), list(_differences(then, saved, played))
    )


def mask_of(transcript: Transcript, names: Sequence[str]) -> Mask:
    """What takes people out of a conversation: its contact, everybody of a group, and `names` of those who
    are spoken of."""
    contact = transcript.contact
    people = [contact.name, *(contact.profile.get(field, "") for field in ("name", "last_name")), *names]
    if contact.user_id.endswith("@g.us"):  # in a group everybody's name stands before what they say
        people += [entry.text.partition(": ")[0] for entry in transcript.entries if ": " in entry.text[:60]]
    return Mask(people, [contact.profile.get("company", "")])


def _turns(entries: Sequence[Entry]) -> Iterator[_Then]:
    """A turn is what a contact writes until somebody answers, with the answers; a touch, and what a person of
    the business writes, are turns of their own."""
    current: list[Entry] = []
    for entry in entries:
        apart = entry.author == "person" or (entry.touch and not any(e.touch == entry.touch for e in current))
        answered, late = (
            any(e.author != "contact" for e in current),
            current and entry.at - current[-1].at > BURST,
        )
        ends = entry.author == "contact" and (answered or late)
        if current and (apart or ends or current[-1].author == "person"):
            yield _Then(current[0].at, tuple(current))
            current = []
        current.append(entry)
    if current:
        yield _Then(current[0].at, tuple(current))


def _handed_back(then: Sequence[_Then], turn: _Then) -> bool:
    """Whether the bot answers again here after a person had taken over."""
    owned = False
    for each in then:
        back = owned and bool(each.by("bot")) and not each.by("person")
        owned = bool(each.by("person")) or (owned and not back)
        if each is turn:
            return back
    return False


def _file(
    name: str, contact: Contact, then: Sequence[_Then], bot: Bot, mask: Mask, bad: str
) -> dict[str, Any]:
    local = bot.outreach.hours.local(then[0].at - int(PAUSE * MINUTE))
    turns: list[dict[str, Any]] = []
    places: list[tuple[int, _Then]] = []
    before = then[0].at - int(PAUSE * MINUTE)
    for turn in then:
        gap = max(PAUSE, (turn.at - before) / MINUTE)
        after = {"after": _duration(gap)} if gap > 2 * PAUSE else {}
        if _handed_back(then, turn):
            turns.append({"hand_back": True, **after})
            after = {}
        places.append((len(turns), turn))
        turns.append({**_said(turn, gap), **({} if turn.by("bot") and turn.by("bot")[0].touch else after)})
        before = turn.at
    answered = [place for place, said in places if said.by("bot")]
    if bad and answered:
        turns[answered[-1]]["expect"] = {"reply": {"lacks": [bad]}}
    elif "user" in turns[-1]:
        turns[-1]["expect"] = {"silent": not then[-1].by("bot")}
    number = {"number": "12025550100", "name": mask(contact.name)} if contact.name else {}
    settings = mask.patterns(settings_in_file(bot))  # a customer's name is another's in the shop's own words
    return {
        "about": f"Exported as {name}: say here what it shows.",
        "tags": ["exported"],
        "at": local.strftime("%Y-%m-%d %H:%M"),
        **({"channel": channel} if (channel := bot.channel_of(contact.account)) != "cloud_api" else {}),
        **({"contact": number} if number else {}),
        **({"bot": settings} if settings else {}),
        "turns": turns,
    }


def _said(turn: _Then, gap: float) -> dict[str, Any]:
    if person := turn.by("person"):
        return {"operator": "\n".join(entry.text for entry in person)}
    if not turn.by("contact"):
        return {"silence": _duration(gap + 60)}
    burst = [_message(entry) for entry in turn.by("contact")]
    return {"user": burst[0] if len(burst) == 1 else burst}


def _message(entry: Entry) -> Any:
    if entry.kind == "audio":
        return {"voice": entry.heard or ""}
    if entry.kind in ("location", "contacts"):  # where somebody is, and whom they know
        return {entry.kind: "a place" if entry.kind == "location" else "somebody"}
    if lines := cart_sent(entry.order or {}):
        return {"order": lines}
    kind = _FILES.get(entry.kind) or _SAME.get(entry.kind)
    tap = {"payload": entry.choice} if kind == "button" and entry.choice.startswith(CART) else {}
    return {kind: entry.text, **tap} if kind else entry.text


def _duration(minutes: float) -> str:
    whole = round(minutes)
    if whole % 1440 == 0:
        return f"{whole // 1440}d"
    return f"{whole // 60}h" if whole % 60 == 0 else f"{whole}m"


def settings_in_file(bot: Bot) -> dict[str, Any]:
    """What of the bot is not as it is by default, as in a file of bots; its models and its lists of numbers
    are left out."""
    models = {name for name in Context.model_fields if name == "model" or name.endswith("_model")}
    own = bot.context.model_dump(
        mode="json", exclude_defaults=True, exclude={*models, *LISTS, "knowledge_base", "daily_budget"}
    )
    if bot.outreach.enabled:
        hours = bot.outreach.hours
        days = ",".join(DAYS[day].capitalize() for day in sorted(hours.days))
        own["hours"] = {"timezone": hours.zone, "days": days, "start": hours.start, "end": hours.end}
        own["hours"]["holidays"] = hours.country or "none"
        own["outreach"] = bot.outreach.model_dump(mode="json", exclude_defaults=True, exclude={"hours"})
    return own


@dataclass(frozen=True, slots=True)
class _Answers:
    """What the models must have answered in one turn."""

    replies: tuple[str, ...]
    facts: Mapping[str, str]
    kind: str

    @classmethod
    def of(cls, turn: _Then, contact: Contact, profile: Mapping[str, str]) -> _Answers:
        ids = {entry.id for entry in turn.by("contact")}
        facts = {f: profile[f] for f in PROFILE_FIELDS if contact.sources.get(f) in ids and profile.get(f)}
        used = {name.partition("@")[0] for entry in turn.by("bot") for name in entry.prompts}
        for field, known in (("topic", TOPICS), ("stage", STAGES)):
            if found := next((name for name in known if name in used), ""):
                facts[field] = found
        spoken = [list(group) for _, group in groupby(turn.by("bot"), key=lambda e: e.turn_id)]
        replies = tuple("\n\n".join(entry.text for entry in group) for group in spoken)
        return cls(replies, facts, profile.get("class") or "unknown")


class RecordedModel(StandIn):
    """A model that answers what was answered then; where nothing was, it fails, and the offline model
    answers."""

    answers: Any
    used: dict[str, int] = Field(default_factory=dict[str, int])

    @property
    def _llm_type(self) -> str:
        return EXPORTED

    async def answer(
        self, node: str, messages: list[BaseMessage], offered: Sequence[Any], choice: Any
    ) -> AIMessage:
        number = next((turn for m in reversed(messages) if (turn := _turn_of(m))), 1)
        return self._answer(node, number)

    def _answer(self, node: str, number: int) -> AIMessage:
        then: _Answers = self.answers[min(number, len(self.answers)) - 1]
        if node == "moderate":
            return _call("Verdict", {"contact_class": then.kind, "reason": "as recorded"})
        if node == "extract":
            return _call("Facts", dict(then.facts))
        if node == "follow_up":  # the contact's last message belongs to an earlier turn
            number = (
                next((i for i in range(number, len(self.answers)) if self.answers[i].replies), number) + 1
            )
            then = self.answers[min(number, len(self.answers)) - 1]
        key = f"{number}/{node}"
        place = self.used[key] = self.used.get(key, 0) + 1
        if node not in ("sell", "follow_up") or place > len(then.replies):
            raise LookupError(f"nothing was answered at {key}/{place}")
        return AIMessage(then.replies[place - 1])


def _turn_of(message: BaseMessage) -> int:
    """The turn a contact's message belongs to, by its id; 0 for any other."""
    match = re.fullmatch(r"(\d+)\.\d+", message.id or "")
    return int(match[1]) if match and isinstance(message, HumanMessage) else 0


def _call(name: str, args: dict[str, Any]) -> AIMessage:
    return AIMessage("", tool_calls=[{"name": name, "args": args, "id": f"call_{name}"}])


class _Masked:
    """Documents with nobody in them."""

    def __init__(self, live: Knowledge, mask: Mask) -> None:
        self._live, self._mask = live, mask

    async def passages(
        self, bot_id: str, question: str, before: str, count: int, meter: Meter
    ) -> list[Quoted]:
        found = await self._live.passages(bot_id, question, before, count, meter)
        return [Quoted(**{**passage, "text": self._mask.patterns(passage["text"])}) for passage in found]  # pyright: ignore[reportArgumentType]

    async def price_list(self, bot_id: str) -> PriceList:
        return Catalogue.of_rows(self._mask.patterns((await self._live.price_list(bot_id)).rows))


def _differences(then: Sequence[_Then], saved: SavedConversation, played: Played) -> Iterator[str]:
    turns = iter(then)
    for turn, heard in zip(saved.turns, played.turns, strict=True):
        if turn.hand_back:
            continue
        was = "\n\n".join(entry.text for entry in next(turns).by("bot"))
        if _flat(was) != _flat(heard.reply):
            yield f"turn {heard.turn}: it was {was[:120]!r}; this graph makes of it {heard.reply[:120]!r}"


def _flat(text: str) -> str:
    return " ".join(text.split())
