"""`GET /metrics` for Prometheus: the same figures from whichever web process is asked, since all of them
stand in Redis.

Anybody may ask how the service does. Whose bots there are and what they spend is for operators: without a
token all bots are one (`bot="all"`), and nothing is said of tokens and money."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import CollectorRegistry

from server.bots.bot import BotRuntime
from server.clock import now_ms
from server.config.settings import Settings
from server.conversations.listing import ConversationList
from server.observability import turn_traces
from server.observability.answered_otherwise import REASONS
from server.observability.costs import NANO, Spending, Usage
from server.operators.tokens import Operator
from server.store import alerts
from server.store.client import Redis
from server.store.counters import totals
from server.store.keys import SHARED, key

ALL = "all"
_SENDS = ("accepted", "sent", "delivered", "read", "failed", "held back")
# (kind, what it is, labels beside the bot, whether it is for operators alone) by name
_FAMILIES: dict[
    str, tuple[type[GaugeMetricFamily] | type[CounterMetricFamily], str, tuple[str, ...], bool]
] = {
    "salesgraph_conversations": (GaugeMetricFamily, "Conversations", (), False),
    "salesgraph_waiting": (GaugeMetricFamily, "Conversations due or in hand (queue depth)", (), False),
    "salesgraph_oldest_due_seconds": (
        *(GaugeMetricFamily, "For how long the conversation that waits longest has been due"),
        *((), False),
    ),
    "salesgraph_needs_person": (GaugeMetricFamily, "Conversations that need a person", (), False),
    "salesgraph_dead_letters": (GaugeMetricFamily, "Turns given up on", (), False),
    "salesgraph_paused": (GaugeMetricFamily, "1 while the provider takes nothing from the bot", (), False),
    "salesgraph_spent_today": (
        *(GaugeMetricFamily, "Model calls, tokens, messages of WhatsApp and US dollars since midnight"),
        *(("what",), True),
    ),
    "salesgraph_messages": (CounterMetricFamily, "Messages", ("direction",), False),
    "salesgraph_sends": (CounterMetricFamily, "What became of messages on their way", ("result",), False),
    "salesgraph_turns_put_off": (
        CounterMetricFamily,
        "Turns beyond what one contact may have in an hour",
        (),
        False,
    ),
    "salesgraph_messages_otherwise": (
        *(CounterMetricFamily, "Messages not answered by the model as it is set, by reason"),
        *(("reason",), False),
    ),
    "salesgraph_tokens": (CounterMetricFamily, "Tokens of model calls", ("kind",), True),
    "salesgraph_cost_dollars": (CounterMetricFamily, "US dollars of model calls", (), True),
    "salesgraph_whatsapp_cost_dollars": (
        *(
            GaugeMetricFamily,
            "US dollars that WhatsApp charges; falls where a status says less than expected",
        ),
        *((), True),
    ),
    "salesgraph_whatsapp_messages": (
        *(
            GaugeMetricFamily,
            "Messages that WhatsApp charges for, or not; unpriced: paid, price unknown",
        ),
        *(("what",), True),
    ),
    "salesgraph_saved_messages": (
        CounterMetricFamily,
        "Replies fewer than messages, since messages that came together were answered together",
        (),
        False,
    ),
    "salesgraph_handoffs": (CounterMetricFamily, "Conversations a person took over", (), False),
}


class _Found:
    """A collector of what was read before."""

    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = list(families)

    def collect(self) -> Iterable[Metric]:
        return self._families


# Of a node of the graph: (bound, count) of each bucket, and the sum, seconds.
Times = tuple[list[tuple[str, float]], float]


@dataclass
class _Bot:
    """The figures of one bot, or of all as one: by family and labels, and the times of nodes."""

    values: dict[tuple[str, ...], float] = field(default_factory=dict[tuple[str, ...], float])
    nodes: dict[str, Times] = field(default_factory=dict[str, Times])

    def add(self, other: _Bot) -> None:
        """Count another bot's figures in; of waiting, the longest counts."""
        for name, value in other.values.items():
            old = self.values.get(name, 0)
            longest = name[0] in ("salesgraph_oldest_due_seconds", "salesgraph_paused")
            self.values[name] = max(old, value) if longest else old + value
        for node, (buckets, seconds) in other.nodes.items():
            known, before = self.nodes.get(node, ([(limit, 0.0) for limit, _ in buckets], 0.0))
            summed = [(limit, a + b) for (limit, a), (_, b) in zip(known, buckets, strict=True)]
            self.nodes[node] = (summed, before + seconds)


