"""`GET /metrics` for Prometheus: the same figures from whichever web process is asked, since all of them stand in Redis."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import CollectorRegistry
from redis.asyncio import Redis

from server import alerts, traces
from server.bots import Desk
from server.clock import now_ms
from server.figures import totals
from server.inbox import Inbox
from server.keys import key
from server.settings import Settings
from server.spending import NANO, Spending

_SENDS = ("accepted", "sent", "delivered", "read", "failed", "held back")


class _Found:
    """A collector of what was read before."""

    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = list(families)

    def collect(self) -> Iterable[Metric]:
        return self._families


async def registry(settings: Settings, redis: Redis, desks: Mapping[str, Desk]) -> CollectorRegistry:
    """Everything as it stands now."""
    conversations = GaugeMetricFamily("salesgraph_conversations", "Conversations", labels=["bot"])
    waiting = GaugeMetricFamily("salesgraph_waiting", "Conversations due or in hand (queue depth)", labels=["bot"])
    oldest = GaugeMetricFamily("salesgraph_oldest_due_seconds", "For how long the conversation that waits longest has been due", labels=["bot"])  # fmt: skip
    needs = GaugeMetricFamily("salesgraph_needs_person", "Conversations that need a person", labels=["bot"])
    dead = GaugeMetricFamily("salesgraph_dead_letters", "Turns given up on", labels=["bot"])
    paused = GaugeMetricFamily("salesgraph_paused", "1 while the provider takes nothing from the bot", labels=["bot"])
    spent = GaugeMetricFamily(
        "salesgraph_spent_today", "Model calls, tokens and US dollars since midnight", labels=["bot", "what"]
    )
    messages = CounterMetricFamily("salesgraph_messages", "Messages", labels=["bot", "direction"])
    sends = CounterMetricFamily("salesgraph_sends", "What became of messages on their way", labels=["bot", "result"])
    tokens = CounterMetricFamily("salesgraph_tokens", "Tokens of model calls", labels=["bot", "kind"])
    cost = CounterMetricFamily("salesgraph_cost_dollars", "US dollars of model calls", labels=["bot"])
    handoffs = CounterMetricFamily("salesgraph_handoffs", "Conversations a person took over", labels=["bot"])
    nodes = HistogramMetricFamily("salesgraph_turn_seconds", "Time of turns (node turn) and of each node", labels=["bot", "node"])  # fmt: skip
    inbox, spending = Inbox(redis), Spending(settings, redis)
    waiting_for_people = await inbox.counts(desks.values(), ("needs_person",))
    for bot_id, desk in desks.items():
        conversations.add_metric([bot_id], await desk.conversations.count())
        waiting.add_metric([bot_id], await desk.mailbox.backlog())
        first: Any = await redis.zrange(key(bot_id, "due"), 0, 0, withscores=True)
        oldest.add_metric([bot_id], max(0, now_ms() - first[0][1]) / 1000 if first else 0)
        needs.add_metric([bot_id], waiting_for_people[bot_id]["needs_person"])
        dead.add_metric([bot_id], await desk.dead_letters.count())
        paused.add_metric([bot_id], bool(await desk.mailbox.paused(desk.bot.account)))
        today = await spending.of(bot_id)
        for what in ("calls", "input_tokens", "output_tokens", "cost"):
            spent.add_metric([bot_id, what], today[what])
        total = await totals(redis, bot_id)
        messages.add_metric([bot_id, "in"], total.get("messages in", 0))
        for author in ("bot", "person"):
            messages.add_metric([bot_id, f"out_{author}"], total.get(f"messages out by {author}", 0))
        for result in _SENDS:
            sends.add_metric([bot_id, result.replace(" ", "_")], total.get(f"sends {result}", 0))
        for kind in ("input", "output"):
            tokens.add_metric([bot_id, kind], total.get(kind, 0))
        cost.add_metric([bot_id], total.get("nano", 0) / NANO)
        handoffs.add_metric([bot_id], total.get("handoffs", 0))
        for node, (buckets, seconds) in (await traces.node_times(redis, bot_id)).items():
            nodes.add_metric([bot_id, node], buckets, seconds)
    alerted = GaugeMetricFamily("salesgraph_alerts", "Alerts that are not over")
    alerted.add_metric([], len(await alerts.all_alerts(redis)))
    found = CollectorRegistry()
    families = (conversations, waiting, oldest, needs, dead, paused, spent, messages, sends, tokens, cost, handoffs, nodes, alerted)  # fmt: skip
    found.register(_Found(families))  # pyright: ignore[reportArgumentType]
    return found
