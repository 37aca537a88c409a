"""What a tool may ask for while it runs: the shop's products, the contact's appointments, a key
that names the tool's call.

A tool that wants any of it takes a parameter `runtime: Runtime`, which no model is shown:

    @tool
    async def stock_of(article: str, runtime: Runtime) -> str:
        \"\"\"How many of an article are in stock.\"\"\"
        products = services_of(runtime).price_list

It comes in the config of the run, so that two turns at once cannot see what is the other's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Protocol

from langchain_core.messages import ToolMessage
from langgraph.prebuilt import ToolRuntime
from langgraph.types import Command
from typing_extensions import TypedDict

from tools.ordering import OrderDesk
from tools.price_list import PriceList

# What LangGraph hands to a tool's parameter `runtime`: the config of the run, its state, the id of the call.
Runtime = ToolRuntime[Any, Any]

# Its place in the `configurable` part of the config.
KEY = "tool_services"


class ShownProduct(TypedDict):
    """A product as its row of the price list has it (`knowledge_base.goods.cards`)."""

    ref: str
    name: str
    article: str
    price: str
    currency: str
    unit: str
    stock: str
    left: str
    variants: list[str]
    picture: str
    retailer_id: str


class Option(TypedDict):
    """Something the contact may tap: the id that comes back, its words, and words below them."""

    id: str
    title: str
    description: str


class Shown(TypedDict, total=False):
    """What goes out with a reply besides its words: products, a choice, a file, a form, or a question where
    the contact is, or a cart (`tools.ordering.ShownCart`). `sort` says which, and the field of that name
    holds it."""

    sort: Literal["products", "choice", "file", "form", "location_request", "cart"]
    products: list[ShownProduct]
    choice: list[Option]
    file: str
    form: str
    cart: Any


class Calendar(Protocol):
    """The business's appointments, for the contact whose turn this is."""

    async def free(self, day: str = "") -> list[str]: ...
    async def mine(self) -> list[str]: ...
    async def book(self, start: str, about: str, idempotency_key: str) -> bool: ...
    async def cancel(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class ToolServices:
    """What one call of a tool may use. `price_list`: that of the bot whose turn this is; `calendar`: None
    where no appointments are made; `idempotency_key`: the same for a call of the tool however often its turn
    is run again, empty where it is not run again, for a tool that books or pays elsewhere to pass on; `files`
    and `forms`: what the owner lets the agent send, name -> what it is for; `today`: the day by the
    business's clock, YYYY-MM-DD, empty where it is not known; `desk`: None where no orders are taken."""

    price_list: PriceList | None = None
    calendar: Calendar | None = None
    idempotency_key: str = ""
    files: Mapping[str, str] = field(default_factory=dict[str, str])
    forms: Mapping[str, str] = field(default_factory=dict[str, str])
    today: str = ""
    desk: OrderDesk | None = None


def services_of(runtime: Runtime) -> ToolServices:
    """What the call of a tool was given; nothing, where it was called outside a turn."""
    given = runtime.config.get("configurable", {}).get(KEY)
    return given if isinstance(given, ToolServices) else ToolServices()


def with_services(runtime: Runtime, services: ToolServices) -> Runtime:
    """The runtime of a call that has these."""
    configurable = {**runtime.config.get("configurable", {}), KEY: services}
    return replace(runtime, config={**runtime.config, "configurable": configurable})


def showing(runtime: Runtime, shown: Shown, told: str) -> Command[Any]:
    """The answer of a tool that has something go out with the reply; the model is `told` what."""
    note = ToolMessage(told, tool_call_id=str(runtime.tool_call_id), name=_name_of(runtime))
    return Command(update={"shown": [shown], "messages": [note]})


def _name_of(runtime: Runtime) -> str:
    """The name by which the tool was called."""
    state: Any = runtime.state
    calls = [call for m in state.get("messages", []) for call in getattr(m, "tool_calls", ())]
    return next((str(call["name"]) for call in calls if call["id"] == runtime.tool_call_id), "")
