"""How a bot is reached and how it does: what its page and the API show."""

from __future__ import annotations

from typing import Any

from channels.base import Linked, SendError
from server.bots.bot import BotRuntime
from server.bots.registry import BotRegistry
from server.config.settings import Settings
from server.observability import model_capabilities
from server.operators.tokens import who
from server.pipeline import linked_sessions
from server.store import alerts

UNOFFICIAL = (
    "Not WhatsApp's own interface: it acts as a linked phone, against WhatsApp's terms of service, and "
    "numbers that send like machines get banned. Use a number you can lose, answer only those who write, and "
    "prefer the Cloud API."
)


async def status_of(settings: Settings, registry: BotRegistry, runtime: BotRuntime) -> dict[str, Any]:
    """Whether a bot can be reached, why not, the code to scan, and what is known of its models."""
    bot = runtime.bot
    channel = registry.router.channel(bot.id, bot.account) if bot.account else None
    paused = await runtime.mailbox.paused(bot.account)
    latest = await runtime.conversations.page(1)
    status: dict[str, Any] = {
        **{
            "bot_id": bot.id,
            "channel": channel.name if channel else "simulator",
            "account": bot.account or None,
        },
        **{
            "state": "simulator_only",
            "reason": bot.trouble,
            "phone": None,
            "qr": None,
            "paused": paused or None,
        },
        **{"model": bot.context.model, "last_message": latest[0][0] if latest else None},
        "models": await model_capabilities.of(runtime.redis, bot.context.models),
        "errors": [
            row["text"] for row in await alerts.all_alerts(runtime.redis) if row.get("bot_id") == bot.id
        ],
        "notice": UNOFFICIAL if channel and not channel.capabilities.official else None,
    }
    if channel is None:
        return status
    if not isinstance(channel, Linked):
        ready = channel.name != "cloud_api" or bool(channel.credentials.app_secret.get_secret_value())
        missing = channel.credentials.missing or ([] if ready else ["app_secret"])
        state = "paused" if paused else "simulator_only" if missing else "connected"
        return {
            **status,
            "state": state,
            "reason": f"missing: {', '.join(missing)}" if missing else status["reason"],
        }
    now = await linked_sessions.check(runtime, bot.account, channel, counts=False)
    code = None
    if now.state in ("scan_qr", "starting"):
        try:
            code = await channel.qr()
        except SendError as error:
            now = now.model_copy(update={"reason": str(error)[:200]})
    state = "paused" if paused and now.state == "connected" else now.state
    shown = code.model_dump() if code and who.get().role == "owner" else None
    return {**status, "state": state, "reason": now.reason, "phone": now.phone or None, "qr": shown}
