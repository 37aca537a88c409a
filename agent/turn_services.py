"""What a turn may use besides its settings and its state, handed over in the run's config: no node and no
model reads it from a variable of the process."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from langchain_core.runnables import RunnableConfig

from agent.models.usage import Meter
from agent.prompting import Blocks
from tools.ordering import OrderDesk
from tools.runtime import Calendar

# Its place in the `configurable` part of the config.
KEY = "turn_services"


@dataclass(frozen=True, slots=True)
class TurnServices:
    """What is there for one turn alone. `attachments`: message id -> what a model that sees is shown of its
    file, never part of the working memory; `calendar`: None where no appointments are made; `desk`:
    None where no orders are taken."""

    meter: Meter = field(default_factory=Meter)
    attachments: Mapping[str, Blocks] = field(default_factory=dict[str, Blocks])
    calendar: Calendar | None = None
    desk: OrderDesk | None = None

    def within(self, **configurable: Any) -> RunnableConfig:
        """The config of a run that has these; `configurable` is what else it holds, such as `thread_id`."""
        return {"configurable": {**configurable, KEY: self}}


def turn_services_of(config: RunnableConfig) -> TurnServices:
    """What a run was given. One that was given nothing, as in Studio, has the whole allowance, no files and
    no calendar."""
    given = config.get("configurable", {}).get(KEY)
    return given if isinstance(given, TurnServices) else TurnServices()
