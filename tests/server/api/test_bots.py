"""Bots through the API: idempotent, live without a restart, their secrets never seen again."""

from __future__ import annotations

import json
import uuid
from typing import Any

import httpx
import pytest
from redis.asyncio import Redis

from agent.models.ways import Ways
from channels.emulators.wappi import WappiEmulator
from server.observability import model_capabilities
from server.store.alerts import clear, raise_alert
from tests.support.people.customers import answered, write
from tests.support.shop.bots import HOOK, TOKEN, name
from tests.support.stack import Stack
from tests.support.waiting import until


async def test_a_bot_is_put_seen_changed_and_deleted_without_a_restart(stack: Stack, bots: list[str]):
    bot = name()
    bots.append(bot)
    config = {
        "id": bot,
        "business": "Blue Vase, ceramics",
        "facts": "Open 9-18.",
        "inbox": {"max_messages": 7},
    }
    first = await stack.http.put("/api/bots", json=config)
    assert (first.status_code, first.json()["status"]) == (200, "created")
    assert (await stack.http.put("/api/bots", json=config)).json()["status"] == "unchanged"
    seen = (await stack.http.get(f"/api/bots/{bot}")).json()
    assert (seen["business"], seen["config"], seen["channel"]) == ("Blue Vase, ceramics", config, "simulator")
    assert seen["settings"]["facts"] == "Open 9-18."
    contact = f"7705{uuid.uuid4().int % 10**7:07}"
    await write(f"{stack.url}/simulator/cloud-api", f"sim-{bot}", contact, "hello there")
    await until(lambda: answered(stack, "cloud-api", f"sim-{bot}", contact))
    assert "Blue Vase" in json.dumps(stack.model.sales_calls()[-1]["messages"])
    changed = await stack.http.patch(f"/api/bots/{bot}", json={"business": "Red Vase", "facts": None})
    assert changed.json()["config"] == {"id": bot, "business": "Red Vase", "inbox": {"max_messages": 7}}
    assert changed.json()["settings"]["facts"] == ""

    async def hears_of_it() -> bool:
        other = f"7705{uuid.uuid4().int % 10**7:07}"
        await write(f"{stack.url}/simulator/cloud-api", f"sim-{bot}", other, "hello again")
        await until(lambda: answered(stack, "cloud-api", f"sim-{bot}", other))
        return "Red Vase" in json.dumps(stack.model.sales_calls()[-1]["messages"])

    await until(hears_of_it)
    gone = await stack.http.delete(f"/api/bots/{bot}", params={"erase": True})
    assert gone.json()["erased_keys"] > 5
    assert (await stack.http.get(f"/api/bots/{bot}")).status_code == 404
    assert (await stack.http.get("/api/contacts", params={"bot_id": bot})).status_code == 404