async def registry(
    settings: Settings, redis: Redis, runtimes: Mapping[str, BotRuntime], operator: Operator | None
) -> CollectorRegistry:
    """Everything as it stands now, as far as whoever asks may know it."""
    seen = {
        bot_id: runtime for bot_id, runtime in runtimes.items() if operator is None or operator.sees(bot_id)
    }
    bots = {bot_id: await _read(settings, redis, runtime) for bot_id, runtime in seen.items()}
    lost = (await totals(redis, SHARED)).get("otherwise quarantined", 0)
    nobodys = _Bot({("salesgraph_messages_otherwise", "quarantined"): lost})
    if operator is None:
        together = _Bot()
        for bot in (*bots.values(), nobodys):
            together.add(bot)
        bots = {ALL: together}
    elif not operator.bots:
        bots[SHARED] = nobodys
    families: list[Metric] = []
    for name, (kind, about, labels, private) in _FAMILIES.items():
        if private and operator is None:
            continue
        family = kind(name, about, labels=["bot", *labels])
        for bot_id, bot in bots.items():
            for (of, *labelled), value in bot.values.items():
                if of == name:
                    family.add_metric([bot_id, *labelled], value)
        families.append(family)
    nodes = HistogramMetricFamily(
        "salesgraph_turn_seconds", "Time of turns (node turn) and of each node", labels=["bot", "node"]
    )
    for bot_id, bot in bots.items():
        for node, (buckets, seconds) in bot.nodes.items():
            nodes.add_metric([bot_id, node], buckets, seconds)
    alerted = GaugeMetricFamily("salesgraph_alerts", "Alerts that are not over")
    alerted.add_metric([], len(await alerts.all_alerts(redis)))
    found = CollectorRegistry()
    found.register(_Found([*families, nodes, alerted]))
    return found


async def _read(settings: Settings, redis: Redis, runtime: BotRuntime) -> _Bot:
    bot_id, values = runtime.bot.id, dict[tuple[str, ...], float]()
    first = await redis.zrange(key(bot_id, "due"), 0, 0, withscores=True)
    today, total = await Spending(settings, redis).of(bot_id), await totals(redis, bot_id)
    waiting = (await ConversationList(redis).counts([runtime], ("needs_person",)))[bot_id]["needs_person"]
    values["salesgraph_conversations",] = await runtime.conversations.count()
    values["salesgraph_waiting",] = await runtime.mailbox.backlog()
    values["salesgraph_oldest_due_seconds",] = max(0, now_ms() - first[0][1]) / 1000 if first else 0
    values["salesgraph_needs_person",] = waiting
    values["salesgraph_dead_letters",] = await runtime.dead_letters.count()
    values["salesgraph_paused",] = bool(await runtime.mailbox.paused(runtime.bot.account))
    for what in Usage.model_fields:
        values["salesgraph_spent_today", what] = getattr(today, what)
    values["salesgraph_messages", "in"] = total.get("messages in", 0)
    for author in ("bot", "person"):
        values["salesgraph_messages", f"out_{author}"] = total.get(f"messages out by {author}", 0)
    for result in _SENDS:
        values["salesgraph_sends", result.replace(" ", "_")] = total.get(f"sends {result}", 0)
    values["salesgraph_turns_put_off",] = total.get("turns put off", 0)
    for reason in REASONS:
        values["salesgraph_messages_otherwise", reason] = total.get(f"otherwise {reason}", 0)
    for kind in ("input", "output"):
        values["salesgraph_tokens", kind] = total.get(kind, 0)
    values["salesgraph_cost_dollars",] = total.get("nano", 0) / NANO
    values["salesgraph_whatsapp_cost_dollars",] = total.get("wa_nano", 0) / NANO
    for what in ("paid", "free", "unpriced"):
        values["salesgraph_whatsapp_messages", what] = total.get(f"wa_{what}", 0)
    values["salesgraph_saved_messages",] = total.get("burst saved", 0)
    values["salesgraph_handoffs",] = total.get("handoffs", 0)
    times = {
        node: (list(buckets), seconds)
        for node, (buckets, seconds) in (await turn_traces.node_times(redis, bot_id)).items()
    }
    return _Bot(values, times)
