"""One model that is asked one thing: the request, and how it is put another way after a failure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from langchain_core.messages import AIMessage, AnyMessage
from langchain_core.tools import BaseTool
from pydantic import BaseModel

from agent.model_options import ModelOptions
from agent.models.failures import Fault, http_status_of, is_held_back, said
from agent.models.usage import Meter
from agent.models.ways import Ways, is_blank, narrowed, next_ways
from agent.prompting import TURN

# What a model is told before it is asked once more.
COMPLAINT = (
    "Your last answer could not be used ({reason}). Answer again, and call a tool only with whole and "
    "valid JSON."
)
# What is wrong with an answer, as its model is told it; the others are told by their name.
REASONS = {
    "cut": "it was too long and is cut: answer in two short sentences",
    "refused": "it refuses a customer of ours: say politely what you can do instead",
    "blocked": "a filter held it back: answer in other words",
}


# Ways that are tried in one request; each costs the customer a moment.
MOST_WAYS = 16


@dataclass(frozen=True, slots=True)
class Request:
    """What a model is asked: it may call `tools`, or fills a `schema`. `purpose` names the call on the
    bill, which `meter` keeps; `timeout` is in seconds (None: that of the options, else of the settings)."""

    messages: Sequence[AnyMessage]
    tools: Sequence[BaseTool] = ()
    schema: type[BaseModel] | None = None
    options: ModelOptions = field(default_factory=ModelOptions)
    purpose: str = ""
    timeout: float | None = None
    meter: Meter = field(default_factory=Meter)

    @property
    def offered(self) -> set[str]:
        """The names a model may call."""
        return {tool.name for tool in self.tools} | ({self.schema.__name__} if self.schema else set())

    def uses(self, ways: Ways) -> Ways:
        """What the request makes use of, put in these ways."""
        by_call = self.schema is not None and ways.calls_forms
        return Ways(
            tools=bool(self.tools) or by_call,
            forced=by_call,
            grammar=self.schema is not None and not by_call,
            system=any(message.type == "system" for message in self.messages),
            later_system=any(message.type == "system" and message.name == TURN for message in self.messages),
            pictures=any(not isinstance(message.content, str) for message in self.messages),
            whole=True,
            blank=any(map(is_blank, self.messages)),
            several=any(len(m.tool_calls) > 1 for m in self.messages if isinstance(m, AIMessage)),
            temperature=self.options.temperature is not None,
            reasoning_effort=self.options.reasoning_effort is not None,
            max_tokens=self.options.max_tokens is not None,
        )


@dataclass
class Trial:
    """One request to one model, and what was tried so far.

    `ways`: how it is put next; `others`: how else it may be, after a refusal; `tried`: how it was put;
    `complaint`: what was wrong with the last answer; `attempt`: how often it was asked in one way, the next
    time included; `began`: when it was last asked, by the clock that never goes back; `refused`: whether the
    server refused the request as it was first put, and `first` what that made use of; `wrote`: whether the
    model wrote text in the place of a form's call."""

    name: str
    request: Request
    ways: Ways
    others: list[Ways] = field(default_factory=list[Ways])
    tried: list[Ways] = field(default_factory=list[Ways])
    complaint: str = ""
    attempt: int = 1
    began: float = 0
    refused: bool = False
    first: Ways = field(default_factory=Ways)
    wrote: bool = False

    @property
    def provider(self) -> str:
        """Whose model it is."""
        return self.name.partition(":")[0]

    def finds_another_way(self, fault: Fault, error: Exception) -> bool:
        """After a refusal, put the request the next way; False where that leads nowhere."""
        misled = self.others and fault.kind in ("gone", "address")  # by a way that was tried
        if fault.kind != "refused" and not misled:
            return False
        self.tried.append(self.ways)
        used = self.request.uses(self.ways)
        if not self.refused:
            self.refused, self.first = True, used
            self.others = next_ways(self.ways, said(error), used)
        elif fault.kind == "refused":  # of a server that takes several things not, what it says now
            self.others = [*narrowed(self.ways, said(error), used, self.first), *self.others]
        self.others = [ways for ways in self.others if ways not in self.tried]
        if not self.others or len(self.tried) > MOST_WAYS:
            return False
        self.ways = self.others.pop(0)
        return True

    def leaves_out_tools(self, error: Exception) -> bool:
        """Some servers break down over tools and do not say so: put the request without them, once."""
        blank = http_status_of(error) == 500 and "internal server error" in said(error).casefold()
        if not blank or self.refused or not self.ways.tools or not self.request.offered:
            return False
        self.refused, self.ways = True, replace(self.ways, tools=False, forced=False)
        return True

    def complains(self, reason: str, message: AIMessage) -> bool:
        """Ask once more with a complaint about an answer that is none; False where that was done."""
        if self.complaint:
            return False
        self.complaint = COMPLAINT.format(reason=REASONS.get(reason.partition(":")[0], reason))
        formless = reason in ("empty", "malformed") and not message.tool_calls
        if self.request.schema and self.ways.calls_forms and formless:
            self.ways, self.wrote = replace(self.ways, forms=False), True
        return True

    def complains_of(self, error: Exception) -> bool:
        """Ask once more after an error that is of this one answer; False where that was done."""
        if self.complaint:
            return False
        held_back = is_held_back(said(error))
        reason = REASONS["blocked"] if held_back else "a call of a tool that cannot be read"
        self.complaint = COMPLAINT.format(reason=reason)
        return True
