"""What is counted as it happens, and what is made of it: analytics, metrics, charts."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import re
import xml.etree.ElementTree as ET
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families
from redis.asyncio import Redis

from channels.base import Message
from server.clock import move_to
from server.operators import analytics, privacy
from server.store.counters import KEPT, by_day, day_of, days, fields
from server.store.records import Entry, Reply, SendState
from server.web.dashboard import charts
from tests.fakes.openai_wire import error, last_user, message, polite, schema_of
from tests.support.office import Office
from tests.support.people.customers import fresh
from tests.support.stack import Stack, text, webhook
from tests.support.waiting import until

ROOT = Path(__file__).parents[3]


async def figures(redis: Redis, office: Office) -> dict[str, int]:
    return (await by_day(redis, ["default"], [day_of(office.settings.timezone)]))[0]


async def test_an_answer_is_counted_once_with_its_time(redis: Redis, tmp_path: Path):
    office = Office(redis, tmp_path)
    mailbox = office.runtime.mailbox
    conversation = await office.writes("77010000001", "one")
    await office.writes("77010000001", "two")

    async def answer(*texts: str) -> None:
        async def claimed() -> bool:
            return conversation in (await mailbox.claim(10)).ids

        await until(claimed)
        work = await mailbox.begin(conversation)
        pairs = [
            (Reply(id=f"{work.turn_id}:{n}", text=t), Entry(id=f"{work.turn_id}:{n}", author="bot", text=t))
            for n, t in enumerate(texts)
        ]
        for _ in range(2):  # committed twice, as after a crash
            await mailbox.commit(conversation, work.fence, work.turn_id, pairs)
        for reply, _ in pairs:
            for state in ("accepted", "delivered", "sent", "delivered", "read"):
                await mailbox.status(conversation, "", reply.id, "p", SendState(state))

    try:
        move_to(40_000)
        await answer("a", "b")
    finally:
        move_to(0)
    found = await figures(redis, office)
    assert (found["messages in"], found["conversations"], found["messages out by bot"], found["answers"]) == (
        2,
        1,
        2,
        1,
    )
    assert (
        found["answers in 60"] == 1 and "answers in 15" not in found and 40_000 <= found["answer ms"] < 60_000
    )
    assert found["sends read"] == found["sends delivered"] == 2 and found["contacts"] == 1


async def test_nobody_is_counted_twice(redis: Redis, tmp_path: Path):
    """A template first, a class that flips, a contact that is erased many times at once."""
    office = Office(redis, tmp_path)
    conversations = office.runtime.conversations
    card = Message(id="api", account="4242", kind="system", wa_id="77010000001")
    conversation = await conversations.identify(card)
    entry = Entry(id="r:0", author="person", text="an offer")
    await office.runtime.mailbox.post(conversation, Reply(id="r:0", text="an offer"), entry)
    await office.writes("77010000001", "yes?")
    for kind in ("client", "non_client", "client", "unknown", "client"):
        await conversations.learn(conversation, {"class": kind, "company": "Aurora"}, "operator")
    found = await figures(redis, office)
    assert (found["conversations"], found["class client"], found["class non_client"]) == (1, 1, 1)
    contact = await conversations.contact(conversation)
    assert contact
    await asyncio.gather(*(privacy.erased(redis, office.runtime, contact) for _ in range(5)))
    assert (await fields(redis, "default")).get("company", 0) == 0


async def test_a_turn_that_says_nothing_leaves_nobody_waiting_but_for_a_person(redis: Redis, tmp_path: Path):
    office = Office(redis, tmp_path)
    for owner in ("bot", "person"):
        conversation = await office.writes(f"7701000000{len(owner)}", "thanks")
        await office.runtime.conversations.assign(conversation, owner)

        async def claimed(wanted: str = conversation) -> bool:
            return wanted in (await office.runtime.mailbox.claim(10)).ids

        await until(claimed)
        work = await office.runtime.mailbox.begin(conversation)
        await office.runtime.mailbox.commit(conversation, work.fence, work.turn_id, [])
        contact = await office.runtime.conversations.contact(conversation)
        assert contact and bool(contact.asked_at) == (owner == "person")
    assert (await figures(redis, office))["handoffs"] == 1


def test_a_day_is_the_business_s(monkeypatch: pytest.MonkeyPatch):
    late = 1_795_376_400_000  # 2026-11-22 19:00 UTC
    assert day_of("UTC", late) == "2026-11-22" and day_of("Asia/Almaty", late) == "2026-11-23"
    assert days("2026-02-27", "2026-03-01") == ["2026-02-27", "2026-02-28", "2026-03-01"]
    for first, last in (("2026-03-02", "2026-03-01"), ("2020-01-01", "2026-01-01"), ("x", "2026-01-01")):
        with pytest.raises(ValueError):
            days(first, last)
    assert (
        len(days(date.fromordinal(738_000).isoformat(), date.fromordinal(738_000 + KEPT - 1).isoformat()))
        == KEPT
    )


def knowing(request):
    if schema_of(request) == "Facts" and "@" in last_user(request):
        return message(call=("Facts", {"email": last_user(request).split()[-1]}))
    return polite(request)


async def test_a_period_in_figures_charts_and_csv(stack: Stack):
    stack.model.answer = knowing
    before = (await stack.http.get("/api/analytics", params={"bot_id": "default"})).json()
    contact, message_id = fresh()
    await stack.post(webhook(text(contact, f"I am {contact}@example.com", message_id)))
    await until(lambda: stack.replies(contact))
    await until(stack.idle)
    after = (await stack.http.get("/api/analytics", params={"bot_id": "default"})).json()
    grown = {name: after["total"][name] - count for name, count in before["total"].items()}
    assert (grown["conversations"], grown["messages_in"], grown["replies"], grown["answers"]) == (1, 1, 1, 1)
    assert grown["clients"] == 1 and grown["given_up"] == grown["failed_sends"] == 0
    assert after["contacts"]["fields"]["email"] == before["contacts"]["fields"]["email"] + 1
    assert (
        after["usage"]["calls"] > before["usage"]["calls"]
        and after["answered_within"]["3600"] == after["total"]["answers"]
    )
    assert after["days"][-1]["messages_in"] >= 1 and len(after["days"]) == 30
    table = (await stack.http.get("/api/analytics", params={"bot_id": "default", "format": "csv"})).text
    rows = list(csv.DictReader(io.StringIO(table)))
    assert len(rows) == 30 and int(rows[-1]["messages_in"]) == after["days"][-1]["messages_in"]
    assert (await stack.http.get("/api/analytics", params={"first": "2020-01-01"})).status_code == 422
    contacts = (await stack.http.get("/api/contacts", params={"format": "csv", "bot_id": "default"})).text
    mine = next(row for row in csv.DictReader(io.StringIO(contacts)) if row["phone"].endswith(contact))
    assert mine["company"] == "" and mine["phone"] == f"+{contact}"
    assert (
        mine["email"] == f"{contact}@example.com" and mine["class"] == "client" and mine["stopped"] == "False"
    )


async def test_a_name_is_no_formula_in_a_spreadsheet(stack: Stack):
    contact, message_id = fresh()
    payload = webhook(text(contact, "hi", message_id))
    payload["entry"][0]["changes"][0]["value"]["contacts"][0]["profile"]["name"] = (
        '=HYPERLINK("http://evil","x")'
    )
    await stack.post(payload)
    await until(lambda: stack.replies(contact))
    table = (await stack.http.get("/api/contacts", params={"format": "csv"})).text
    mine = next(row for row in csv.DictReader(io.StringIO(table)) if row["phone"].endswith(contact))
    assert mine["name"].startswith("'=")


async def metrics(stack: Stack) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    families = text_string_to_metric_families((await stack.http.get("/metrics")).text)
    return {(s.name, tuple(sorted(s.labels.items()))): s.value for family in families for s in family.samples}


async def test_metrics_tell_of_queues_turns_sends_and_tokens(stack: Stack):
    before = await metrics(stack)
    contact, message_id = fresh()
    await stack.post(webhook(text(contact, "hello", message_id)))
    await until(lambda: stack.replies(contact))
    await until(stack.idle)
    after = await metrics(stack)

    def grown(name: str, **labels: str) -> float:
        place = (name, tuple(sorted({"bot": "default", **labels}.items())))
        return after[place] - before.get(place, 0)

    assert (
        grown("salesgraph_messages_total", direction="in")
        == grown("salesgraph_messages_total", direction="out_bot")
        == 1
    )
    assert (
        grown("salesgraph_sends_total", result="accepted") == 1
        and grown("salesgraph_tokens_total", kind="input") > 0
    )
    for node in ("turn", "sell", "retrieve", "commands"):
        assert (
            grown("salesgraph_turn_seconds_count", node=node)
            == grown("salesgraph_turn_seconds_bucket", node=node, le="+Inf")
            == 1
        )
    assert after["salesgraph_oldest_due_seconds", (("bot", "default"),)] == 0
    for (name, labels), value in before.items():
        if name.endswith(("_total", "_count", "_bucket")):
            assert after[name, labels] >= value


async def test_alerts_and_dashboard_name_figures_that_exist(stack: Stack):
    known = {name for name, _ in await metrics(stack)} | {"up"}
    alerts = yaml.safe_load((ROOT / "deploy/prometheus-alerts.yml").read_text())
    rules = [rule for group in alerts["groups"] for rule in group["rules"]]
    assert all(
        rule["annotations"]["remedy"] and rule["labels"]["severity"] in ("critical", "warning")
        for rule in rules
    )
    board = json.loads((ROOT / "deploy/grafana-dashboard.json").read_text())
    expressions = [rule["expr"] for rule in rules] + [
        t["expr"] for panel in board["panels"] for t in panel["targets"]
    ]
    named = {name for text in expressions for name in re.findall(r"\bsalesgraph_\w+|\bup\b", text)}
    assert named <= known | {"salesgraph_turn_seconds_bucket"} and len(named) > 10
    assert "prometheus-alerts.yml" in (ROOT / "deploy/README.md").read_text()


VALUES = st.lists(st.floats(0, 1e9, allow_nan=False), min_size=0, max_size=40)


@given(VALUES, st.text(max_size=30))
def test_a_chart_is_well_formed_whatever_it_shows(values: list[float], name: str):
    labels = [f"2026-01-{n:02}" for n in range(len(values))]
    clean = "".join(c for c in name if c.isprintable())
    for svg in (
        charts.bars(clean, labels, {clean: values}),
        charts.shares(clean, [(clean, v, 10.0) for v in values]),
    ):
        root = ET.fromstring(f"<x>{svg}</x>")[0]
        assert all(0 <= float(rect.get("height", "0")) <= 500 for rect in root.iter("rect"))


def test_the_funnel_is_read_from_what_touches_counted():
    total = {
        "funnel contacted": 3,
        "funnel touched:1": 3,
        "funnel touched:2": 1,
        "funnel answered:1": 2,
        "funnel yes": 1,
    }
    found = analytics.funnel(total)
    assert (
        found.touched == {"1": 3, "2": 1} and found.answered == {"1": 2} and found.yes == 1 and found.no == 0
    )


async def test_every_message_that_the_model_did_not_answer_is_counted_by_reason(stack: Stack):
    """Two at once, an ignored reaction, a command, STOP and silence after it, a person, an outage, a piece
    nobody can read."""
    before = (await stack.http.get("/api/analytics")).json()["otherwise"]
    scraped = await _otherwise(stack)
    burst, stopped, person, unlucky = (fresh()[0] for _ in range(4))
    for number, said in enumerate(("hello there", "how much is delivery?")):
        await stack.post(webhook(text(burst, said, f"wamid.{burst}.{number}")))
    await until(lambda: stack.replies(burst))
    await until(stack.idle)
    await stack.post(webhook(_reaction(burst)))
    for number, said in enumerate(("/info", "STOP", "ok thanks")):
        await stack.post(webhook(text(stopped, said, f"wamid.{stopped}.{number}")))
        await until(stack.idle)
    for number, said in enumerate(("I want to talk to a person", "are you there?")):
        await stack.post(webhook(text(person, said, f"wamid.{person}.{number}")))
        await until(stack.idle)
    answer, stack.model.answer = stack.model.answer, lambda _: error(500, "server_error", None, "down")
    await stack.post(webhook(text(unlucky, "do you have gift cards?", f"wamid.{unlucky}")))
    await until(lambda: stack.replies(unlucky))
    await until(stack.idle)
    stack.model.answer = answer
    await stack.post({"entry": [{"changes": [{"field": "messages", "value": {"messages": [{"type": 7}]}}]}]})
    after = (await stack.http.get("/api/analytics")).json()["otherwise"]
    told = {reason: n - before.get(reason, 0) for reason, n in after.items() if n != before.get(reason, 0)}
    wanted = {
        "merged": 1,
        "ignored": 1,
        "fixed": 2,
        "stopped": 1,
        "handed_over": 1,
        "person": 1,
        "offline": 1,
        "quarantined": 1,
    }
    assert told == wanted
    now = await _otherwise(stack)
    counted = {reason: now[reason] - scraped[reason] for reason in now if now[reason] != scraped[reason]}
    assert counted == wanted
    page = await stack.http.get("/dashboard/analytics")
    assert "the offline model stood in" in page.text


async def _otherwise(stack: Stack) -> dict[str, float]:
    """Reason -> how many, of all bots, at /metrics as a stranger reads it."""
    async with httpx.AsyncClient(base_url=stack.url) as stranger:
        lines = (await stranger.get("/metrics")).text.splitlines()
    name = 'salesgraph_messages_otherwise_total{bot="all",reason="'
    return {
        line[len(name) :].partition('"')[0]: float(line.rpartition(" ")[2])
        for line in lines
        if line.startswith(name)
    }


def _reaction(contact: str) -> dict[str, Any]:
    body = {"message_id": f"wamid.{contact}.0", "emoji": "👍"}
    return {
        "from": contact,
        "id": f"wamid.{contact}.r",
        "timestamp": "1786000000",
        "type": "reaction",
        "reaction": body,
    }
