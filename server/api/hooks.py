"""The operator API of outgoing webhooks: who is told of what, and what became of each delivery."""

from __future__ import annotations

from fastapi import APIRouter, HTTPException
from pydantic import Field

from server.api.common import Api, Body, Here, Limit, Offset, OneBot, Page, Queued
from server.bots.accounts import DEFAULT
from server.bots.bot import BotRuntime
from server.notifications.deliveries import EVENTS, Delivery, Event, Hook
from server.notifications.webhook_addresses import Forbidden
from server.operators import audit
from server.operators.audit import Audited
from server.operators.roles import OWNER

routes = APIRouter(prefix="/api", tags=["hooks"], route_class=Audited)


class HookIn(Body):
    """Where to tell of what. No events named: all of them."""

    url: str = Field(
        max_length=2000, description="the address", examples=["https://crm.example/hooks/salesgraph"]
    )
    events: list[Event] = Field(
        [], description=f"some of {', '.join(EVENTS)}", examples=[["lead_created", "yes"]]
    )
    bot_id: str = Field(default=DEFAULT, description="which bot")


class NewHook(Hook):
    """A webhook that was just made."""

    secret: str = Field(description="What deliveries are signed with; shown once")


class HookPage(Page[Hook]):
    """All webhooks."""


class DeliveryPage(Page[Delivery]):
    """What a webhook was told, the last first."""


async def hook_of(api: Api, hook_id: str) -> tuple[BotRuntime, Hook]:
    """A webhook with the runtime of its bot. Raises HTTPException 404."""
    for runtime in api.lookup.runtimes.values():
        if hook := await api.hooks.one(runtime.bot.id, hook_id):
            return runtime, hook
    raise HTTPException(404, "there is no webhook of this id")


async def own_hook(api: Api, hook_id: str) -> tuple[BotRuntime, Hook]:
    """The same, of one that the API made. Raises HTTPException 409 for others."""
    runtime, hook = await hook_of(api, hook_id)
    if hook.kind == "conversions":
        raise HTTPException(409, f"it follows `conversions` of {hook.bot_id}: change it there")
    return runtime, hook


@routes.get("/hooks", summary="Outgoing webhooks", dependencies=[OWNER])
async def list_hooks(api: Here, bot_id: OneBot = None) -> HookPage:
    return HookPage(items=[hook for name in api.lookup.some(bot_id) for hook in await api.hooks.every(name)])


@routes.post("/hooks", status_code=201, summary="Tell an address of what happens", dependencies=[OWNER])
async def create_hook(api: Here, asked: HookIn) -> NewHook:
    """`secret` is shown once. Each delivery has the header `X-Salesgraph-Signature: t=SECONDS,v1=HEX`, the
    HMAC-SHA256 under the secret of `SECONDS.` and the raw body; the same `X-Salesgraph-Delivery` comes again
    when an answer other than 2xx, or none within 10 s, made it a failure, for about a day."""
    api.lookup.runtime(asked.bot_id)
    try:
        hook, secret = await api.hooks.create(asked.bot_id, asked.url, tuple(dict.fromkeys(asked.events)))
    except Forbidden as error:
        raise HTTPException(422, f"url: {error}") from None
    audit.name_subject(asked.bot_id, hook.id)
    return NewHook(**hook.model_dump(), secret=secret)


@routes.delete(
    "/hooks/{hook_id}", status_code=204, summary="Tell an address nothing any more", dependencies=[OWNER]
)
async def delete_hook(api: Here, hook_id: str) -> None:
    runtime, hook = await own_hook(api, hook_id)
    await api.hooks.delete(runtime.bot.id, hook.id)


@routes.post(
    "/hooks/{hook_id}/ping",
    status_code=202,
    summary="Send a `ping`, to see whether it arrives",
    dependencies=[OWNER],
)
async def ping_hook(api: Here, hook_id: str) -> Queued:
    _, hook = await own_hook(api, hook_id)
    return Queued(id=await api.hooks.ping(hook))


@routes.get(
    "/hooks/{hook_id}/deliveries",
    summary="What a webhook was told, and what it answered",
    dependencies=[OWNER],
)
async def list_deliveries(api: Here, hook_id: str, limit: Limit = 50, start: Offset = 0) -> DeliveryPage:
    runtime, hook = await hook_of(api, hook_id)
    rows = await api.hooks.deliveries(runtime.bot.id, hook.id, start + limit + 1)
    return DeliveryPage.sliced(rows, limit, start)


@routes.post(
    "/hooks/{hook_id}/deliveries/{delivery_id}/replay",
    status_code=202,
    summary="Send a delivery again",
    dependencies=[OWNER],
)
async def replay_delivery(api: Here, hook_id: str, delivery_id: str) -> Queued:
    _, hook = await hook_of(api, hook_id)
    if not await api.hooks.replay(hook, delivery_id):
        raise HTTPException(404, "there is no delivery of this id")
    return Queued(id=delivery_id)
