"""Does anything support what the reply promises?"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Literal, cast

import structlog
from langchain_core.messages import AIMessage, HumanMessage, RemoveMessage, ToolMessage
from langgraph.runtime import Runtime
from langgraph.types import Command

from agent.context import Context
from agent.grounding.claims import claims_in
from agent.grounding.evidence import Evidence, EvidenceText
from agent.grounding.verify import Finding, findings
from agent.language.detect import script_of
from agent.language.order_phrases import order_text
from agent.language.phrases import clock_line, fixed_texts, moment_of, opening_lines, say
from agent.models.chat import OFFLINE
from agent.nodes.retrieve import Knowledge
from agent.ordering.sums import is_stale, sums_not_told
from agent.prompting import opening_words
from agent.state import State, burst_text, text_of
from agent.tapping.cards import words_in
from agent.tapping.presenting import with_taps

# So many words in a row of the rules are no coincidence.
GIVEN_AWAY = 9

log = structlog.get_logger()

Next = Literal["verify", "sell", "follow_up", "passed", "remember"]


async def ground(state: State, runtime: Runtime[Context], knowledge: Knowledge) -> Command[Any]:
    """Lets a supported reply and its choices pass. Any other is written anew once, with the complaint; then
    an honest line takes its place and a person gets a task. Where a model reads replies it decides what is
    supported."""
    return await with_taps(_grounded(state, runtime.context), state, runtime.context, knowledge)


def _grounded(state: State, context: Context) -> Command[Next]:
    reply = state.get("replies", [""])[-1]
    language = state.get("profile", {}).get("language") or "en"
    if reveals(context, reply):
        log.warning("rules_kept", model=state.get("model"))
        return _instead(state, say("refusal", language, context.business), "the reply gave the rules away")
    if not context.grounding:
        return Command(goto="passed")
    if wrong := _complaints(findings(". ".join(words_in(state.get("shown", []))), evidence(state, context))):
        return _without_choices(state, language, wrong)
    if wrong := sums_not_told(reply, state["messages"], evidence(state, context)):
        return _without_sums(state, language, wrong)
    if other := _other_letters(reply, contact_words(state)):
        if not state.get("complaint") and state.get("model") != OFFLINE:
            return written_anew(state, [*_complaints(_found(state, context)), *other])
    if context.verifies and state.get("model") != OFFLINE:
        return Command(goto="verify")
    return judged_by_code(state, context)


def judged_by_code(state: State, context: Context, unread: Sequence[str] = ()) -> Command[Next]:
    """What becomes of a reply by the figures that code finds in its evidence. `unread`: sentences that
    somebody should have read and nobody has, which are not to be sent."""
    found = _found(state, context)
    checked = [f"{f.claim.kind} {f.claim.text.strip()}: {f.why}" for f in found]
    complaints = [*_complaints(found), *(f"“{text}” stands nowhere in these words" for text in unread)]
    if not complaints:
        return Command(update={"checked": checked}, goto="passed")
    again = not state.get("complaint") and state.get("model") != OFFLINE
    log.warning("unsupported", claims=[f.claim.kind for f in found if not f.supported], again=again)
    if again:
        return written_anew(state, complaints)
    language = state.get("profile", {}).get("language") or "en"
    why = f"check and answer: {'; '.join(complaints)}"
    return _instead(state, say("checking", language), why, checked)


def _without_choices(state: State, language: str, wrong: list[str]) -> Command[Next]:
    """What becomes of a reply whose buttons promise what nothing supports: they go, and it is written anew
    once."""
    log.warning("unsupported_choices", claims=len(wrong), again=not state.get("complaint"))
    if not state.get("complaint") and state.get("model") != OFFLINE:
        anew = written_anew(state, [f"on a button: {why}" for why in wrong])
        return Command(update={**cast(dict[str, Any], anew.update), "shown": []}, goto=anew.goto)
    instead = _instead(state, say("checking", language), f"check and answer: {'; '.join(wrong)}")
    return Command(update={**cast(dict[str, Any], instead.update), "shown": []}, goto=instead.goto)


def _without_sums(state: State, language: str, wrong: list[str]) -> Command[Next]:
    """What becomes of a reply with sums that are not the cart's: it is written anew once. The cart itself,
    whose sums are code's, goes out all the same."""
    log.warning("unsupported_sums", claims=len(wrong), again=not state.get("complaint"))
    if not state.get("complaint") and state.get("model") != OFFLINE:
        return written_anew(state, wrong)
    text = order_text("cart", language)
    message = AIMessage(text, id=state["messages"][-1].id)
    replies = [*state.get("replies", [])[:-1], text]
    return Command(update={"messages": [message], "replies": replies, "checked": wrong}, goto="passed")


