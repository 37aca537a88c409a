"""Plays a saved conversation through the graph, with a clock of its own, as the server would: same words,
same rules."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast
from zoneinfo import ZoneInfo

from langchain_core.messages import AIMessage, AnyMessage, HumanMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.store.memory import InMemoryStore

from agent.graph import build
from agent.models.chat import Models
from agent.models.usage import Call, Meter
from agent.nodes.retrieve import Knowledge
from agent.ordering.taps import as_tapped
from agent.state import State, Touch
from agent.turn_services import TurnServices
from channels.base import Media, Message
from channels.emulators.numbers import SIMULATED
from channels.registry import channels
from server.bots.bot import Bot, build_bot
from server.config.bot import BadConfig
from server.config.settings import Settings
from server.conversations.message_text import (
    STOP,
    message_line,
    of_group,
    pressed_stop,
    quoting,
    reacted,
    voiced,
)
from server.conversations.outbox import texts_of
from server.outreach import rules
from server.outreach.rules import HOUR
from server.pipeline.turn_start import start_of
from server.pipeline.worker_services import pause_is_over
from server.replay.boundary import TapedKnowledge, TapedModels, taped_calls
from server.replay.calendar import PaperCalendar
from server.replay.carts.paper_desk import PaperBook, TapedDesk, cart_told
from server.replay.expect import failures
from server.replay.heard import Played, PlayedTurn
from server.replay.judge import judged
from server.replay.saved import BadConversation, Said, SavedConversation, Turn
from server.replay.tape import Mode, Recorded, Tape
from server.store.records import Contact, Plan

MINUTE = 60_000
# What the graph ends with where it was not asked.
NOTHING = State(messages=[])
# How long after a turn the next begins where the file does not say.
PAUSE = 2.0
BOT = "saved"
_KINDS = {"voice": "audio"}


@dataclass(frozen=True, slots=True)
class Playing:
    """What a conversation is played with. `live` is asked where the tape may not answer; `changes` are
    settings of the bot over those of the file; `forced`: every turn but the one that is looked at goes as
    recorded; `fills`: `live` is asked what neither file nor tape answers; `meters`: what each turn may spend,
    and is counted on."""

    live: Models
    knowledge: Knowledge
    mode: Mode = "replay"
    changes: Mapping[str, Any] | None = None
    forced: bool = False
    settings: Settings | None = None
    fills: bool = False
    meters: Callable[[], Meter] = Meter


async def play(
    name: str, saved: SavedConversation, old: Recorded, playing: Playing
) -> tuple[Played, Recorded]:
    """How the conversation went, and what a tape of it would hold. Raises BadConversation."""
    tape = Tape(old, playing.mode, playing.fills)
    talk = Talk(name, saved, tape, playing)
    history = Talk(name, saved, Tape(old, "accept"), _as_recorded(playing)) if playing.forced else None
    turns: list[PlayedTurn] = []
    for turn in saved.turns:
        if history:
            await talk.become(history)
        turns.append(await talk.take(turn))
        if history:
            await history.take(turn)
    problems = [f"{name}: {problem}" for problem in tape.finished()]
    if history:
        problems += [f"{name}: as recorded: {problem}" for problem in history.tape.problems]
    played = Played(name=name, about=saved.about, turns=tuple(turns), problems=tuple(problems))
    return played, tape.recorded(talk.models.default, talk.models.fallback or "")


def _as_recorded(playing: Playing) -> Playing:
    return Playing(playing.live, playing.knowledge, "accept", settings=playing.settings)


def bot_of_conversation(
    saved: SavedConversation, settings: Settings | None = None, changes: Mapping[str, Any] | None = None
) -> Bot:
    """The bot of a saved conversation: what the file says, over what the settings are when nobody has set
    any. Raises BadConversation."""
    plain = Settings.model_construct()
    if settings:
        plain = plain.model_copy(update={"prompt_sets": settings.prompt_sets})
    try:
        return build_bot(plain, {"model": "auto", **saved.bot, **(changes or {}), "id": BOT}, {})
    except BadConfig as error:
        raise BadConversation(f"bot: {error}") from None


class Talk:
    """One conversation in memory: the contact, what is planned, the time, and what the graph remembers."""

    def __init__(self, name: str, saved: SavedConversation, tape: Tape, playing: Playing) -> None:
        self.saved, self.tape, self._meters = saved, tape, playing.meters
        self.bot = bot_of_conversation(saved, playing.settings, playing.changes)
        self.models = TapedModels.over(tape, saved, playing.live)
        self._saver = InMemorySaver()
        self._graph = build(
            self.models,
            TapedKnowledge(tape, playing.knowledge),
            self._saver,
            calling=taped_calls(tape),
            store=InMemoryStore(),
        )
        self._config: Any = {"configurable": {"thread_id": name}}
        self.now = int(saved.at.replace(tzinfo=ZoneInfo(self.bot.outreach.hours.zone)).timestamp() * 1000)
        self._calendar, self._book = PaperCalendar(self.bot), PaperBook()
        self.contact = Contact(
            id=str(uuid.uuid5(uuid.NAMESPACE_URL, name)),
            bot_id=BOT,
            wa_id=saved.contact.number,
            account=f"{SIMULATED[saved.channel]}{BOT}",
            name=saved.contact.name,
            profile=dict(saved.profile),
            created=self.now,
        )
        self.plan = Plan()
        self._waiting: list[AnyMessage] = []
        self._reactions: list[str] = []
        self._task = ""

    async def become(self, other: Talk) -> None:
        """Go on from where another talk is."""
        self.now, self.contact, self.plan = other.now, other.contact, other.plan
        self._calendar, self._book = other._calendar.copy(), other._book.copy()
        self._waiting, self._reactions = list(other._waiting), list(other._reactions)
        values = await other._remembered()
        self._config = {"configurable": {"thread_id": uuid.uuid4().hex}}
        if values:
            await self._graph.aupdate_state(self._config, values, as_node="remember")

    async def _remembered(self) -> State:
        values: Any = (await self._graph.aget_state(self._config)).values
        return cast(State, dict(values))

    async def take(self, turn: Turn) -> PlayedTurn:
        """Play one turn, and compare it with what is expected of it."""
        self.tape.next_turn()
        before = self.now
        if turn.silence is not None:
            heard = await self._silence(turn)
        else:
            self.now += int((turn.after or PAUSE) * MINUTE)
            if turn.user and self._due():
                why = f"touch {self.plan.touch} falls due before it; put a turn with `silence` in between"
                raise BadConversation(f"turn {self.tape.turn}: {why}")
            heard = self._staff(turn) if turn.user is None else await self._user(turn.user)
        self.now = max(self.now, before)
        problems = [*failures(turn.expect, heard), *self._unused(turn)]
        if turn.expect.reply and (rubric := turn.expect.reply.judge):
            problems += await judged(self.models, "auto", rubric, heard)
        return heard.model_copy(update={"problems": tuple(problems)})

    def _unused(self, turn: Turn) -> list[str]:
        if not self.tape.keeps:
            return []
        counts = {node: (len(answers), self.tape.asked(node)) for node, answers in turn.model.items()}
        return [
            f"the file has {given} answers for {node}, and {asked} were asked for"
            for node, (given, asked) in counts.items()
            if asked < given
        ]

    def _due(self) -> bool:
        """Whether a touch would have gone out by now."""
        if not self.plan.timer or self.plan.timer > self.now:
            return False
        windowed = self.bot.windowed(self.contact.account)
        return (
            rules.decide_touch(self.bot.outreach, self.plan, self.contact, {}, self.plan.timer, windowed).what
            == "go"
        )

    def _staff(self, turn: Turn) -> PlayedTurn:
        """A person of the business writes, or hands back."""
        if turn.operator is not None:
            self._waiting.append(AIMessage(turn.operator, id=f"{self.tape.turn}.operator", name="operator"))
        self.contact = self.contact.model_copy(
            update={"assignee": "bot" if turn.hand_back else "person", "assigned_at": self.now}
        )
        said = ("[handed back to the bot]",) if turn.hand_back else (f"[a colleague writes] {turn.operator}",)
        return self._heard(said, (), NOTHING, [], 0.0)

    async def _user(self, burst: Sequence[Said]) -> PlayedTurn:
        messages, told = list[HumanMessage](), list[str]()
        for number, said in enumerate(burst, 1):
            message = self._message(said, f"{self.tape.turn}.{number}")
            if said.kind == "reaction":
                self._reactions.append(said.words)
                told.append(f"[reacts with {said.words}]")
                continue
            if said.group:
                if not self.bot.groups or not channels()[self.saved.channel].capabilities.groups:
                    told.append(f"[in a group, where the bot keeps silent] {said.words}")
                    continue
                message = of_group(message)
            text = _told(message, said)
            order = {"items": said.lines} if said.order else None
            messages.append(as_tapped(HumanMessage(text, id=message.id), said.payload, order))
            told.append(text)
        if not messages:
            return self._heard(told, (), NOTHING, [], 0.0)
        if self._reactions:
            first = messages[0]
            messages[0] = first.model_copy(update={"content": f"{reacted(self._reactions)}{first.text}"})
            told[told.index(str(first.text))], self._reactions = str(messages[0].text), []
        self.contact = self.contact.model_copy(update={"heard_at": self.now})
        if pause_is_over(self.contact, self.bot.context.handoff_minutes, self.now):
            self.contact = self.contact.model_copy(update={"assignee": "bot"})
        values, route, calls, seconds = await self._run(messages, None)
        replies = texts_of(values.get("replies", []))
        if self.bot.outreach.enabled:
            decision = values.get("decision", "")
            self.plan, _ = rules.after_turn(
                self.bot.outreach, self.plan, self.contact, decision, bool(replies), self.now
            )
        return self._heard(told, route, values, calls, seconds)

    def _message(self, said: Said, message_id: str) -> Message:
        kind: Any = _KINDS.get(said.kind, said.kind)
        has_file = said.kind in ("voice", "image", "video", "document", "sticker")
        return Message(
            id=message_id,
            account=self.contact.account,
            kind=kind,
            wa_id=self.contact.wa_id,
            name=said.group,
            group_id="group@g.us" if said.group else "",
            text=said.words,
            media=Media(id="file", filename=said.name) if has_file else None,
            payload=said.payload,
        )

    async def _silence(self, turn: Turn) -> PlayedTurn:
        """Let time pass; a touch that is due meanwhile goes out."""
        end, heard = self.now + int((turn.silence or 0) * MINUTE), None
        while self.plan.timer and self.plan.timer <= end:
            self.now = max(self.now, self.plan.timer)
            chosen = rules.decide_touch(
                self.bot.outreach,
                self.plan,
                self.contact,
                {},
                self.now,
                self.bot.windowed(self.contact.account),
            )
            if chosen.what == "later":
                self.plan = self.plan.model_copy(update={"due": chosen.at})
            elif chosen.what == "end":
                self.plan = self.plan.model_copy(update={"ended": chosen.why, "due": 0})
            elif chosen.what == "skip":
                self.plan, _ = rules.passed(self.bot.outreach, self.plan, self.contact, False, self.now)
            elif heard:
                break  # the next touch is another turn's
            else:
                hours = max(1, round((self.now - self.plan.anchor) / HOUR))
                of = len(self.plan.intervals or self.bot.outreach.intervals)
                touch = Touch(number=self.plan.touch, of=of, hours=hours, text=chosen.text)
                values, route, calls, seconds = await self._run([], touch)
                sent = bool(values.get("replies"))
                self.plan, _ = rules.passed(self.bot.outreach, self.plan, self.contact, sent, self.now)
                heard = self._heard((), route, values, calls, seconds)
        if heard and self.plan.timer and self.plan.timer <= end:
            raise BadConversation(
                f"turn {self.tape.turn}: touch {self.plan.touch} falls due in this silence too; make it two "
                "turns"
            )
        self.now = end
        return heard or self._heard((), (), NOTHING, [], 0.0)

    async def _run(
        self, messages: list[AnyMessage] | list[HumanMessage], touch: Touch | None
    ) -> tuple[State, list[str], list[Call], float]:
        meter = self._meters()
        self._calendar.now = self.now
        desk = TapedDesk(self._book, self.bot, self.contact, self.tape)
        own = TurnServices(meter, calendar=self._calendar, desk=desk)
        config = own.within(**self._config["configurable"])
        values = await self._remembered()
        start: Any = start_of(
            self.bot, self.contact, str(self.tape.turn), [*self._waiting, *messages], values, self.now
        )
        start |= {"touch": touch} if touch else {}
        self._waiting, self.tape.called = [], []
        route, together, began = list[str](), list[str](), time.perf_counter()
        chunk: Any
        # langgraph leaves open what a Command carries
        async for mode, chunk in self._graph.astream(  # pyright: ignore[reportUnknownMemberType]
            start, config, context=self.bot.context, stream_mode=["tasks", "values"]
        ):
            if mode == "values":
                values = chunk
            elif "input" in chunk:
                together.append(chunk["name"])
            else:  # the first result of a step: all of the step have begun
                route, together = [*route, *sorted(together)], []
        self._learn(values)
        return values, [*route, *sorted(together)], meter.calls, time.perf_counter() - began

    def _learn(self, values: State) -> None:
        """What the record of the contact would hold after the turn."""
        before = values["started_with"]["profile"] if "started_with" in values else {}
        profile = values.get("profile", {})
        facts = {name: value for name, value in profile.items() if before.get(name) != value}
        kept = {name: value for name, value in self.contact.profile.items() if name in profile}
        update: dict[str, Any] = {"profile": {**kept, **facts}}
        if values.get("owner") == "person" != self.contact.assignee:
            update |= {"assignee": "person", "assigned_at": self.now}
        self._task = values.get("task") or (values.get("reason", "") if "assignee" in update else "")
        self.contact = self.contact.model_copy(update=update)

    def _heard(
        self,
        said: Sequence[str],
        route: Sequence[str],
        values: State,
        calls: Sequence[Call],
        seconds: float,
    ) -> PlayedTurn:
        local = self.bot.outreach.hours.local
        return PlayedTurn(
            turn=self.tape.turn,
            at=local(self.now).isoformat(timespec="minutes"),
            said=tuple(said),
            replies=tuple(texts_of(values.get("replies", []))),
            route=tuple(route),
            verdict=values.get("verdict", "") if route else "",
            profile=self.contact.profile,
            owner=self.contact.assignee,
            tools=tuple(self.tape.called) if route else (),
            passages=tuple(
                f"{p['document']}, p. {p['page']}" for p in values.get("passages", []) if p["strong"]
            ),
            prompts=tuple(sorted(values.get("prompts", []))),
            checked=tuple(values.get("checked", [])),
            task=self._task if route else "",
            cart=cart_told(values.get("presented", [])) if route else "",
            model=values.get("model", ""),
            touch=self.plan.touch if self.plan.timer else 0,
            due=local(self.plan.timer).isoformat(timespec="minutes") if self.plan.timer else "",
            ended=self.plan.ended,
            calls=len(calls),
            tokens=(sum(c.input_tokens for c in calls), sum(c.output_tokens for c in calls)),
            cost=sum(c.cost for c in calls),
            seconds=seconds,
        )


def _told(message: Message, said: Said) -> str:
    """What the graph is told of a message, in the words of the server."""
    quote = quoting(said.quotes, "your") if said.quotes else ""
    if pressed_stop(message):
        return STOP
    if message.kind in ("text", "button", "edit"):
        text = message.text
    elif message.kind == "audio":
        text = voiced("" if said.too_large else said.words, "too_large" if said.too_large else "unheard")
    elif message.kind in ("image", "video", "document"):
        text = message_line(message, "too_large" if said.too_large else "media")
    else:
        text = message_line(message, "unreadable" if message.kind == "unsupported" else "")
    return f"{quote}{text}".strip() or "[empty message]"
