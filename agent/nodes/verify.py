"""Has every sentence of a reply read against its evidence, and sends only what is supported."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import structlog
from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.runnables import RunnableConfig
from langgraph.runtime import Runtime
from langgraph.types import Command

from agent.context import Context
from agent.grounding.citations import unquoted
from agent.grounding.claims import claims_in
from agent.grounding.notary import FIGURES, Doubt, Verified, doubts
from agent.grounding.numbered import Line, Sentence, evidence_lines, mended, sentences
from agent.grounding.verify import unsupported_claims
from agent.language.phrases import say
from agent.language.screens import is_pleasantry
from agent.models.chat import OFFLINE, Models, NoModelAnswered
from agent.models.usage import Meter
from agent.nodes.ground import Next, contact_words, evidence, judged_by_code, written_anew
from agent.nodes.retrieve import Knowledge
from agent.ordering.sums import TOOL
from agent.prompting import opening_words
from agent.prompts import filled
from agent.state import BackedSentence, Cited, State, text_of, untagged, without_notes
from agent.tapping.presenting import with_taps
from agent.turn_services import turn_services_of

# Earlier messages whose words count as evidence.
EARLIER = 16
# Lines that replies rested on which are kept for later turns, and characters of one.
MOST_CITED, LONGEST_CITED = 12, 300
# Characters of a passage that people are shown beside a sentence.
PASSAGE = 1_200

log = structlog.get_logger()


async def verify(
    state: State, runtime: Runtime[Context], config: RunnableConfig, models: Models, knowledge: Knowledge
) -> Command[Any]:
    """Lets through what a reader finds supported and code finds as cited. Any other reply is written anew
    once, with what is wrong; then its wrong sentences go, an honest line stands in their place, and a
    person gets a task. Where no reader answers, code alone decides, and lets sentences on what the shop
    does and has pass only where the evidence has them in the same words."""
    judged = await _judged(state, runtime.context, config, models)
    return await with_taps(judged, state, runtime.context, knowledge)


async def _judged(state: State, context: Context, config: RunnableConfig, models: Models) -> Command[Next]:
    reply = state.get("replies", [""])[-1]
    parts = sentences(reply)
    if not any(_may_claim(part) for part in parts):
        return Command(goto="passed")
    known = evidence_lines(evidence_of_turn(state, context))
    asking = request(context, known, contact_words(state), parts)
    verified = await _read(asking, len(parts), context, models, turn_services_of(config).meter)
    if verified is None:
        return judged_by_code(state, context, [part.text for part in unquoted(parts, known)])
    vetoed = {finding.claim.text.strip() for finding in unsupported_claims(reply, evidence(state, context))}
    today = (
        datetime.fromtimestamp(state.get("at", 0) / 1000, UTC).date().isoformat() if state.get("at") else ""
    )
    said = {one.n for one in verified.sentences}
    judged = [part for part in parts if part.n in said or _may_claim(part)]
    wrong = doubts(judged, known, verified.sentences, today=today, vetoed=vetoed)
    if not wrong:
        update = {
            "checked": _supports(parts, known, verified),
            "backed": _backed(parts, known, verified),
            "cited": _cited(state, known, verified),
        }
        return Command(update=update, goto="passed")
    log.warning("unsupported", sentences=len(wrong), again=not state.get("complaint"))
    if not state.get("complaint"):
        return written_anew(state, [_complaint(doubt) for doubt in wrong])
    return _mended(state, reply, parts, wrong)


def request(
    context: Context, known: Sequence[Line], question: str, parts: Sequence[Sentence]
) -> list[AnyMessage]:
    """What a reader is asked."""
    told = "\n".join(f"[{line.id}] {untagged(line.text)}" for line in known) or "none"
    reply = "\n".join(f"{part.n}. {untagged(part.text)}" for part in parts)
    asked = f"<customer>\n{untagged(question)}\n</customer>"
    text = f"<evidence>\n{told}\n</evidence>\n{asked}\n<reply>\n{reply}\n</reply>"
    return [SystemMessage(filled(context.verify_prompt, business=context.business)), HumanMessage(text)]


def evidence_of_turn(state: State, context: Context) -> Iterator[tuple[str, str, str]]:
    """All that a reply of this turn may rest on, what matters most first: (sort, what people call it,
    text)."""
    if now := state.get("now"):
        yield "n", "the clock", now
    if opening := state.get("opening"):
        yield "n", "the opening hours", opening_words(opening)
    yield "f", "the bot's facts", f"{context.business}\n{context.facts}".strip()
    turn = _of_turn(state["messages"])
    for message in turn:
        if isinstance(message, ToolMessage) and message.status != "error":
            yield "t", f"the answer of {message.name}", text_of(message)
    for passage in state.get("passages", []):
        yield "p", f"{passage['document']}, p. {passage['page']}", passage["text"]
    said = [message for message in state["messages"][:-1] if message not in turn][-EARLIER:] + turn
    for message in said:
        if isinstance(message, HumanMessage):
            yield "c", "the customer's words", without_notes(text_of(message))
        elif isinstance(message, AIMessage) and text_of(message).strip():
            colleague = message.name == "operator"
            yield (
                ("o", "a colleague's words", text_of(message))
                if colleague
                else ("r", "an earlier reply", text_of(message))
            )
    yield from _told_before(state)
    profile = "; ".join(f"{name}: {value}" for name, value in state.get("profile", {}).items() if value)
    for known in filter(None, (profile, "\n".join(state.get("notes", {}).values()))):
        yield "c", "what is known of the customer", known
    if summary := state.get("summary"):
        yield "s", "the summary", summary


def _told_before(state: State) -> Iterator[tuple[str, str, str]]:
    """The lines that earlier replies rested on, where their passage is not found again."""
    found = "\n".join(passage["text"] for passage in state.get("passages", []))
    for told in state.get("cited", []):
        if told["text"] not in found:
            yield "e", told["source"], f"Told the customer on {told['on']}: {told['text']}"


def _of_turn(messages: Sequence[AnyMessage]) -> list[AnyMessage]:
    """The messages since somebody last got an answer, but for the reply itself."""
    found: list[AnyMessage] = []
    for message in reversed(messages[:-1]):
        if isinstance(message, AIMessage) and not message.tool_calls:
            break
        found.insert(0, message)
    return found


def _may_claim(part: Sentence) -> bool:
    """Whether a sentence can assert something: a question without a figure and a pleasantry cannot."""
    figures = [claim for claim in claims_in(part.text) if claim.kind in FIGURES]
    return bool(figures) or not (part.text.rstrip("»”\"')").endswith(("?", "؟")) or is_pleasantry(part.text))


async def _read(
    messages: Sequence[AnyMessage], count: int, context: Context, models: Models, meter: Meter
) -> Verified | None:
    """The judgement of the verifier's model on so many sentences; None where it gives none."""
    name = context.model_of("verify")
    if models.resolve(name) == OFFLINE:
        return None
    try:
        answer = await models.ask(name, messages, meter, schema=Verified, call=context.call_of("verify"))
    except NoModelAnswered:
        return None
    if answer.model == OFFLINE:
        return None
    found: Verified = answer.parsed
    readable = any(1 <= one.n <= count for one in found.sentences)
    await models.judged(answer.model, readable)
    return found if readable else None


