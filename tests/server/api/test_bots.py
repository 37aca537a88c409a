"""Bots through the API: idempotent, live without a restart, their secrets never seen again."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from redis.asyncio import Redis
from typer.testing import CliRunner

from agent.models.ways import Ways
from channels.emulators.waha import WahaEmulator
from channels.emulators.wappi import WappiEmulator
from server.cli.bots import bots_commands
from server.config.bot import json_schema
from server.observability import model_capabilities
from server.store.alerts import clear, raise_alert
from tests.fakes.serving import served
from tests.support.stack import API, Stack
from tests.support.waiting import until

TOKEN, HOOK = "wappi-token-of-a-shop", "path-secret"


def name() -> str:
    return f"b{uuid.uuid4().hex[:10]}"


@pytest.fixture(scope="module")
def wappi() -> Iterator[tuple[WappiEmulator, str]]:
    emulator = WappiEmulator(TOKEN, lambda _: "")
    with served(emulator.app) as url:
        yield emulator, url


@pytest.fixture(scope="module")
def gateway() -> Iterator[tuple[WahaEmulator, str]]:
    emulator = WahaEmulator("gateway-key")
    with served(emulator.app) as url:
        yield emulator, url


@pytest.fixture
async def bots(stack: Stack) -> AsyncIterator[list[str]]:
    """Ids of bots that are gone after the test."""
    made: list[str] = []
    yield made
    for bot_id in made:
        await stack.http.delete(f"/api/bots/{bot_id}", params={"erase": True})


async def write(url: str, account: str, contact: str, text: str, **more: Any) -> None:
    async with httpx.AsyncClient(timeout=30, headers={"Authorization": f"Bearer {API}"}) as client:
        answer = await client.post(
            f"{url}/_control/{account}/messages", json={"contact": contact, "text": text, **more}
        )
        assert answer.status_code == 200, answer.text


def said(emulator: Any, account: str, contact: str) -> list[str]:
    return [
        b.text
        for b in list(emulator.phones.bubbles.values())
        if (b.number, b.contact, b.mine) == (account, contact, False)
    ]


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
    await until(lambda: _answered(stack, "cloud-api", f"sim-{bot}", contact))
    assert "Blue Vase" in json.dumps(stack.model.sales_calls()[-1]["messages"])
    changed = await stack.http.patch(f"/api/bots/{bot}", json={"business": "Red Vase", "facts": None})
    assert changed.json()["config"] == {"id": bot, "business": "Red Vase", "inbox": {"max_messages": 7}}
    assert changed.json()["settings"]["facts"] == ""

    async def hears_of_it() -> bool:
        other = f"7705{uuid.uuid4().int % 10**7:07}"
        await write(f"{stack.url}/simulator/cloud-api", f"sim-{bot}", other, "hello again")
        await until(lambda: _answered(stack, "cloud-api", f"sim-{bot}", other))
        return "Red Vase" in json.dumps(stack.model.sales_calls()[-1]["messages"])

    await until(hears_of_it)
    gone = await stack.http.delete(f"/api/bots/{bot}", params={"erase": True})
    assert gone.json()["erased_keys"] > 5
    assert (await stack.http.get(f"/api/bots/{bot}")).status_code == 404
    assert (await stack.http.get("/api/contacts", params={"bot_id": bot})).status_code == 404


async def _answered(stack: Stack, wire: str, account: str, contact: str) -> list[str]:
    answer = await stack.http.get(
        f"/simulator/{wire}/_control/{account}/messages", params={"contact": contact}
    )
    return [row["text"] for row in answer.json() if not row["mine"]]


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


async def test_wappi_from_a_message_to_its_ticks(
    stack: Stack, bots: list[str], wappi: tuple[WappiEmulator, str]
):
    """Webhook with its secrets, echoes of our own dropped, a person who takes over, a group that is nobody's
    business."""
    emulator, url = wappi
    bot, profile, contact = name(), uuid.uuid4().hex[:8], "77015550777"
    bots.append(bot)
    channel = {
        "type": "wappi",
        "profile_id": profile,
        "token": TOKEN,
        "webhook_secret": HOOK,
        "authorization": "from-wappi",
        "url": url,
    }
    await stack.http.put("/api/bots", json={"id": bot, "channel": channel})
    told = await stack.http.post(f"/api/bots/{bot}/webhook", json={"base_url": stack.url})
    assert told.json()["status"] == "done"
    assert emulator.profile(profile).webhook == f"{stack.url}/webhook/wappi/{bot}/{HOOK}"
    await write(url, profile, contact, "what about delivery?", name="Aigul")
    await until(lambda: said(emulator, profile, contact))
    await until(stack.idle)
    assert said(emulator, profile, contact) == ["You asked: what about delivery?"]
    status = (await stack.http.get(f"/api/bots/{bot}/status")).json()
    assert status["state"] == "connected" and status["last_message"] and status["errors"] == []
    contacts = (await stack.http.get("/api/contacts", params={"bot_id": bot})).json()["items"]
    assert [(c["wa_id"], c["name"], c["owner"]) for c in contacts] == [(contact, "Aigul", "bot")]

    async def read() -> bool:
        seen = (await stack.http.get(f"/api/conversations/{contacts[0]['id']}")).json()["messages"]
        return [m["status"] for m in seen] == ["", "read"]

    await until(read)
    await write(url, profile, contact, "in a group", group="120363@g.us")
    await write(url, profile, contact, "Dana here, I will call you", business=True)

    async def taken() -> bool:
        seen = (await stack.http.get(f"/api/conversations/{contacts[0]['id']}")).json()
        return seen["owner"] == "person" and seen["messages"][-1]["author"] == "person"

    await until(taken)
    await write(url, profile, contact, "thank you")
    await until(stack.idle)
    assert len(said(emulator, profile, contact)) == 1 + 1  # the bot's, and Dana's own
    for path, headers in (
        (f"/webhook/wappi/{bot}/wrong", {"Authorization": "from-wappi"}),
        (f"/webhook/wappi/{bot}/{HOOK}", {"Authorization": "wrong"}),
        (f"/webhook/wappi/{bot}/{HOOK}", {"Authorization": ""}),
        (f"/webhook/wappi/default/{HOOK}", {"Authorization": "from-wappi"}),
        (f"/webhook/pigeon/{bot}/{HOOK}", {"Authorization": "from-wappi"}),
    ):
        assert (await stack.http.post(path, json={"messages": []}, headers=headers)).status_code == 403
    foreign = {
        "messages": [
            {
                "wh_type": "incoming_message",
                "id": "F1",
                "profile_id": "another",
                "type": "chat",
                "body": "hi",
                "chatId": "77010000001@c.us",
            }
        ]
    }
    answer = await stack.http.post(
        f"/webhook/wappi/{bot}/{HOOK}", json=foreign, headers={"Authorization": "from-wappi"}
    )
    assert answer.status_code == 200
    assert len((await stack.http.get("/api/contacts", params={"bot_id": bot})).json()["items"]) == 1


async def test_a_qr_linked_session_from_its_code_to_a_conversation(
    stack: Stack, bots: list[str], gateway: tuple[WahaEmulator, str]
):
    emulator, url = gateway
    bot, contact = name(), "77015550778"
    bots.append(bot)
    channel = {
        "type": "waha",
        "url": url,
        "api_key": "gateway-key",
        "hmac_key": "gateway-hmac",
        "webhook_url": f"{stack.url}/webhook/waha",
    }
    made = (await stack.http.put("/api/bots", json={"id": bot, "channel": channel})).json()
    assert made["status"] == "created" and "terms of service" in made["notice"]
    status = (await stack.http.get(f"/api/bots/{bot}/status")).json()
    assert (status["state"], status["channel"]) == ("scan_qr", "waha")
    assert status["qr"]["value"].startswith("2@") and status["qr"]["png"].startswith("iVBOR")
    assert "banned" in status["notice"]
    picture = await stack.http.get(f"/api/bots/{bot}/qr.png")
    assert picture.headers["content-type"] == "image/png" and picture.content.startswith(b"\x89PNG")
    code = await stack.http.post(f"/api/bots/{bot}/session/code", json={"phone": "+77001112233"})
    assert code.json() == {"code": "WAHA-2233"}
    async with httpx.AsyncClient() as client:
        await client.post(f"{url}/_control/{bot}/scan")
    status = (await stack.http.get(f"/api/bots/{bot}/status")).json()
    assert (status["state"], status["phone"], status["qr"]) == ("connected", "77001112233", None)
    await write(url, bot, contact, "do you deliver?")
    await until(lambda: said(emulator, bot, contact))
    await until(stack.idle)
    assert said(emulator, bot, contact) == ["You asked: do you deliver?"]
    stopped = await stack.http.post(f"/api/bots/{bot}/session/stop")
    assert stopped.json()["state"] == "stopped"
    assert (await stack.http.post(f"/api/bots/{bot}/session/start")).json()["state"] == "connected"
    bad = await stack.http.post("/webhook/waha", content=b"{}", headers={"X-Webhook-Hmac": "0" * 128})
    assert bad.status_code == 403
    await stack.http.delete(f"/api/bots/{bot}", params={"erase": True})
    assert bot not in emulator.sessions
    assert not [row for row in (await stack.http.get("/api/stats")).json()["alerts"] if row["bot_id"] == bot]


async def test_an_unlinked_profile_shows_its_code_in_the_status(
    stack: Stack, bots: list[str], wappi: tuple[WappiEmulator, str]
):
    emulator, url = wappi
    bot, profile = name(), uuid.uuid4().hex[:8]
    bots.append(bot)
    channel = {"type": "wappi", "profile_id": profile, "token": TOKEN, "webhook_secret": HOOK, "url": url}
    await stack.http.put("/api/bots", json={"id": bot, "channel": channel})
    assert (await stack.http.post(f"/api/bots/{bot}/session/logout")).json()["state"] == "scan_qr"
    status = (await stack.http.get(f"/api/bots/{bot}/status")).json()
    assert status["qr"]["png"].startswith("iVBOR") and status["state"] == "scan_qr"
    emulator.profile(profile).settings.authorized = True
    assert (await stack.http.get(f"/api/bots/{bot}/status")).json()["state"] == "connected"


async def test_one_person_with_and_without_a_number_is_one_contact(
    stack: Stack, bots: list[str], gateway: tuple[WahaEmulator, str]
):
    _, url = gateway
    bot, contact = name(), "77015550779"
    bots.append(bot)
    channel = {
        "type": "waha",
        "url": url,
        "api_key": "gateway-key",
        "hmac_key": "gateway-hmac",
        "webhook_url": f"{stack.url}/webhook/waha",
    }
    await stack.http.put("/api/bots", json={"id": bot, "channel": channel})
    async with httpx.AsyncClient() as client:
        await client.post(f"{url}/_control/{bot}/scan")
        await write(url, bot, contact, "hello with a number")
        await client.post(f"{url}/_control/{bot}/lids", json={"contact": contact, "lid": "5544@lid"})
        await write(url, bot, contact, "hello with a lid")
    path = "/api/contacts"

    async def both() -> bool:
        rows = (await stack.http.get(path, params={"bot_id": bot})).json()["items"]
        if len(rows) != 1 or rows[0]["user_id"] != "5544@lid":
            return False
        return len((await stack.http.get(f"/api/conversations/{rows[0]['id']}")).json()["messages"]) >= 3

    await until(both)


async def test_sessions_beyond_the_limit_are_refused(stack: Stack, gateway: tuple[WahaEmulator, str]):
    many = [
        {
            "id": f"w{n:02}",
            "channel": {"type": "waha", "url": gateway[1], "api_key": "gateway-key", "hmac_key": "k"},
        }
        for n in range(31)
    ]
    answer = await stack.http.put("/api/bots", json=many)
    rows = answer.json()["items"]
    assert [row["status"] for row in rows] == ["created"] * 30 + ["refused"]
    assert "WHATSAPP_MAX_CLIENTS" in rows[-1]["problems"][0]["problem"]
    for row in rows[:30]:
        await stack.http.delete(f"/api/bots/{row['id']}", params={"erase": True})


async def test_the_same_conversation_on_three_wires(stack: Stack):
    contact = f"7706{uuid.uuid4().int % 10**7:07}"
    for number, (wire, account) in enumerate(
        (("cloud-api", "sim-demo"), ("wappi", "simwappi-demo"), ("waha", "simwaha-demo"))
    ):
        await write(f"{stack.url}/simulator/{wire}", account, contact, f"question {number}")
        await until(lambda w=wire, a=account: _answered(stack, w, a, contact))
        await until(stack.idle)
    seen = await stack.conversation_of(contact)
    assert [m["text"] for m in seen["messages"] if m["author"] == "contact"] == [
        "question 0",
        "question 1",
        "question 2",
    ]
    assert [m["text"] for m in seen["messages"] if m["author"] == "bot"] == [
        f"You asked: question {n}" for n in range(3)
    ]


async def test_a_token_of_one_bot_opens_nothing_else(stack: Stack, bots: list[str]):
    one, other = name(), name()
    bots += [one, other]
    await stack.http.put(
        "/api/bots", json=[{"id": one, "business": "One"}, {"id": other, "business": "Other"}]
    )
    contact = f"7707{uuid.uuid4().int % 10**7:07}"
    await write(f"{stack.url}/simulator/cloud-api", f"sim-{other}", contact, "a secret of other")
    await until(lambda: _answered(stack, "cloud-api", f"sim-{other}", contact))
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


def test_the_schema_for_editors_is_up_to_date(tmp_path: Path):
    import jsonschema

    kept = json.loads((Path(__file__).parents[3] / "schemas" / "bots.schema.json").read_text())
    assert kept == json.loads(json.dumps(json_schema())), "salesgraph bots schema > schemas/bots.schema.json"
    check = jsonschema.Draft202012Validator(kept)
    check.check_schema(kept)
    check.validate(
        [{"id": "almaty", "channel": {"type": "wappi", "profile_id": "p", "token": "t"}, "passages": 7}]
    )
    for wrong in (
        {"id": "A B"},
        {"business": "x"},
        {"id": "a", "nothing": 1},
        {"id": "a", "channel": {"type": "pigeon"}},
    ):
        assert not check.is_valid(wrong)


async def test_bots_are_applied_from_a_file(
    stack: Stack, bots: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    bot = name()
    bots.append(bot)
    file = tmp_path / "bots.yaml"
    file.write_text(
        f"bots:\n  - id: {bot}\n    business: From a file\n    prompt_set: bakery\n  - id: {bot}x\n    "
        "wrong: 1\n"
    )
    sets = tmp_path / "sets" / "bakery"
    sets.mkdir(parents=True)
    (sets / "price.md").write_text("Bread first, price second.")
    monkeypatch.setenv("DATA_DIR", str(stack.data_dir))
    monkeypatch.setenv("PROMPT_SETS", str(tmp_path / "sets"))
    run = CliRunner().invoke
    dry = await asyncio.to_thread(run, bots_commands, ["apply", str(file), "--dry-run"])
    assert (dry.exit_code, f"{bot}: created (not stored: --dry-run)" in dry.output) == (1, True)
    assert "wrong: there is no such field" in dry.output
    file.write_text(f"- id: {bot}\n  business: From a file\n")
    done = await asyncio.to_thread(run, bots_commands, ["apply", str(file)])
    assert (done.exit_code, done.output.strip()) == (0, f"{bot}: created")
    again = await asyncio.to_thread(run, bots_commands, ["apply", str(file)])
    assert again.output.strip() == f"{bot}: unchanged"

    async def there() -> bool:
        return (await stack.http.get(f"/api/bots/{bot}")).status_code == 200

    await until(there)
    listed = await asyncio.to_thread(run, bots_commands, ["list"])
    assert "From a file" in listed.output
    file.write_text("- [")
    assert (await asyncio.to_thread(run, bots_commands, ["apply", str(file)])).exit_code == 2


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
    await model_capabilities.note(redis, "openai:picky", Ways(tools=False, temperature=False))
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
