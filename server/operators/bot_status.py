"""How a bot is reached and how it does: what its page and the API show."""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal

from pydantic import Field

from agent.models.chat import OFFLINE
from channels.base import Channel, Linked, LinkState, Qr, SendError
from server.bots.bot import BotRuntime
from server.bots.registry import BotRegistry
from server.config.settings import Settings
from server.observability import model_capabilities
from server.observability.model_capabilities import Known
from server.operators.tokens import who
from server.pipeline.account import linked_sessions
from server.store import alerts
from server.store.records import Record

UNOFFICIAL = (
    "Not WhatsApp's own interface: it acts as a linked phone, against WhatsApp's terms of service, and "
    "numbers that send like machines get banned. Use a number you can lose, answer only those who write, and "
    "prefer the Cloud API."
)


class Pause(Record):
    """Why nothing is sent from a number."""

    at: str = Field(default="", description="Since when, Unix milliseconds in digits")
    code: str = Field(default="", description="The provider's error code")
    reason: str = Field(default="", description="What the provider says, and the remedy")
    by: str = Field(default="", description="What told us: the answer to a send, or a `status` after it")
    probe: str = Field(default="", description="When the next message is tried, Unix milliseconds in digits")


class BotStatus(Record):
    """Whether a bot can be reached, why not, and what is known of its models."""

    bot_id: str = Field(description="The bot's id")
    channel: str = Field(description="`cloud_api`, `wappi`, `waha`, `simulator` or a channel of your own")
    account: str | None = Field(description="The provider's id of its number; null: it has none")
    state: LinkState | Literal["paused", "simulator_only"] = Field(
        description="Whether it is connected, sends nothing, has no number, or how far its phone is linked"
    )
    reason: str = Field(description="Why it is so; empty: all is well")
    phone: str | None = Field(
        default=None, description="Digits of the linked phone, where the provider says them"
    )
    qr: Qr | None = Field(default=None, description="The code that links a phone, for owners only")
    paused: Pause | None = Field(description="Why nothing is sent; null: messages go out")
    model: str = Field(description="The chat model")
    verifier: str = Field(
        default="", description="The model that reads replies before they are sent; empty: code alone does"
    )
    last_message: int | None = Field(description="When the last message came or went, Unix milliseconds")
    models: list[Known] = Field(description="What each of its chat models takes")
    errors: list[str] = Field(description="Alerts of this bot")
    notice: str | None = Field(description="What is to be known of an unofficial channel")


def _of_models(alert: str, names: Collection[str]) -> bool:
    """Whether an alert is about one of these models, its provider, or the offline model that stands in for
    them."""
    kind, _, whose = alert.partition(":")
    if kind != "model":
        return False
    known = {
        part for name in names for part in (name, name.partition(":")[0], f"ways:{name}", f"{OFFLINE}:{name}")
    }
    return "auto" in known or whose in known


async def status_of(settings: Settings, registry: BotRegistry, runtime: BotRuntime) -> BotStatus:
    """Whether a bot can be reached, why not, the code to scan, and what is known of its models."""
    bot = runtime.bot
    channel = registry.router.channel(bot.id, bot.account) if bot.account else None
    paused = await runtime.mailbox.paused(bot.account)
    latest = await runtime.conversations.page(1)
    status = BotStatus(
        bot_id=bot.id,
        channel=channel.name if channel else "simulator",
        account=bot.account or None,
        state="simulator_only",
        reason=bot.trouble,
        paused=Pause.model_validate(paused) if paused else None,
        model=bot.context.model,
        verifier=bot.context.model_of("verify") if bot.context.verifies else "",
        last_message=latest[0][0] if latest else None,
        models=await model_capabilities.of(runtime.redis, bot.context.models),
        errors=[
            row["text"]
            for row in await alerts.all_alerts(runtime.redis)
            if row.get("bot_id") == bot.id
            or _of_models(row["name"], {bot.context.model, *bot.context.models})
        ],
        notice=UNOFFICIAL if channel and not channel.capabilities.official else None,
    )
    if channel is None:
        return status
    if not isinstance(channel, Linked):
        return _by_keys(status, channel)
    now = await linked_sessions.check_session(runtime, bot.account, channel, counts=False)
    code = None
    if now.state in ("scan_qr", "starting"):
        try:
            code = await channel.qr()
        except SendError as error:
            now = now.model_copy(update={"reason": str(error)[:200]})
    return status.model_copy(
        update={
            "state": "paused" if paused and now.state == "connected" else now.state,
            "reason": now.reason,
            "phone": now.phone or None,
            "qr": code if who.get().role == "owner" else None,
        }
    )


def _by_keys(status: BotStatus, channel: Channel) -> BotStatus:
    """Of a channel that needs nothing but its keys."""
    ready = channel.name != "cloud_api" or bool(channel.credentials.app_secret.get_secret_value())
    missing = channel.credentials.missing or ([] if ready else ["app_secret"])
    state: LinkState | Literal["paused", "simulator_only"]
    state = "paused" if status.paused else "simulator_only" if missing else "connected"
    reason = f"missing: {', '.join(missing)}" if missing else status.reason
    return status.model_copy(update={"state": state, "reason": reason})
