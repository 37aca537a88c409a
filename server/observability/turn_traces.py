"""How a reply came about: what each turn did, node by node, for the people who ask why; and how long nodes
take.

trace:C:TURN   STRING   JSON of a `Trace`, for 30 days, or as long as the transcript is kept
node_times     HASH     `NODE le BUCKET` counts, `NODE ms` sums (Prometheus: cumulative histogram)
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import AsyncGenerator, Iterable, Sequence

import structlog
from langchain_core.messages import AIMessage, ToolMessage
from pydantic import Field

from agent.models.usage import Call
from agent.state import State, text_of
from server.bots.bot import BotRuntime
from server.clock import now_ms
from server.observability import opentelemetry
from server.store.client import Redis
from server.store.keys import key
from server.store.mailbox import DAY
from server.store.records import Record

KEPT = 30 * DAY
# Of a passage, a tool's arguments or its answer, characters.
LONGEST = 600
# Upper bounds of the histogram of node times, ms.
BUCKETS = (10, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000)

log = structlog.get_logger()


class Step(Record):
    """A node of the graph that ran; those that ran side by side began together."""

    node: str = Field(description="Its name")
    ms: int = Field(description="How long it took, milliseconds")
    began: int = Field(default=0, description="When it began, milliseconds after the turn did")


class Used(Record):
    """A tool call and its answer."""

    tool: str = Field(description="The tool's name")
    arguments: str = Field(description="What it was called with")
    answer: str = Field(default="", description="What it answered")
    failed: bool = Field(default=False, description="Whether it failed")


class TracePassage(Record):
    """A passage of a document that the agent was given."""

    document: str = Field(description="The document's name")
    page: int = Field(description="The page it stands on")
    text: str = Field(description="Its words, cut after 600 characters")
    strong: bool = Field(description="Whether it probably answers the question")


class Backed(Record):
    """A sentence of a reply with one thing that it rests on."""

    sentence: str = Field(description="The sentence")
    source: str = Field(default="", description="What it rests on; empty: it claims nothing")
    quote: str = Field(default="", description="The exact words there")
    passage: str = Field(default="", description="The passage or row that they stand in")

    @property
    def marked(self) -> tuple[str, str, str]:
        """The passage before the quote, the quote as it stands there, and what follows."""
        at = self.passage.casefold().find(self.quote.casefold())
        if at < 0 or len(self.passage.casefold()) != len(self.passage):
            return self.passage, "", ""
        end = at + len(self.quote)
        return self.passage[:at], self.passage[at:end], self.passage[end:]


class Paid(Record):
    """A model call and its cost."""

    purpose: str = Field(description="What it was for")
    model: str = Field(description="The chat model")
    input_tokens: int = Field(description="Tokens of the question")
    output_tokens: int = Field(description="Tokens of the answer")
    cost: float = Field(description="US dollars")


class Rewritten(Record):
    """A reply that `ground` did not let pass."""

    draft: str = Field(description="What the model had written")
    complaint: str = Field(description="Why it was not sent")


class Trace(Record):
    """One turn: how its replies came about."""

    turn_id: str = Field(description="Its id")
    at: int = Field(description="When it ended, Unix milliseconds")
    ms: int = Field(description="How long it took, milliseconds")
    waited: int = Field(default=0, description="From the contact's first message to its end, milliseconds")
    resumed: bool = Field(
        default=False, description="It went on after a crash; what ran before that is not known"
    )
    steps: list[Step] = Field(default=[], description="The nodes that ran, in order")
    verdict: str = Field(default="", description="What the moderator decided")
    reason: str = Field(default="", description="Why the moderator decided so")
    topic: str = Field(default="", description="What the contact asked about")
    tools: list[Used] = Field(default=[], description="Tools that were called")
    passages: list[TracePassage] = Field(default=[], description="Passages of documents the agent was given")
    checked: list[str] = Field(default=[], description="What supports each promise of the reply")
    backed: list[Backed] = Field(
        default=[], description="What each sentence of the reply rests on, where a model read it"
    )
    rewritten: list[Rewritten] = Field(default=[], description="Replies that were not let pass")
    prompts: list[str] = Field(default=[], description="Prompts that were used, `NAME@VERSION`")
    model: str = Field(default="", description="The chat model that answered")
    calls: list[Paid] = Field(default=[], description="Model calls with their cost")
    traceparent: str = Field(
        default="", description="Its span, where traces are exported (W3C Trace Context)"
    )


class Tracing:
    """Watches one turn as the graph streams it."""

    def __init__(self, resumed: bool) -> None:
        self._resumed = resumed
        self._began = self._step = time.monotonic()
        self._steps: list[Step] = []
        self._tools: dict[str, Used] = {}
        self._rewritten: list[Rewritten] = []

    def stepped(self) -> None:
        """All nodes that ran side by side are done."""
        self._step = time.monotonic()

    def saw(self, node: str, written: Iterable[State]) -> None:
        """A node is done, and has `written` this to the working memory."""
        took, began = time.monotonic() - self._step, self._step - self._began
        self._steps.append(Step(node=node, ms=round(took * 1000), began=round(began * 1000)))
        for part in written:
            self._look(part)

    def _look(self, part: State) -> None:
        draft, complaint = part.get("draft"), part.get("complaint")
        if draft and complaint:
            self._rewritten.append(Rewritten(draft=draft[:LONGEST], complaint=complaint[:LONGEST]))
        for message in part.get("messages") or []:
            if isinstance(message, AIMessage):
                for call in message.tool_calls:
                    used = Used(tool=call["name"], arguments=str(call["args"])[:LONGEST])
                    self._tools[call["id"] or call["name"]] = used
            elif isinstance(message, ToolMessage):
                used = self._tools.get(message.tool_call_id) or Used(tool=message.name or "", arguments="")
                answer = {"answer": text_of(message)[:LONGEST], "failed": message.status == "error"}
                self._tools[message.tool_call_id] = used.model_copy(update=answer)

    def trace(self, turn_id: str, values: State, calls: Sequence[Call], asked_at: int) -> Trace:
        """What there is to tell at the end of the turn; `values` is what the graph ended with."""
        passages = [
            TracePassage(document=p["document"], page=p["page"], text=p["text"][:LONGEST], strong=p["strong"])
            for p in values.get("passages") or []
        ]
        paid = [
            Paid(
                purpose=c.purpose,
                model=c.model,
                input_tokens=c.input_tokens,
                output_tokens=c.output_tokens,
                cost=c.cost,
            )
            for c in calls
        ]
        return Trace(
            turn_id=turn_id,
            at=now_ms(),
            ms=round((time.monotonic() - self._began) * 1000),
            waited=now_ms() - asked_at if asked_at else 0,
            resumed=self._resumed,
            steps=self._steps,
            verdict=values.get("verdict") or "",
            reason=values.get("reason") or "",
            topic=(values.get("topic") or "")[:LONGEST],
            tools=list(self._tools.values()),
            passages=passages,
            checked=values.get("checked") or [],
            backed=[Backed.model_validate(row) for row in values.get("backed") or []],
            rewritten=self._rewritten,
            prompts=values.get("prompts") or [],
            model=values.get("model") or "",
            calls=paid,
        )


async def keep_trace(redis: Redis, runtime: BotRuntime, conversation_id: str, trace: Trace) -> None:
    """Put a turn's trace on record, and its times with those of others."""
    times = key(runtime.bot.id, "node_times")
    async with redis.pipeline(transaction=False) as pipe:
        kept = min(KEPT, runtime.mailbox.limits.keep or KEPT)
        pipe.set(
            key(runtime.bot.id, "trace", conversation_id, trace.turn_id), trace.model_dump_json(), px=kept
        )
        for step in [*trace.steps, Step(node="turn", ms=trace.ms)]:
            bucket = next((str(limit) for limit in BUCKETS if step.ms <= limit), "+Inf")
            pipe.hincrby(times, f"{step.node} le {bucket}", 1)
            pipe.hincrby(times, f"{step.node} ms", step.ms)
        await pipe.execute()