@pytest.mark.parametrize(
    ("config", "field", "words"),
    [
        ({"business": "x"}, "id", "required"),
        ({"id": "UPPER"}, "id", "pattern"),
        ({"id": "a", "buisness": "x"}, "buisness", "no such field"),
        ({"id": "a", "inbox": {"max_mesages": 3}}, "inbox.max_mesages", "no such field"),
        ({"id": "a", "inbox": {"max_messages": 0}}, "inbox.max_messages", "greater"),
        ({"id": "a", "passages": 99}, "passages", "less than or equal"),
        ({"id": "a", "sell_prompt": "Hello {buisness}"}, "bot", "unknown {buisness}"),
        ({"id": "a", "prompt_set": "nowhere"}, "prompt_set", "PROMPT_SETS"),
        ({"id": "a", "hours": {"timezone": "Mars/Base"}}, "hours", "time zone"),
        ({"id": "a", "hours": {"days": "Someday"}}, "hours", "Mon-Fri"),
        ({"id": "a", "outreach": {"intervals": [3, 2]}}, "outreach.intervals", "rising"),
        ({"id": "a", "custom_fields": [{"name": "email"}]}, "custom_fields.0.name", "choose another"),
        ({"id": "a", "channel": {"type": "pigeon"}}, "channel.type", "cloud_api, wappi, waha"),
        ({"id": "a", "channel": {"type": "wappi", "profile_id": "p"}}, "channel.token", "missing"),
        ({"id": "a", "channel": {"type": "wappi", "token": "t"}}, "channel.profile_id", "required"),
        (
            {"id": "a", "channel": {"type": "wappi", "profile_id": "p", "token": "t", "secret": "s"}},
            "channel.secret",
            "no such",
        ),
        ({"id": "a", "channel": {"type": "wappi", "profile_id": "p", "token": 7}}, "channel.token", "text"),
        (
            {"id": "a", "channel": {"type": "cloud_api", "phone_number_id": "sim-default"}},
            "channel",
            "simulator",
        ),
        ({"id": "a", "channel": {"type": "waha"}}, "channel.url", "missing"),
        ({"id": "a", "channel": {"type": "simulator", "token": "t"}}, "channel.token", "needs none"),
        ({"id": "a", "channel": {"type": "waha", "url": "http://waha"}}, "channel.hmac_key", "missing"),
        (
            {"id": "a", "channel": {"type": "wappi", "profile_id": "p", "token": "t", "receive": "webhook"}},
            "channel.webhook_secret",
            "missing",
        ),
        (
            {
                "id": "a",
                "channel": {"type": "wappi", "profile_id": "p", "token": "t", "webhook_secret": "a/b?c"},
            },
            "channel.webhook_secret",
            "letters",
        ),
        ({"id": "a", "tools": [None]}, "tools.0", "string"),
        ({"id": "a", "channel": {"type": ["x"]}}, "channel.type", "use one of"),
        ([], "", ""),
        ("text", "bot", "object"),
    ],
)
async def test_a_wrong_configuration_names_its_field_and_stores_nothing(
    stack: Stack, config: Any, field: str, words: str
):
    answer = await stack.http.put("/api/bots", json=config)
    if config == []:
        assert (answer.status_code, answer.json()) == (200, {"items": []})
        return
    assert answer.status_code == 422
    problems = {row["field"]: row["problem"] for row in answer.json()["errors"]}
    assert words.casefold() in problems[field].casefold()
    assert (await stack.http.get("/api/bots/a")).status_code == 404


async def test_a_list_says_what_became_of_each(stack: Stack, bots: list[str]):
    good, bad = name(), name()
    bots.append(good)
    answer = await stack.http.put("/api/bots", json=[{"id": good}, {"id": bad, "nothing": 1}, {"id": good}])
    assert answer.status_code == 207
    assert [(row["id"], row["status"]) for row in answer.json()["items"]] == [
        (good, "created"),
        (bad, "refused"),
        (good, "unchanged"),
    ]


async def test_secrets_go_in_and_never_come_out(
    stack: Stack, bots: list[str], wappi: tuple[WappiEmulator, str]
):
    bot, profile = name(), uuid.uuid4().hex[:8]
    bots.append(bot)
    channel = {
        "type": "wappi",
        "profile_id": profile,
        "token": TOKEN,
        "webhook_secret": HOOK,
        "url": wappi[1],
    }
    await stack.http.put("/api/bots", json={"id": bot, "channel": channel})
    shown = (await stack.http.get(f"/api/bots/{bot}")).json()["config"]["channel"]
    assert shown == {**channel, "token": "********", "webhook_secret": "********"}
    # what was read may be sent back, and what is left out stays
    for config in (
        {"id": bot, "channel": shown},
        {"id": bot, "channel": {k: channel[k] for k in ("type", "profile_id", "url")}},
    ):
        assert (await stack.http.put("/api/bots", json=config)).json()["status"] == "unchanged"
    assert (await stack.http.get(f"/api/bots/{bot}/status")).json()["state"] == "connected"
    # another address is not told the secrets of this one
    elsewhere = {"type": "wappi", "profile_id": profile, "url": "http://127.0.0.1:9"}
    refused = await stack.http.put("/api/bots", json={"id": bot, "channel": elsewhere})
    assert refused.json()["errors"] == [{"field": "channel.token", "problem": "is missing"}]
    everything = stack.log.read_bytes() + b"".join(
        p.read_bytes() for p in stack.data_dir.rglob("*") if p.is_file()
    )
    assert TOKEN.encode() not in everything and HOOK.encode() not in everything


