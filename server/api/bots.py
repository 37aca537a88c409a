"""The operator API of bots: configured, changed, linked, watched, deleted; live in every process within a
second."""

from __future__ import annotations

import base64
from typing import Annotated, Any

from fastapi import APIRouter, Header, HTTPException, Query
from fastapi import Body as InBody
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, Field

from channels.base import Linked, SendError, Session
from server.api.common import Api, Body, Here
from server.bots.bot import BotRuntime
from server.bots.registry import Outcome
from server.config.bot import OWNERS_ONLY, BadConfig, Problem
from server.notifications.webhooks import operator_secret
from server.operators import audit, tokens
from server.operators.audit import Audited
from server.operators.bot_status import UNOFFICIAL, BotStatus, status_of
from server.operators.roles import OWNER, READER
from server.operators.tokens import Role, who
from server.pipeline import linked_sessions

# Parts of a configuration that have fields of their own.
PARTS = {"channel", "hours", "inbox", "model_options", "retention", "outreach"}


class PhoneIn(Body):
    """The phone of the number that is to be linked."""

    phone: str = Field(pattern=r"^\+?\d{6,15}$")


class WebhookIn(Body):
    """Where this deployment is reached from outside."""

    base_url: str = Field(pattern=r"^https?://")


class TokenIn(Body):
    """A token for a person or a program; `name` says whose. It opens the bots named, or all of them. `role`:
    `owner` does everything, `agent` talks to contacts and looks after them, `read_only` looks."""

    name: str = Field(min_length=1, max_length=100, examples=["Aigerim"])
    role: Role = "owner"
    bots: list[str] = Field([], max_length=100, examples=[["almaty"]])
    bot_id: str | None = Field(None, description="one bot; the same as bots with one name")


class Item(BaseModel):
    """What became of one configuration of a list."""

    id: str
    status: Outcome
    problems: list[Problem] = []
    notice: str | None = None


routes = APIRouter(prefix="/api", route_class=Audited)


def runtime_of(api: Api, bot_id: str) -> BotRuntime:
    if bot_id not in api.runtimes:
        raise HTTPException(404, f"there is no bot {bot_id!r}; GET /api/bots lists them")
    return api.runtimes[bot_id]


def owner(api: Api) -> None:
    if who.get().bots:
        raise HTTPException(403, "a token of one bot does not open this; use API_TOKEN")


def linked(api: Api, bot_id: str) -> tuple[BotRuntime, Linked]:
    runtime = runtime_of(api, bot_id)
    channel = api.registry.router.channel(bot_id, runtime.bot.account) if runtime.bot.account else None
    if channel is None or not isinstance(channel, Linked):
        raise HTTPException(409, f"{bot_id} is not on a channel that links phones, such as wappi or waha")
    return runtime, channel


async def put(api: Api, raw: Any) -> Item:
    name = str(raw.get("id") or raw.get("bot_id") or "") if isinstance(raw, dict) else ""
    try:
        bot_id, outcome = await api.registry.put(raw)
    except BadConfig as error:
        return Item(id=name, status="refused", problems=error.problems)
    channel = (
        api.registry.router.channel(bot_id, api.registry[bot_id].bot.account)
        if bot_id in api.registry
        else None
    )
    notice = UNOFFICIAL if channel and not channel.capabilities.official else None
    if outcome != "unchanged" and isinstance(channel, Linked) and channel.name == "waha":
        try:
            await channel.session("start")
        except SendError as error:  # workers try again
            await linked_sessions.check(
                api.registry[bot_id], api.registry[bot_id].bot.account, channel, counts=False
            )
            return Item(id=bot_id, status=outcome, notice=f"{UNOFFICIAL} The gateway did not answer: {error}")
    audit.about(bot_id)
    return Item(id=bot_id, status=outcome, notice=notice)


@routes.put(
    "/bots",
    summary="Store one bot, or a list of them; as often as you like",
    response_model=None,
    dependencies=[OWNER],
)
async def put_bots(
    api: Here,
    given: Any = InBody(...),
    if_none_match: Annotated[str | None, Header(description="`*`: only bots that there are not yet")] = None,
) -> Response | dict[str, Any]:
    owner(api)
    names = [row.get("id") or row.get("bot_id") for row in (given if isinstance(given, list) else [given]) if isinstance(row, dict)]  # fmt: skip
    if if_none_match == "*" and (
        known := [name for name in names if isinstance(name, str) and name in api.registry]
    ):
        raise HTTPException(412, f"id: there is a bot {known[0]} already")
    if not isinstance(given, list):
        item = await put(api, given)
        if item.status == "refused":
            detail = "; ".join(f"{p.field}: {p.problem}" for p in item.problems)
            problem = {
                "type": "about:blank",
                "title": "Unprocessable Content",
                "status": 422,
                "detail": detail,
            }
            return JSONResponse({**problem, "errors": [p.model_dump() for p in item.problems]}, 422, media_type="application/problem+json")  # fmt: skip
        return item.model_dump()
    items = [await put(api, raw) for raw in given]
    refused = any(item.status == "refused" for item in items)
    return JSONResponse({"items": [item.model_dump() for item in items]}, 207 if refused else 200)


