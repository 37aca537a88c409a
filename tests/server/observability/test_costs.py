"""No model call goes around the bill: rehearsals, models without a price, one contact who never stops."""

from __future__ import annotations

import time
import uuid
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import AIMessage
from redis.asyncio import Redis

from agent.context import Context
from agent.models import usage
from agent.prompts import filled, placeholders
from channels.base import Message
from server.bots.bot import Bot, runtime_of
from server.clock import now_ms
from server.config.settings import Settings
from server.observability.costs import Spending
from server.store.mailbox import Limits, Mailbox
from server.store.records import Entry
from tests.fakes.openai_wire import polite
from tests.support.stack import Stack


def of(folder: Path, **more: Any) -> Settings:
    return Settings(_env_file=None, data_dir=folder, **more)


async def cost_today(stack: Stack, bot: str) -> float:
    bots = (await stack.http.get("/api/stats")).json()["bots"]
    today = next(row for row in bots if row["bot_id"] == bot)["today"]
    return today["cost"] + today["assumed_cost"]


def dear(request: dict[str, Any]) -> dict[str, Any]:
    """A polite answer that costs a fortune."""
    answer = polite(request)
    answer["usage"] = {"prompt_tokens": 400_000, "completion_tokens": 100_000, "total_tokens": 500_000}
    return answer


@pytest.mark.parametrize("model", ["gpt-4.1-mini", "a-model-of-our-own"])
async def test_a_rehearsal_is_billed_and_stops_with_the_budget(stack: Stack, model: str):
    bot = f"b{uuid.uuid4().hex[:10]}"
    await stack.http.put("/api/bots", json={"id": bot, "model": f"openai:{model}", "daily_budget": 0.5})
    stack.model.answer = dear
    question = {"text": "Do you sell machines?", "bot_id": bot}
    answer = (await stack.http.post("/api/generate", json=question)).json()
    assert answer["model"] == f"openai:{model}"
    assert await cost_today(stack, bot) > 0.5
    calls = len(stack.model.requests)
    answer = (await stack.http.post("/api/generate", json=question)).json()
    assert answer["model"] == "offline" and answer["replies"] and len(stack.model.requests) == calls
    [alert] = [
        row for row in (await stack.http.get("/api/stats")).json()["alerts"] if row["name"] == f"budget:{bot}"
    ]
    assert ("MODEL_PRICES" in alert["text"]) == (model != "gpt-4.1-mini")
    await stack.http.delete(f"/api/bots/{bot}", params={"erase": True})


def test_a_model_without_a_price_counts_like_the_dearest_unless_its_price_is_said():
    meter = usage.Meter()
    bill = meter.calls
    answer = AIMessage(
        "x", usage_metadata={"input_tokens": 1_000_000, "output_tokens": 1_000_000, "total_tokens": 2_000_000}
    )
    for name in ("openai:of-our-own", "openai:gpt-5.5", "openai:gpt-4.1-nano"):
        meter.count("sell", name, answer)
    assert (bill[0].cost, bill[0].priced) == (0, False)
    assert bill[0].assumed >= max(bill[1].cost, bill[2].cost) and bill[1].assumed == 0
    usage.set_prices({"openai:of-our-own": {"input": 0, "output": 0}})
    meter.count("sell", "openai:of-our-own", answer)
    assert (bill[-1].cost, bill[-1].assumed, bill[-1].priced) == (0, 0, True)
    usage.set_prices({})


async def test_there_is_a_cap_a_day_unless_somebody_takes_it_away(redis: Redis, tmp_path: Path):
    assert of(tmp_path).daily_budget > 0 and of(tmp_path, daily_budget=0).daily_budget == 0
    spending, bot = Spending(of(tmp_path), redis), Bot("default", Context(daily_budget=1))
    await spending.record("default", "", [usage.Call("sell", "openai:x", 1, 0, 1, 0, False, 1.5)])
    assert await spending.allowance(bot) == "offline"
    assert (await spending.of("default")).cost == 0  # what was not spent is not shown as spent
    assert not await redis.exists("sg:{default}:contact:")


async def test_what_one_contact_writes_beyond_their_turns_of_an_hour_waits_and_is_answered_together(
    redis: Redis, tmp_path: Path
):
    box = Mailbox(redis, "default", Limits(debounce=0, lease=1000, turns=3))
    runtime = runtime_of(Bot("default", Context()), redis)
    card = Message(id="m", account="42", kind="text", wa_id="77010000001", text="hi")
    conversation = await runtime.conversations.identify(card)

    async def writes(number: int) -> None:
        said = card.model_copy(update={"id": f"m{number}"})
        entry = Entry(id=said.id, author="contact", text="hi", at=now_ms())
        assert await box.accept(conversation, said, entry)

    async def turn() -> int:
        [name] = (await box.claim(1)).ids
        work = await box.begin(name)
        if work.batch:
            await box.commit(name, work.fence, work.turn_id, [])
        return len(work.batch)

    for number in range(3):
        await writes(number)
        assert await turn() == 1
    await writes(3)
    assert await turn() == 0
    await writes(4)
    claimed = await box.claim(1)
    assert claimed.ids == [] and 1_000_000 < claimed.wait <= 1_200_000  # one turn in twenty minutes
    inbox = await redis.llen(f"sg:{{default}}:inbox:{conversation}")  # pyright: ignore[reportGeneralTypeIssues]
    assert inbox == 2
    await redis.hset(f"sg:{{default}}:box:{conversation}", "turns", now_ms())  # an hour goes by
    await redis.zadd("sg:{default}:due", {conversation: 0})
    assert await turn() == 2


@pytest.mark.parametrize(
    "prompt", ["{business:>400000000}", "{business!r}", "{business:{facts}}", "{business!r:>9}"]
)
def test_a_prompt_holds_names_and_nothing_that_says_how_wide(prompt: str):
    with pytest.raises(ValueError, match="holds more than a name"):
        placeholders(prompt)
    with pytest.raises(ValueError, match="sell_prompt"):
        Context(sell_prompt=prompt)


def test_a_prompt_is_filled_as_it_reads_and_a_value_is_never_read_again():
    text = "Sell for {business}; {{braces}} stay. {facts}"
    assert filled(text, business="{facts}", facts="}{{") == "Sell for {facts}; {braces} stay. }{{"
    began = time.process_time()
    filled("{business} " * 1_500, business="x" * 500)
    assert time.process_time() - began < 1
    with pytest.raises(ValueError, match="at most 20000 characters"):
        Context(sell_prompt="x" * 20_001)
