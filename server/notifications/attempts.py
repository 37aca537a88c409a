"""One attempt of a delivery: to a webhook, signed, or to Meta's Conversions API."""

from __future__ import annotations

import json

import aiohttp

from server.bots.bot import BotRuntime
from server.clock import now_ms
from server.config.settings import Settings
from server.notifications.conversions import HookAnswer, tell_meta
from server.notifications.deliveries import Delivery, Hook
from server.notifications.signing import secret_of, sign_event
from server.notifications.webhook_addresses import Forbidden, check_address
from server.store import alerts
from server.store.client import Redis

# Seconds an endpoint has.
SECONDS = 10


class Attempts:
    """Attempts of every delivery."""

    def __init__(self, settings: Settings, redis: Redis) -> None:
        self._settings, self._redis = settings, redis

    async def told(
        self, runtime: BotRuntime, hook: Hook | None, delivery: Delivery, http: aiohttp.ClientSession
    ) -> HookAnswer:
        """What became of one more attempt of a delivery."""
        if hook is None:
            return HookAnswer("refused", "the webhook was deleted")
        if hook.kind == "conversions":
            contact = await runtime.conversations.contact(delivery.conversation_id)
            if contact is None or contact.stopped:
                return HookAnswer("refused", "not told: the contact wants no messages, or was erased")
            answer = await tell_meta(http, self._settings, hook.url, delivery.payload)
            await self._judge(runtime.bot.id, answer)
            return answer
        text = await self._post(hook, delivery, http)
        taken = text.isdigit() and 200 <= int(text) < 300
        return HookAnswer("taken" if taken else "refused" if text == "410" else "again", text)

    async def _judge(self, bot_id: str, answer: HookAnswer) -> None:
        """An alert while Meta refuses what it is told; over with the next event that it takes."""
        name = f"conversions:{bot_id}"
        if answer.outcome == "taken":
            await alerts.clear(self._redis, name)
        elif answer.trouble:
            text = (
                f"{bot_id}: Meta's Conversions API does not take an event: {answer.text}. See the deliveries "
                f"of conversions-{bot_id} (GET /api/hooks), mend it, and send them again there."
            )
            await alerts.raise_alert(self._redis, name, text, "CONVERSIONS_TOKEN", bot_id)

    async def _post(self, hook: Hook, delivery: Delivery, http: aiohttp.ClientSession) -> str:
        """The endpoint's HTTP status, or why there was none."""
        body, at = json.dumps(delivery.payload, ensure_ascii=False).encode(), now_ms() // 1000
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "Salesgraph",
            "X-Salesgraph-Event": delivery.event,
            "X-Salesgraph-Delivery": delivery.id,
            "X-Salesgraph-Attempt": str(delivery.attempts + 1),
            "X-Salesgraph-Signature": sign_event(secret_of(self._settings, hook.id), at, body),
        }
        try:
            await check_address(self._settings, hook.url)
            timeout = aiohttp.ClientTimeout(total=SECONDS)
            async with http.post(
                hook.url, data=body, headers=headers, timeout=timeout, allow_redirects=False
            ) as answer:
                return str(answer.status)
        except Forbidden as error:
            return str(error)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return f"no answer: {type(error).__name__}"
