"""Simulated customers: a model, or a list of lines, plays a persona, and the agent has to cope."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml
from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, SystemMessage
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from agent.model_options import CallSettings
from agent.models.chat import OFFLINE, Models
from agent.models.usage import Meter
from agent.prompts import filled
from server.config.bot import problems_of
from server.replay.heard import PlayedTurn
from server.replay.play import Playing
from server.replay.saved import BadConversation
from server.replay.simulated.talk import Speaker, Talked, talked

PERSONAS = Path(__file__).with_name("personas")
PROMPT = Path(__file__).with_name("customer.md")
# What a customer says to say no more.
END = "[END]"
SECONDS = 30


class Persona(BaseModel):
    """Who writes, what for, and in what mood. `facts` come out when the agent asks; `says` are the lines of
    somebody who is played without a model."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    about: str
    goal: str
    mood: str = "neutral"
    language: str = Field("en", pattern=r"^[a-z]{2}$")
    facts: dict[str, str] = {}
    says: list[str] = Field(min_length=1)


def persona(name: str) -> Persona:
    """The persona of a file, or one of ours by its name. Raises BadConversation."""
    path = Path(name) if name.endswith((".yaml", ".yml")) else PERSONAS / f"{name}.yaml"
    try:
        return Persona.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except OSError:
        known = ", ".join(sorted(p.stem for p in PERSONAS.glob("*.yaml")))
        raise BadConversation(f"--persona: there is no {name}; use a file, or one of {known}") from None
    except yaml.YAMLError as error:
        raise BadConversation(f"{path.name}: no YAML: {error}") from None
    except ValidationError as error:
        where = "; ".join(f"{p.field}: {p.problem}" for p in problems_of(error))
        raise BadConversation(f"{path.name}: {where}") from None


def played_by(who: Persona, models: Models, model: str = "auto") -> Speaker:
    """Somebody who talks as the persona: from a model, or line by line where there is only the offline
    one."""

    async def lines(heard: Sequence[PlayedTurn]) -> str | None:
        return who.says[len(heard)] if len(heard) < len(who.says) else None

    async def improvised(heard: Sequence[PlayedTurn]) -> str | None:
        if not heard:
            return who.says[0]
        facts = "; ".join(f"{name}: {value}" for name, value in who.facts.items()) or "nothing in particular"
        prompt = filled(
            PROMPT.read_text(encoding="utf-8"),
            about=who.about,
            goal=who.goal,
            mood=who.mood,
            facts=facts,
            language=who.language,
            end=END,
        )
        # to the model that plays the customer, the shop is the one who asks
        said: list[AnyMessage] = [SystemMessage(prompt)]
        for turn in heard:
            said += [AIMessage("\n".join(turn.said)), HumanMessage(turn.reply or "(no answer)")]
        asked = await models.ask(model, said, Meter(), call=CallSettings("customer", timeout=SECONDS))
        text = str(asked.message.text).strip()
        return None if asked.model == OFFLINE or END in text or not text else text

    return lines if models.resolve(model) == OFFLINE else improvised


async def simulated(
    name: str, who: Persona, playing: Playing, bot: dict[str, Any], turns: int, model: str
) -> Talked:
    """A conversation of a persona with the agent, as a saved one. Raises BadConversation."""
    head: dict[str, Any] = {"about": f"{who.about} {who.goal}", "tags": ["simulated", who.language]}
    head |= {"bot": bot} if bot else {}
    return await talked(name, head, played_by(who, playing.live, model), playing, turns)