def export_trace(runtime: BotRuntime, conversation_id: str, trace: Trace, parent: str) -> Trace:
    """The trace with its spans sent to where traces go (`server.observability.opentelemetry`), under the
    webhook's."""
    end = opentelemetry.now()
    start, about = (
        end - trace.ms * 1_000_000,
        {"bot": runtime.bot.id, "conversation": conversation_id, "turn": trace.turn_id},
    )
    carried = opentelemetry.span(
        "turn", parent, start, end, {**about, "verdict": trace.verdict, "model": trace.model}
    )
    for step in trace.steps if carried else []:
        began = start + step.began * 1_000_000
        opentelemetry.span(step.node, carried, began, began + step.ms * 1_000_000, about)
    return trace.model_copy(update={"traceparent": carried})


@contextlib.asynccontextmanager
async def sending(runtime: BotRuntime, conversation_id: str, reply_id: str) -> AsyncGenerator[None]:
    """Around a request that sends a reply: it is in the log, and in its turn's trace, once it was taken."""
    began = opentelemetry.now()
    yield
    log.info("sent", bot=runtime.bot.id, conversation=conversation_id, reply=reply_id)
    if opentelemetry.tracer():
        await mark(runtime.redis, runtime.bot.id, conversation_id, reply_id, "send", began)


async def mark(redis: Redis, bot_id: str, conversation_id: str, reply_id: str, name: str, began: int) -> None:
    """A span of something that happened to a reply, under its turn's; nothing where no turn wrote it."""
    turn_id = reply_id.partition(":")[0]
    trace = await find_trace(redis, bot_id, conversation_id, turn_id)
    if trace and trace.traceparent:
        about = {"bot": bot_id, "conversation": conversation_id, "turn": turn_id, "reply": reply_id}
        opentelemetry.span(name, trace.traceparent, began, opentelemetry.now(), about)


async def find_trace(redis: Redis, bot_id: str, conversation_id: str, turn_id: str) -> Trace | None:
    """The trace of a turn; None when it is too long ago, or there was no such turn."""
    raw = await redis.get(key(bot_id, "trace", conversation_id, turn_id))
    return Trace.model_validate_json(raw) if raw else None


async def node_times(redis: Redis, bot_id: str) -> dict[str, tuple[list[tuple[str, float]], float]]:
    """Of each node and of whole turns (`turn`): cumulative (upper bound in seconds, count) pairs, and the sum
    in seconds."""
    raw = await redis.hgetall(key(bot_id, "node_times"))
    counts = {name.decode(): int(value) for name, value in raw.items()}
    found: dict[str, tuple[list[tuple[str, float]], float]] = {}
    for node in sorted({name.partition(" ")[0] for name in counts}):
        buckets, total = list[tuple[str, float]](), 0
        for limit in BUCKETS:
            total += counts.get(f"{node} le {limit}", 0)
            buckets.append((str(limit / 1000), float(total)))
        buckets.append(("+Inf", float(total + counts.get(f"{node} le +Inf", 0))))
        found[node] = (buckets, counts.get(f"{node} ms", 0) / 1000)
    return found