async def test_one_number_belongs_to_one_bot(stack: Stack, bots: list[str], wappi: tuple[WappiEmulator, str]):
    one, other, profile = name(), name(), uuid.uuid4().hex[:8]
    bots += [one, other]
    channel = {
        "type": "wappi",
        "profile_id": profile,
        "token": TOKEN,
        "url": wappi[1],
        "webhook_secret": HOOK,
    }
    await stack.http.put("/api/bots", json={"id": one, "channel": channel})
    refused = await stack.http.put("/api/bots", json={"id": other, "channel": channel})
    assert refused.json()["errors"] == [{"field": "channel", "problem": f"{profile} is the number of {one}"}]


async def test_a_token_of_one_bot_opens_nothing_else(stack: Stack, bots: list[str]):
    one, other = name(), name()
    bots += [one, other]
    await stack.http.put(
        "/api/bots", json=[{"id": one, "business": "One"}, {"id": other, "business": "Other"}]
    )
    contact = f"7707{uuid.uuid4().int % 10**7:07}"
    await write(f"{stack.url}/simulator/cloud-api", f"sim-{other}", contact, "a secret of other")
    await until(lambda: answered(stack, "cloud-api", f"sim-{other}", contact))
    theirs = (await stack.http.get("/api/contacts", params={"bot_id": other})).json()["items"][0]["id"]
    made = (await stack.http.post("/api/tokens", json={"bot_id": one, "name": "branch"})).json()
    async with httpx.AsyncClient(
        base_url=stack.url, headers={"Authorization": f"Bearer {made['token']}"}
    ) as mine:
        assert [b["id"] for b in (await mine.get("/api/bots")).json()["items"]] == [one]
        stats = (await mine.get("/api/stats")).json()
        assert [b["bot_id"] for b in stats["bots"]] == [one]
        for path in (
            "/api/contacts",
            "/api/conversations",
            "/api/follow-ups/active",
            "/api/dead-letters",
            "/api/calls",
            "/api/suppressions",
            "/api/follow-ups/skipped",
        ):
            assert (await mine.get(path)).json()["items"] == [], path
        for path in (
            f"/api/bots/{other}",
            f"/api/bots/{other}/status",
            f"/api/contacts/{theirs}",
            f"/api/conversations/{theirs}",
            f"/api/knowledge/documents?bot_id={other}",
            f"/api/templates?bot_id={other}",
            f"/api/consents?bot_id={other}",
            f"/api/contacts?bot_id={other}",
        ):
            answer = await mine.get(path)
            assert answer.status_code == 404 and "a secret of other" not in answer.text, path
        for method, path, body in (
            ("PATCH", f"/api/contacts/{theirs}", {"profile": {"name": "x"}}),
            ("POST", f"/api/conversations/{theirs}/messages", {"text": "x"}),
            ("POST", f"/api/conversations/{theirs}/reset", None),
            ("PUT", f"/api/contacts/{theirs}/consent", {"stopped": True}),
            ("DELETE", f"/api/follow-ups/{theirs}", None),
            ("POST", "/api/generate", {"text": "hi", "bot_id": other}),
            ("POST", "/api/messages", {"to": contact, "text": "hi", "bot_id": other}),
            ("PATCH", f"/api/bots/{other}", {"business": "Mine"}),
        ):
            assert (await mine.request(method, path, json=body)).status_code == 404, path
        for method, path, body in (
            ("PUT", "/api/bots", {"id": one, "business": "x"}),
            ("PUT", "/api/bots", {"id": "brand-new"}),
            ("DELETE", f"/api/bots/{one}", None),
            ("POST", "/api/tokens", {"bot_id": one, "name": "x"}),
            ("DELETE", f"/api/tokens/{made['id']}", None),
            ("PATCH", f"/api/bots/{one}", {"knowledge_base": other}),
            ("PATCH", f"/api/bots/{one}", {"channel": {"type": "simulator"}}),
            ("PATCH", f"/api/bots/{one}", {"prompt_set": "of-another"}),
        ):
            assert (await mine.request(method, path, json=body)).status_code == 403, path
        assert (await mine.patch(f"/api/bots/{one}", json={"facts": "Mine to change"})).status_code == 200
        assert [t["bot_id"] for t in (await mine.get("/api/tokens")).json()["items"]] == [one]
        assert (await mine.get("/dashboard/people", follow_redirects=False)).status_code == 200
    assert (await stack.http.delete(f"/api/tokens/{made['id']}")).status_code == 204
    async with httpx.AsyncClient(
        base_url=stack.url, headers={"Authorization": f"Bearer {made['token']}"}
    ) as mine:
        assert (await mine.get("/api/bots")).status_code == 401


