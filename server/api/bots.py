"""The operator API of bots: configured, changed, linked, watched, deleted; live in every process within a
second."""

from __future__ import annotations

import base64
from collections.abc import Awaitable
from typing import Annotated, Any, Literal, TypeVar, cast

from fastapi import APIRouter, Header, HTTPException, Query
from fastapi import Body as InBody
from fastapi.responses import JSONResponse, Response
from pydantic import Field

from agent.context import Context
from channels.base import Linked, SendError, Session
from channels.json_parts import as_dict
from server.api.common import Api, Body, Here, Page, deployment_only, fails, file_answer
from server.bots.bot import BotRuntime
from server.bots.registry import Outcome
from server.config.bot import OWNERS_ONLY, BadConfig, Problem
from server.notifications.signing import operator_secret
from server.operators import audit, tokens
from server.operators.audit import Audited
from server.operators.bot_status import UNOFFICIAL, BotStatus, status_of
from server.operators.roles import OWNER, READER
from server.operators.tokens import who
from server.pipeline.account import linked_sessions
from server.store.records import Record

Answered = TypeVar("Answered")

# Parts of a configuration that have fields of their own.
PARTS = {"channel", "conversions", "hours", "inbox", "model_options", "retention", "outreach"}


class PhoneIn(Body):
    """The phone of the number that is to be linked."""

    phone: str = Field(pattern=r"^\+?\d{6,15}$", description="its number with the country code")


class WebhookIn(Body):
    """Where this deployment is reached from outside."""

    base_url: str = Field(pattern=r"^https?://", description="such as https://bot.example")


class StoredBot(Record):
    """What became of one configuration."""

    id: str = Field(description="The bot's id")
    status: Outcome = Field(description="What was done; `refused`: nothing, for `problems`")
    problems: list[Problem] = Field(default=[], description="What is wrong with which field")
    notice: str | None = Field(default=None, description="What is to be known of an unofficial channel")


class StoredBots(Record):
    """What became of a list of configurations."""

    items: list[StoredBot] = Field(description="Each configuration, in the order they were given")


class BotSummary(Record):
    """A bot as lists show it."""

    id: str = Field(description="The bot's id")
    business: str = Field(description="Name of the business and what it sells")
    model: str = Field(description="The chat model")
    channel: str = Field(description="`cloud_api`, `wappi`, `waha`, `simulator` or a channel of your own")
    account: str | None = Field(description="The provider's id of its number; null: it has none")
    simulator: str = Field(description="Its number in the simulator")


class BotPage(Page[BotSummary]):
    """All bots."""


class BotDetails(BotSummary):
    """A bot with its configuration and settings."""

    config: dict[str, Any] = Field(description="The configuration as it was given, without secrets")
    settings: Context = Field(description="All settings in force")


class DeletedBot(Record):
    """A bot that was stopped."""

    id: str = Field(description="The bot's id")
    status: Literal["deleted"] = Field(default="deleted", description="It is done")
    erased_keys: int = Field(description="Keys of the database that were deleted with it")
    notice: str | None = Field(description="What is left to be done by hand; null: nothing")


class OperatorWebhook(Record):
    """Where and how people at the business are told that they are needed."""

    bot_id: str = Field(description="The bot's id")
    url: str | None = Field(description="The address that is told; null: none is")
    secret: str = Field(description="What the notices are signed with")


class PairingCode(Record):
    """What links a phone in place of a QR code."""

    code: str = Field(description="To be typed into WhatsApp on the phone")


class RegisteredWebhook(Record):
    """A provider that knows where its webhooks go."""

    status: Literal["done"] = Field(default="done", description="It was told")
    bot_id: str = Field(description="The bot's id")


REFUSED = fails(502, "The provider refused")

routes = APIRouter(prefix="/api", tags=["bots"], route_class=Audited)


def linked(api: Api, bot_id: str) -> tuple[BotRuntime, Linked]:
    """A bot with its channel, whose number is a linked phone. Raises HTTPException 404 and 409."""
    runtime = api.lookup.runtime(bot_id)
    channel = api.router.channel(bot_id, runtime.bot.account) if runtime.bot.account else None
    if channel is None or not isinstance(channel, Linked):
        raise HTTPException(409, f"{bot_id} is not on a channel that links phones, such as wappi or waha")
    return runtime, channel


