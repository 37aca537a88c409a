"""One tiny call of each sort, to see what a model can do: a plain answer, a tool's call, a filled form, and
words of a recording, and vectors."""

from __future__ import annotations

import asyncio
import io
import time
import wave
from collections.abc import Awaitable, Callable, Sequence

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import HumanMessage
from langchain_core.tools import BaseTool, tool
from pydantic import BaseModel, Field

from agent.context import Context
from agent.grounding.notary import Verified, doubts
from agent.grounding.numbered import evidence_lines, sentences
from agent.model_options import ModelOptions
from agent.models.chat import Models
from agent.models.failures import LASTING, Trouble, brief, judge_failure
from agent.models.trial import Request
from agent.nodes.verify import request as request_to_verify

# Seconds that whoever is asked has for an answer.
SECONDS = 15.0
SORTS = ("plain", "tool", "structured", "verifier")
ABLE = {
    "plain": "answers",
    "tool": "calls tools",
    "structured": "fills forms",
    "verifier": "reads replies against their evidence",
}
NO_CALL, NO_FORM = "answers without calling the tool", "cannot fill a form"
MISREADS = "does not read replies as a verifier must: code alone checks them"


class Colour(BaseModel):
    """The colour that is named."""

    colour: str = Field(description="one word")


@tool
def stock_of(product: str) -> str:
    """How many of a product are in stock."""
    return "4"


class Checked(BaseModel):
    """How a model answered: what went wrong by sort (`ok`: nothing did), and how long the plain answer took,
    seconds. `trouble` says what an operator has to do where it does not answer at all."""

    checks: dict[str, str]
    seconds: float = 0
    trouble: str = ""

    @property
    def said(self) -> str:
        """One line for people."""
        able = [ABLE[sort] for sort, why in self.checks.items() if why == "ok"]
        wrong = [why for why in self.checks.values() if why != "ok"]
        works = f"{', '.join(able) or 'nothing works'} ({self.seconds:.1f} s)"
        return "; ".join([works, *wrong])


async def check_model(
    models: Models,
    name: str,
    options: ModelOptions = ModelOptions(),
    *,
    verifies: bool = False,
    seconds: float = SECONDS,
) -> Checked:
    """Ask one model. Three calls, a fourth of one that `verifies`; the later ones only where the first was
    answered within so many `seconds`, which each of them has."""
    provider, began = name.partition(":")[0], time.monotonic()
    plain = "ok"

    def request(text: str, tools: Sequence[BaseTool] = (), schema: type[BaseModel] | None = None) -> Request:
        return Request([HumanMessage(text)], tools, schema, options, "doctor", seconds)

    try:
        made = models.made(
            name, models.ways_of(name).left_of(options), responses=not models.ways_of(name).chat
        )
        await asyncio.wait_for(_patiently(made), seconds)
    except Exception as error:  # whatever a provider's library raises, it is what there is to be told
        if (fault := judge_failure(error)).kind != "refused":
            late = isinstance(error, TimeoutError)
            why = f"no answer within {seconds:.0f} s" if late else brief(error) or type(error).__name__
            advice = Trouble(provider, fault.kind, why, name).advice if fault.kind in LASTING else ""
            return Checked(checks={"plain": why}, seconds=time.monotonic() - began, trouble=advice or why)
        plain = await _asked(models, name, request("Answer with the word ok."))
    took = time.monotonic() - began
    tool = await _asked(models, name, request("How many blue vases are in stock? Use the tool.", (stock_of,)))
    form = await _asked(models, name, request("The car is red.", schema=Colour))
    checks = {"plain": plain, "tool": tool, "structured": form}
    if verifies:
        checks["verifier"] = await _reads(models, name, options, seconds)
    return Checked(checks=checks, seconds=took)


async def _reads(models: Models, name: str, options: ModelOptions, seconds: float) -> str:
    """Whether a model finds a right sentence supported and a wrong one not; what it cites is held to its
    source."""
    known = evidence_lines([("f", "the bot's facts", "The blue vase costs 900 KZT.")])
    parts = sentences("The blue vase costs 900 KZT. Delivery is free.")
    told = request_to_verify(
        Context(business="a shop of vases"), known, "What does the blue vase cost?", parts
    )
    try:
        answer = await models.answer(name, Request(told, (), Verified, options, "doctor", seconds))
    except Exception as error:  # whatever a provider's library raises, it is what there is to be told
        return brief(error) or type(error).__name__
    if answer is None:
        return MISREADS
    return (
        "ok"
        if [doubt.sentence.n for doubt in doubts(parts, known, answer.parsed.sentences)] == [2]
        else MISREADS
    )


async def _patiently(made: BaseChatModel) -> None:
    """A plain answer; what passes, such as a model that is being loaded, is tried again."""
    for pause in (0.5, 2.0, None):
        try:
            await made.ainvoke([HumanMessage("Answer with the word ok.")])
            return
        except Exception as error:
            if pause is None or judge_failure(error).kind not in ("retry", "again"):
                raise
            await asyncio.sleep(pause)


async def _asked(models: Models, name: str, request: Request) -> str:
    """`ok`, or what is wrong."""
    try:
        answer = await models.answer(name, request)
    except Exception as error:  # the same
        return brief(error) or type(error).__name__
    if answer is None:
        why = models.last_faults.get(name, "")
        return f"{NO_FORM if request.schema else 'no answer that can be used'}{f' ({why})' if why else ''}"
    ways = models.ways_of(name)
    if request.tools and not answer.message.tool_calls:
        return "takes no tools" if not ways.tools else NO_CALL
    return "ok"


def silent_recording() -> bytes:
    """Half a second of silence, a recording that every transcriber can read (WAV, 16 kHz)."""
    out = io.BytesIO()
    with wave.open(out, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(16_000)
        sound.writeframes(b"\0" * 16_000)
    return out.getvalue()


async def checked_call(job: Callable[[], Awaitable[object]]) -> str:
    """`ok`, or why another kind of call fails."""
    try:
        await asyncio.wait_for(job(), SECONDS)
    except TimeoutError:
        return f"no answer within {SECONDS:.0f} s"
    except Exception as error:  # the same
        return brief(error) or type(error).__name__
    return "ok"