async def test_a_bot_that_is_there_is_not_made_again_and_parts_keep_what_is_not_named(
    stack: Stack, bots: list[str]
):
    bot = name()
    bots.append(bot)
    made = {"id": bot, "business": "A shop", "hours": {"start": "09:00", "end": "17:00", "holidays": "none"}}
    new = {"If-None-Match": "*"}
    assert (await stack.http.put("/api/bots", json=made, headers=new)).json()["status"] == "created"
    again = await stack.http.put("/api/bots", json={"id": bot, "business": "Another"}, headers=new)
    assert again.status_code == 412 and bot in again.json()["detail"]
    changed = (await stack.http.patch(f"/api/bots/{bot}", json={"hours": {"end": "18:00"}})).json()["config"]
    assert changed == {**made, "hours": {"start": "09:00", "end": "18:00", "holidays": "none"}}
    token = (await stack.http.post("/api/tokens", json={"name": "x", "bots": [bot]})).json()
    mine = {"Authorization": f"Bearer {token['token']}"}
    tools = {"tools": ["book_call"]}
    assert (await stack.http.patch(f"/api/bots/{bot}", json=tools, headers=mine)).status_code == 403
    await stack.http.patch(f"/api/bots/{bot}", json=tools)
    same = await stack.http.patch(f"/api/bots/{bot}", json={**tools, "facts": "Open."}, headers=mine)
    assert same.status_code == 200 and same.json()["config"]["facts"] == "Open."
    await stack.http.delete(f"/api/tokens/{token['id']}")


async def test_options_of_a_model_are_set_one_by_one_and_what_it_lacks_is_shown(
    stack: Stack, bots: list[str]
):
    bot = name()
    bots.append(bot)
    await stack.http.put(
        "/api/bots", json={"id": bot, "model": "openai:picky", "model_options": {"temperature": 0.4}}
    )
    patched = await stack.http.patch(f"/api/bots/{bot}", json={"model_options": {"max_tokens": 500}})
    assert patched.json()["config"]["model_options"] == {"temperature": 0.4, "max_tokens": 500}
    cleared = await stack.http.patch(f"/api/bots/{bot}", json={"model_options": {"temperature": None}})
    assert cleared.json()["config"]["model_options"] == {"max_tokens": 500}
    wrong = await stack.http.patch(f"/api/bots/{bot}", json={"model_options": {"temperature": 9}})
    assert wrong.status_code == 422 and "model_options.temperature" in wrong.json()["detail"]
    assert (await stack.http.patch(f"/api/bots/{bot}", json={"model": "gpt-4"})).status_code == 422
    redis = Redis.from_url(f"unix://{stack.data_dir}/redis/socket?db=0")
    await model_capabilities.record_capabilities(redis, "openai:picky", Ways(tools=False, temperature=False))
    for whose in ("openai:picky", "openai:other"):
        await raise_alert(redis, f"model:{whose}", f"{whose} is gone", "OPENAI_MODEL")
    status = (await stack.http.get(f"/api/bots/{bot}/status")).json()
    for whose in ("openai:picky", "openai:other"):
        await clear(redis, f"model:{whose}")
    await redis.aclose()
    assert status["errors"] == ["openai:picky is gone"]
    known = status["models"]
    assert known[0]["model"] == "openai:picky" and known[0]["lacking"] == ["tools", "temperature"]
    page = await stack.http.get(f"/dashboard/bots/{bot}/link")
    assert "openai:picky: takes no tools, temperature" in page.text