async def put(api: Api, raw: Any) -> StoredBot:
    """Store one configuration."""
    given = as_dict(raw)
    name = str(given.get("id") or given.get("bot_id") or "")
    try:
        bot_id, outcome = await api.registry.put(raw)
    except BadConfig as error:
        return StoredBot(id=name, status="refused", problems=error.problems)
    channel = api.router.channel(bot_id, api.registry[bot_id].bot.account) if bot_id in api.registry else None
    notice = UNOFFICIAL if channel and not channel.capabilities.official else None
    if outcome != "unchanged" and isinstance(channel, Linked) and channel.name == "waha":
        try:
            await channel.session("start")
        except SendError as error:  # workers try again
            await linked_sessions.check_session(
                api.registry[bot_id], api.registry[bot_id].bot.account, channel, counts=False
            )
            return StoredBot(
                id=bot_id, status=outcome, notice=f"{UNOFFICIAL} The gateway did not answer: {error}"
            )
    audit.name_subject(bot_id)
    return StoredBot(id=bot_id, status=outcome, notice=notice)


@routes.put(
    "/bots",
    summary="Store one bot, or a list of them; as often as you like",
    response_model=StoredBot | StoredBots,
    responses={
        207: {"model": StoredBots, "description": "Some of the list were refused"},
        **fails(412, "There is such a bot already"),
    },
    dependencies=[OWNER],
)
async def put_bots(
    api: Here,
    response: Response,
    given: Annotated[Any, InBody(description="a configuration, or a list of them")],
    if_none_match: Annotated[str | None, Header(description="`*`: only bots that there are not yet")] = None,
) -> StoredBot | StoredBots | Response:
    deployment_only()
    several = cast(list[Any], given) if isinstance(given, list) else None
    rows = [as_dict(cast(object, given))] if several is None else [as_dict(row) for row in several]
    names = [row.get("id") or row.get("bot_id") for row in rows]
    known = [name for name in names if isinstance(name, str) and name in api.registry]
    if if_none_match == "*" and known:
        raise HTTPException(412, f"id: there is a bot {known[0]} already")
    if several is not None:
        items = [await put(api, raw) for raw in several]
        if any(item.status == "refused" for item in items):
            response.status_code = 207
        return StoredBots(items=items)
    item = await put(api, given)
    return _unprocessable(item.problems) if item.status == "refused" else item


def _unprocessable(problems: list[Problem]) -> Response:
    detail = "; ".join(f"{p.field}: {p.problem}" for p in problems)
    problem = {"type": "about:blank", "title": "Unprocessable Content", "status": 422, "detail": detail}
    errors = [p.model_dump() for p in problems]
    return JSONResponse({**problem, "errors": errors}, 422, media_type="application/problem+json")


@routes.get("/bots", summary="All bots", dependencies=[READER])
async def list_bots(api: Here) -> BotPage:
    return BotPage(items=[_summary(runtime) for runtime in api.runtimes.values()])


@routes.get(
    "/bots/{bot_id}",
    summary="One bot: its configuration as given, and all settings in force",
    dependencies=[READER],
)
async def get_bot(api: Here, bot_id: str) -> BotDetails:
    return await _details(api, bot_id)


async def _details(api: Api, bot_id: str) -> BotDetails:
    runtime = api.lookup.runtime(bot_id)
    config = await api.registry.config(bot_id)
    return BotDetails(**_summary(runtime).model_dump(), config=config, settings=runtime.bot.context)


@routes.patch(
    "/bots/{bot_id}",
    summary="Change some fields; null goes back to what the settings say",
    dependencies=[OWNER],
    response_model=BotDetails,
)
async def change_bot(api: Here, bot_id: str, change: dict[str, Any]) -> BotDetails | Response:
    api.lookup.runtime(bot_id)
    old = await api.registry.config(bot_id)
    barred = [name for name in OWNERS_ONLY if name in change and change[name] != old.get(name)]
    if who.get().bots and barred:
        raise HTTPException(
            403, f"{', '.join(barred)}: a token of one bot does not change this; use API_TOKEN"
        )
    if change.get("id", bot_id) != bot_id:
        raise HTTPException(422, "id: never changes")
    item = await put(api, _merged(old, {**change, "id": bot_id}))
    if item.status == "refused":
        return _unprocessable(item.problems)
    return await _details(api, bot_id)