def _complaint(doubt: Doubt) -> str:
    says = f"; the evidence says “{doubt.quote}”" if doubt.quote else ""
    return f"“{doubt.sentence.text}”: {doubt.why}{says}"


def _supports(parts: Sequence[Sentence], known: Sequence[Line], verified: Verified) -> list[str]:
    """Each sentence with what it rests on, for people."""
    by_id = {line.id: line for line in known}
    found: list[str] = []
    for part in parts:
        for one in verified.sentences:
            if one.n == part.n and one.status == "supported":
                cited = [(by_id.get(cite.id.strip("[] ")), cite.quote) for cite in one.cite]
                told = "; ".join(f"{line.source}: “{quote}”" for line, quote in cited if line)
                found.append(f"{part.text}: {told}{f' ({one.sum})' if one.sum else ''}")
    return found


def _cited(state: State, known: Sequence[Line], verified: Verified) -> list[Cited]:
    """The lines of documents and tools that replies rested on of late, this one's last: what was told once
    can be told again when its passage is not found any more."""
    on = (state.get("now") or "").partition(",")[0]
    ids = {cite.id.strip("[] ") for one in verified.sentences for cite in one.cite}
    new = [
        Cited(text=line.text, source=line.source, on=on)
        for line in known
        if line.id in ids
        and line.id[0] in "pt"
        and len(line.text) <= LONGEST_CITED
        and line.source != f"the answer of {TOOL}"  # another turn's cart is another one
    ]
    texts = {told["text"] for told in new}
    return [*(told for told in state.get("cited", []) if told["text"] not in texts), *new][-MOST_CITED:]


def _backed(parts: Sequence[Sentence], known: Sequence[Line], verified: Verified) -> list[BackedSentence]:
    """Each sentence with what it rests on, and the passage or row that stands in, for the dashboard."""
    by_id, found = {line.id: line for line in known}, list[BackedSentence]()
    for part in parts:
        said = next((one for one in verified.sentences if one.n == part.n), None)
        cited = said.cite if said and said.status == "supported" else []
        lines = [(line, cite.quote) for cite in cited if (line := by_id.get(cite.id.strip("[] ")))]
        for line, quote in lines:
            passage = _passage(line, known)
            found.append(BackedSentence(sentence=part.text, source=line.source, quote=quote, passage=passage))
        if not lines:
            found.append(BackedSentence(sentence=part.text, source="", quote="", passage=""))
    return found


def _passage(line: Line, known: Sequence[Line]) -> str:
    """The row of a tool's answer, or all lines of the source that a line is of."""
    source = line.id.partition(".")[0]
    whole = (other.text for other in known if other.id.partition(".")[0] == source)
    return line.text if line.of_tool else " ".join(whole)[:PASSAGE]


def _mended(state: State, reply: str, parts: Sequence[Sentence], wrong: Sequence[Doubt]) -> Command[Next]:
    language = state.get("profile", {}).get("language") or "en"
    text = mended(reply, parts, {doubt.sentence.n for doubt in wrong}, say("checking", language))
    complaints = [_complaint(doubt) for doubt in wrong]
    update: dict[str, Any] = {
        "messages": [AIMessage(text, id=state["messages"][-1].id)],
        "replies": [*state.get("replies", [])[:-1], text],
        "task": f"check and answer: {'; '.join(complaints)}"[:500],
        "checked": complaints,
    }
    return Command(update=update, goto="remember")