@routes.get("/bots", summary="All bots", dependencies=[READER])
async def list_bots(api: Here) -> dict[str, Any]:
    return {"items": [_bot(runtime) for runtime in api.runtimes.values()], "next_cursor": None}


@routes.get(
    "/bots/{bot_id}",
    summary="One bot: its configuration as given, and all settings in force",
    dependencies=[READER],
)
async def get_bot(api: Here, bot_id: str) -> dict[str, Any]:
    runtime = runtime_of(api, bot_id)
    return {
        **_bot(runtime),
        "config": await api.registry.config(bot_id),
        "settings": runtime.bot.context.model_dump(),
    }


@routes.patch(
    "/bots/{bot_id}",
    summary="Change some fields; null goes back to what the settings say",
    dependencies=[OWNER],
)
async def patch_bot(api: Here, bot_id: str, change: dict[str, Any]) -> dict[str, Any]:
    runtime_of(api, bot_id)
    old = await api.registry.config(bot_id)
    barred = [name for name in OWNERS_ONLY if name in change and change[name] != old.get(name)]
    if who.get().bots and barred:
        raise HTTPException(
            403, f"{', '.join(barred)}: a token of one bot does not change this; use API_TOKEN"
        )
    if change.get("id", bot_id) != bot_id:
        raise HTTPException(422, "id: never changes")
    merged = {name: value for name, value in {**old, **change, "id": bot_id}.items() if value is not None}
    for name in (
        PARTS & change.keys() & old.keys()
    ):  # a part that is named changes; what it does not name stays
        new, before = change[name], old[name]
        if (
            isinstance(new, dict)
            and isinstance(before, dict)
            and new.get("type") in (None, before.get("type"))
        ):
            merged[name] = {n: value for n, value in {**before, **new}.items() if value is not None}
    item = await put(api, merged)
    if item.status == "refused":
        raise HTTPException(422, "; ".join(f"{p.field}: {p.problem}" for p in item.problems))
    return await get_bot(api, bot_id)


@routes.delete(
    "/bots/{bot_id}",
    summary="Stop a bot; with erase=true delete everything known of it",
    dependencies=[OWNER],
)
async def delete_bot(api: Here, bot_id: str, erase: bool = Query(False, description="also its contacts and documents")) -> dict[str, Any]:  # fmt: skip
    owner(api)
    runtime = runtime_of(api, bot_id)
    channel = api.registry.router.channel(bot_id, runtime.bot.account) if runtime.bot.account else None
    settled = api.registry.is_settled(bot_id)
    if not await api.registry.delete(bot_id) and not (settled and erase):
        raise HTTPException(409, f"{bot_id} is described by the settings; there is nothing stored to delete")
    if not settled:
        await tokens.forget_bot(runtime.redis, bot_id)
    erased, notice = await api.registry.erase(bot_id) if erase else 0, None
    if isinstance(channel, Linked) and api.registry.router.channel(bot_id, runtime.bot.account) is None:
        try:
            await channel.session("delete")
        except SendError as error:
            notice = f"its session may still be linked, unlink it on the phone: {error}"
    return {"id": bot_id, "status": "deleted", "erased_keys": erased, "notice": notice}


@routes.get(
    "/bots/{bot_id}/status",
    summary="Whether a bot can be reached, and the QR code of an unlinked phone",
    dependencies=[READER],
)
async def bot_status(api: Here, bot_id: str) -> BotStatus:
    runtime = runtime_of(api, bot_id)
    return await status_of(api.settings, api.registry, runtime)