def _merged(old: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    """A configuration with changes. Of a part that is named changes what is named in it; null takes a field
    away."""
    merged = {name: value for name, value in {**old, **change}.items() if value is not None}
    for name in PARTS & change.keys() & old.keys():
        parts = isinstance(change[name], dict) and isinstance(old[name], dict)
        new, before = as_dict(change[name]), as_dict(old[name])
        if parts and new.get("type") in (None, before.get("type")):
            merged[name] = {n: value for n, value in {**before, **new}.items() if value is not None}
    return merged


@routes.delete(
    "/bots/{bot_id}",
    summary="Stop a bot; with erase=true delete everything known of it",
    dependencies=[OWNER],
)
async def delete_bot(
    api: Here,
    bot_id: str,
    erase: Annotated[bool, Query(description="also its contacts and documents")] = False,
) -> DeletedBot:
    deployment_only()
    runtime = api.lookup.runtime(bot_id)
    channel = api.router.channel(bot_id, runtime.bot.account) if runtime.bot.account else None
    settled = api.registry.is_settled(bot_id)
    if not await api.registry.delete(bot_id) and not (settled and erase):
        raise HTTPException(409, f"{bot_id} is described by the settings; there is nothing stored to delete")
    if not settled:
        await tokens.forget_bot(runtime.redis, bot_id)
    erased, notice = await api.registry.erase(bot_id) if erase else 0, None
    if isinstance(channel, Linked) and api.router.channel(bot_id, runtime.bot.account) is None:
        try:
            await channel.session("delete")
        except SendError as error:
            notice = f"its session may still be linked, unlink it on the phone: {error}"
    return DeletedBot(id=bot_id, erased_keys=erased, notice=notice)


@routes.get(
    "/bots/{bot_id}/status",
    summary="Whether a bot can be reached, and the QR code of an unlinked phone",
    dependencies=[READER],
)
async def get_bot_status(api: Here, bot_id: str) -> BotStatus:
    runtime = api.lookup.runtime(bot_id)
    return await status_of(api.settings, api.registry, runtime)


@routes.get(
    "/bots/{bot_id}/operator-webhook",
    summary="What notices to OPERATOR_WEBHOOK_URL are signed with",
    dependencies=[OWNER],
)
async def get_operator_webhook(api: Here, bot_id: str) -> OperatorWebhook:
    """Each carries `X-Salesgraph-Signature: t=SECONDS,v1=HEX`, as outgoing webhooks do."""
    runtime = api.lookup.runtime(bot_id)
    if api.settings.operator_webhook_secret and who.get().bots:
        raise HTTPException(403, "the secret is that of all bots; use API_TOKEN")
    secret = operator_secret(api.settings, bot_id)
    return OperatorWebhook(bot_id=bot_id, url=runtime.bot.operator_webhook_url or None, secret=secret)


@routes.get(
    "/bots/{bot_id}/qr.png",
    summary="The QR code as a picture",
    response_class=Response,
    responses=file_answer("image/png") | REFUSED,
    dependencies=[OWNER],
)
async def get_qr_code(api: Here, bot_id: str) -> Response:
    _, channel = linked(api, bot_id)
    code = await _asked(channel.qr())
    if code is None:
        raise HTTPException(404, "there is no code to scan; GET /api/bots/{bot_id}/status says why")
    return Response(base64.b64decode(code.png), media_type="image/png", headers={"Cache-Control": "no-store"})


@routes.post(
    "/bots/{bot_id}/session/code",
    summary="A pairing code in place of a QR code",
    responses=REFUSED,
    dependencies=[OWNER],
)
async def get_pairing_code(api: Here, bot_id: str, asked: PhoneIn) -> PairingCode:
    _, channel = linked(api, bot_id)
    return PairingCode(code=await _asked(channel.pairing_code(asked.phone.lstrip("+"))))


@routes.post(
    "/bots/{bot_id}/session/{action}",
    summary="Start, stop, restart, log out or delete a linked session",
    responses=REFUSED,
    dependencies=[OWNER],
)
async def change_session(api: Here, bot_id: str, action: Session) -> BotStatus:
    runtime, channel = linked(api, bot_id)
    await linked_sessions.want(runtime, runtime.bot.account, action in ("start", "restart"))
    await _asked(channel.session(action))
    return await status_of(api.settings, api.registry, runtime)


@routes.post(
    "/bots/{bot_id}/webhook",
    summary="Tell Wappi where its webhooks go",
    responses=REFUSED,
    dependencies=[OWNER],
)
async def register_webhook(api: Here, bot_id: str, asked: WebhookIn) -> RegisteredWebhook:
    deployment_only()
    runtime, channel = linked(api, bot_id)
    secret = channel.credentials.webhook_secret.get_secret_value()
    tell = getattr(channel, "register", None)
    if tell is None or not secret:
        raise HTTPException(
            409, "only a wappi bot with a webhook_secret can be told; others are configured otherwise"
        )
    await _asked(tell(f"{asked.base_url.rstrip('/')}/webhook/{channel.name}/{bot_id}/{secret}"))
    return RegisteredWebhook(bot_id=runtime.bot.id)


async def _asked(question: Awaitable[Answered]) -> Answered:
    """What a provider answers. Raises HTTPException 502."""
    try:
        return await question
    except SendError as error:
        raise HTTPException(502, f"the provider refused: {error}") from None


def _summary(runtime: BotRuntime) -> BotSummary:
    bot = runtime.bot
    return BotSummary(
        id=bot.id,
        business=bot.context.business,
        model=bot.context.model,
        channel=bot.channel_of(bot.account) if bot.account else "simulator",
        account=bot.account or None,
        simulator=bot.simulated_account,
    )
