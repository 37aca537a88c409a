"""A model says whether a reply meets a rubric. Its agreement with people is measured before its word
counts."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml
from langchain_core.messages import HumanMessage
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from agent.model_options import CallSettings
from agent.models.chat import OFFLINE, Models, NoModelAnswered
from agent.models.usage import Meter
from agent.prompts import filled, version
from agent.state import untagged
from server.replay.batch.exchange import Unanswered, or_waiting
from server.replay.heard import PlayedTurn
from server.replay.saved import BadConversation

PROMPT = Path(__file__).with_name("judge.md")
# Below this share of labels met, a judge's word is worth less than its cost.
AGREES = 0.85
SECONDS = 30
# Labels that are judged at once: more make providers refuse calls.
AT_ONCE = 4


class Judgement(BaseModel):
    """Whether the reply meets the rubric."""

    meets: bool
    reason: str = Field("", description="why, in at most twenty words")


class Label(BaseModel):
    """A reply with what people say of it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    rubric: str
    said: str
    reply: str
    meets: bool


class Agreement(BaseModel):
    """How a judge did on labelled replies. `passed_bad`: it let pass what people did not; `failed_good`: the
    other way."""

    model: str
    prompt: str
    labels: int
    agreed: int
    passed_bad: int
    failed_good: int

    @property
    def share(self) -> float:
        """Of 1."""
        return self.agreed / self.labels if self.labels else 0.0

    @property
    def trusted(self) -> bool:
        """Whether its word counts."""
        return self.share >= AGREES


def prompt_version() -> str:
    """The judge's prompt by its content: another prompt is another judge."""
    return version(PROMPT.read_text(encoding="utf-8"))


async def judged(models: Models, model: str, rubric: str, heard: PlayedTurn) -> list[str]:
    """What a judge finds wrong with a reply."""
    try:
        judgement = await ask_judge(models, model, rubric, "\n".join(heard.said), heard.reply)
    except NoModelAnswered:
        return ["the judge did not answer"]
    return [] if judgement.meets else [f"the judge: {judgement.reason} (rubric: {rubric.strip()})"]


async def ask_judge(models: Models, model: str, rubric: str, said: str, reply: str) -> Judgement:
    """One judgement. Raises NoModelAnswered; the offline model is no judge."""
    prompt = filled(
        PROMPT.read_text(encoding="utf-8"),
        rubric=untagged(rubric.strip()),
        said=untagged(said),
        reply=untagged(reply),
    )
    asked = await models.ask(
        model, [HumanMessage(prompt)], Meter(), schema=Judgement, call=CallSettings("judge", timeout=SECONDS)
    )
    if asked.model == OFFLINE or asked.parsed is None:
        raise NoModelAnswered("the offline model is no judge")
    return asked.parsed


def labels_in(path: Path) -> list[Label]:
    """Labelled replies of a YAML file. Raises BadConversation."""
    try:
        return [Label.model_validate(row) for row in yaml.safe_load(path.read_text(encoding="utf-8"))]
    except (OSError, yaml.YAMLError, ValidationError, TypeError) as error:
        raise BadConversation(f"{path}: no labels (rubric, said, reply, meets): {error}") from None


async def measured(models: Models, model: str, labels: Sequence[Label]) -> Agreement:
    """How a judge agrees with labels. Raises NoModelAnswered, and Unanswered where judgements wait for
    answers."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(label: Label) -> Judgement | None:
        async with gate:
            return await or_waiting(ask_judge(models, model, label.rubric, label.said, label.reply))

    judgements = await asyncio.gather(*map(one, labels))
    if missing := judgements.count(None):
        raise Unanswered(f"{missing} judgements wait")
    found = [(label.meets, said.meets) for label, said in zip(labels, judgements, strict=True) if said]
    return Agreement(
        model=models.resolve(model),
        prompt=prompt_version(),
        labels=len(found),
        agreed=sum(a == b for a, b in found),
        passed_bad=sum(b and not a for a, b in found),
        failed_good=sum(a and not b for a, b in found),
    )


def agreements(path: Path) -> dict[str, Agreement]:
    """What was measured, by `model prompt`; nothing where there is no file."""
    if not path.exists():
        return {}
    rows: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
    known = [Agreement.model_validate(row) for row in rows]
    return {f"{a.model} {a.prompt}": a for a in known}


def save_agreement(path: Path, agreement: Agreement) -> None:
    """Write down what was measured, in place of an older measurement of the same judge."""
    known = {**agreements(path), f"{agreement.model} {agreement.prompt}": agreement}
    path.write_text(
        json.dumps([a.model_dump() for _, a in sorted(known.items())], indent=2) + "\n", encoding="utf-8"
    )


def distrust(path: Path, model: str) -> str:
    """Why a judge's word does not count; empty when it does."""
    known = agreements(path).get(f"{model} {prompt_version()}")
    if known is None:
        return f"{model} was never measured as a judge with this prompt: salesgraph replay judge"
    if not known.trusted:
        return f"{model} agrees with {known.agreed} of {known.labels} labels, under {AGREES:.0%}"
    return ""