@routes.get(
    "/bots/{bot_id}/operator-webhook",
    summary="What notices to OPERATOR_WEBHOOK_URL are signed with",
    dependencies=[OWNER],
)
async def operator_webhook(api: Here, bot_id: str) -> dict[str, Any]:
    """Each carries `X-Salesgraph-Signature: t=SECONDS,v1=HEX`, as outgoing webhooks do."""
    runtime = runtime_of(api, bot_id)
    if api.settings.operator_webhook_secret and who.get().bots:
        raise HTTPException(403, "the secret is that of all bots; use API_TOKEN")
    secret = operator_secret(api.settings, bot_id)
    return {"bot_id": bot_id, "url": runtime.bot.operator_webhook_url or None, "secret": secret}


@routes.get(
    "/bots/{bot_id}/qr.png", summary="The QR code as a picture", response_model=None, dependencies=[OWNER]
)
async def qr_png(api: Here, bot_id: str) -> Response:
    _, channel = linked(api, bot_id)
    code = await _asked(channel.qr())
    if code is None:
        raise HTTPException(404, "there is no code to scan; GET /api/bots/{bot_id}/status says why")
    return Response(base64.b64decode(code.png), media_type="image/png", headers={"Cache-Control": "no-store"})


@routes.post(
    "/bots/{bot_id}/session/code", summary="A pairing code in place of a QR code", dependencies=[OWNER]
)
async def pairing(api: Here, bot_id: str, asked: PhoneIn) -> dict[str, str]:
    _, channel = linked(api, bot_id)
    return {"code": await _asked(channel.pairing_code(asked.phone.lstrip("+")))}


@routes.post(
    "/bots/{bot_id}/session/{action}",
    summary="Start, stop, restart, log out or delete a linked session",
    dependencies=[OWNER],
)
async def session(api: Here, bot_id: str, action: Session) -> BotStatus:
    runtime, channel = linked(api, bot_id)
    await linked_sessions.want(runtime, runtime.bot.account, action in ("start", "restart"))
    await _asked(channel.session(action))
    return await status_of(api.settings, api.registry, runtime)


@routes.post("/bots/{bot_id}/webhook", summary="Tell Wappi where its webhooks go", dependencies=[OWNER])
async def register(api: Here, bot_id: str, asked: WebhookIn) -> dict[str, str]:
    owner(api)
    runtime, channel = linked(api, bot_id)
    secret = channel.credentials.webhook_secret.get_secret_value()
    tell = getattr(channel, "register", None)
    if tell is None or not secret:
        raise HTTPException(
            409, "only a wappi bot with a webhook_secret can be told; others are configured otherwise"
        )
    await _asked(tell(f"{asked.base_url.rstrip('/')}/webhook/{channel.name}/{bot_id}/{secret}"))
    return {"status": "done", "bot_id": runtime.bot.id}


@routes.post(
    "/tokens",
    status_code=201,
    summary="A token for a person or a program; it is shown once",
    dependencies=[OWNER],
)
async def create_token(api: Here, asked: TokenIn) -> dict[str, Any]:
    owner(api)
    bots: list[str] = sorted(set(asked.bots) | ({asked.bot_id} if asked.bot_id else set()))
    for bot_id in bots:
        runtime_of(api, bot_id)
    operator, secret = await tokens.create(api.redis, bots, asked.name, asked.role)
    audit.about(", ".join(bots), f"{operator.id} {asked.role}")
    return {**_operator(operator), "token": secret}


@routes.get("/tokens", summary="Everybody who has a token of their own", dependencies=[OWNER])
async def list_tokens(api: Here) -> dict[str, Any]:
    mine = who.get().bots
    rows = [
        row for row in await tokens.every(api.redis) if not mine or (row.bots and set(row.bots) <= set(mine))
    ]
    return {"items": [_operator(row) for row in rows], "next_cursor": None}


@routes.delete("/tokens/{token_id}", status_code=204, summary="Revoke a token", dependencies=[OWNER])
async def revoke_token(api: Here, token_id: str) -> None:
    owner(api)
    if not await tokens.revoke(api.redis, token_id):
        raise HTTPException(404, "there is no token of this id")


def _operator(operator: tokens.Operator) -> dict[str, Any]:
    return {**operator.model_dump(), "bot_id": operator.bots[0] if len(operator.bots) == 1 else None}


async def _asked(question: Any) -> Any:
    try:
        return await question
    except SendError as error:
        raise HTTPException(502, f"the provider refused: {error}") from None


def _bot(runtime: BotRuntime) -> dict[str, Any]:
    bot = runtime.bot
    return {
        "id": bot.id,
        "business": bot.context.business,
        "model": bot.context.model,
        "channel": bot.channel_of(bot.account) if bot.account else "simulator",
        "account": bot.account or None,
        "simulator": bot.simulated_account,
    }