def written_anew(state: State, complaints: list[str]) -> Command[Next]:
    """Send the draft back to whoever wrote it, with what is wrong with it."""
    update = {
        "messages": [RemoveMessage(id=str(state["messages"][-1].id))],
        "replies": state.get("replies", [])[:-1],
        "draft": state.get("replies", [""])[-1],
        "complaint": "\n".join(f"- {text}" for text in complaints),
    }
    return Command(update=update, goto="follow_up" if state.get("touch") else "sell")


def _found(state: State, context: Context) -> list[Finding]:
    return findings(state.get("replies", [""])[-1], evidence(state, context))


def _complaints(found: list[Finding]) -> list[str]:
    return list(dict.fromkeys(f.why for f in found if not f.supported))


def _instead(state: State, text: str, task: str, checked: list[str] | None = None) -> Command[Next]:
    message = AIMessage(text, id=state["messages"][-1].id)
    update: dict[str, Any] = {
        "messages": [message],
        "replies": [*state.get("replies", [])[:-1], text],
        "task": task[:500],
    }
    return Command(update={**update, "checked": checked or [], "model": "ground"}, goto="remember")


def contact_words(state: State) -> str:
    """What the contact said before this reply."""
    return burst_text({**state, "messages": state["messages"][:-1]})


def evidence(state: State, context: Context) -> Evidence:
    """Everything a reply of this turn may rest on."""
    sources = [EvidenceText("the bot's facts", f"{context.business}\n{context.facts}")]
    for p in state.get("passages", []):
        sources.append(
            EvidenceText(f"{p['document']}, p. {p['page']}", f"{p['text']}\n{p['document']} p. {p['page']}")
        )
    sources.append(EvidenceText("the summary", state.get("summary") or ""))
    sources.append(EvidenceText("the clock", state.get("now") or ""))
    if opening := state.get("opening"):
        told = opening_lines(opening, state.get("profile", {}).get("language") or "en")
        sources.append(EvidenceText("the opening hours", "\n".join([opening_words(opening), *told])))
    if now := moment_of(state.get("now") or ""):
        sources.append(
            EvidenceText("the clock", clock_line(now, state.get("profile", {}).get("language") or "en"))
        )
    sources.append(
        EvidenceText("a fixed text", fixed_texts(state.get("profile", {}).get("language") or "en"))
    )
    for place, message in enumerate(state["messages"][:-1]):
        if isinstance(message, ToolMessage):
            if message.status == "error":  # what a failure says is no fact of the shop's
                continue
            if is_stale(state["messages"], place):
                continue
            sources.append(EvidenceText(f"the answer of {message.name}", text_of(message)))
        elif isinstance(message, HumanMessage):
            sources.append(EvidenceText("the contact's words", text_of(message), of_contact=True))
        elif isinstance(message, AIMessage):
            who = "a colleague's words" if message.name == "operator" else "an earlier reply"
            sources.append(EvidenceText(who, text_of(message)))
    profile = "\n".join(str(value) for value in state.get("profile", {}).values() if value)
    noted = "\n".join(state.get("notes", {}).values())
    sources.append(EvidenceText("the notes", noted, of_contact=True))
    return Evidence([*sources, EvidenceText("the profile", profile, of_contact=True)], contact_words(state))


def reveals(context: Context, reply: str) -> bool:
    """Whether a reply repeats a run of words from the rules it was given."""
    rules = _runs_of_rules(
        f"{context.sell_prompt}\n{context.turn_prompt}\n{context.ground_prompt}\n{context.moderate_prompt}"
    )
    return bool(rules & _runs(reply))


@lru_cache(maxsize=64)
def _runs_of_rules(text: str) -> set[tuple[str, ...]]:
    return _runs(text)


def _runs(text: str) -> set[tuple[str, ...]]:
    words = [word.strip(".,;:!?*_\"'()<>-").casefold() for word in text.split()]
    words = [word for word in words if word]
    return {tuple(words[i : i + GIVEN_AWAY]) for i in range(len(words) - GIVEN_AWAY + 1)}


def _other_letters(reply: str, said: str) -> list[str]:
    """Whether the reply is in other letters than the contact writes in; claims and names do not count."""
    ours, theirs = script_of(reply), script_of(said)
    if not ours or not theirs or ours == theirs or len(reply.split()) < 4 or len(said.split()) < 3:
        return []
    if len(claims_in(reply)) * 2 > len(reply.split()):
        return []
    return [f"it is in {ours} letters, the customer writes in {theirs} letters"]
