"""Who may do what: roles, bots, logins, pages of others that borrow a cookie; and the record of it."""

from __future__ import annotations

import re
from pathlib import Path

import httpx
import pytest
from fastapi import APIRouter
from redis.asyncio import Redis

from server.config.exposure import exposed
from server.config.settings import Settings
from server.observability.logs import without_numbers
from server.operators.login import TRIES, Access, TooMany, login_link
from server.operators.roles import OWNER, READER, Roles
from tests.support.people.customers import fresh
from tests.support.people.operators import client, logged_in, operator
from tests.support.stack import API, Stack, text, webhook
from tests.support.waiting import until


async def conversation(stack: Stack) -> str:
    contact, message_id = fresh()
    await stack.post(webhook(text(contact, "hello", message_id)))
    await until(lambda: stack.replies(contact))
    return (await stack.conversation_of(contact))["id"]


# (method, path, body, may an agent, may who only reads)
DEEDS = [
    ("GET", "/api/stats", None, True, True),
    ("GET", "/api/conversations/{id}", None, True, True),
    ("GET", "/api/analytics", None, True, True),
    ("POST", "/api/conversations/{id}/handoff", None, True, False),
    ("POST", "/api/conversations/{id}/seen", None, True, False),
    ("POST", "/api/conversations/{id}/messages", {"text": "hi"}, True, False),
    ("POST", "/api/conversations/{id}/resume", None, True, False),
    ("PATCH", "/api/contacts/{id}", {"profile": {"name": "Ann"}}, True, False),
    ("GET", "/api/contacts/{id}/notes", None, True, True),
    ("PUT", "/api/contacts/{id}/notes", {"key": "allergy", "text": "nuts"}, True, False),
    ("POST", "/api/generate", {"text": "hello"}, True, False),
    ("POST", "/api/knowledge/search", {"question": "hello"}, True, False),
    ("GET", "/api/tokens", None, False, False),
    ("GET", "/api/audit", None, False, False),
    ("GET", "/api/hooks", None, False, False),
    ("POST", "/api/tokens", {"name": "me", "role": "owner"}, False, False),
    ("PATCH", "/api/bots/demo", {"facts": "x"}, False, False),
    ("PUT", "/api/bots", {"id": "mine"}, False, False),
    ("DELETE", "/api/knowledge/documents/x", None, False, False),
    ("POST", "/api/hooks", {"url": "https://93.184.216.34/"}, False, False),
    ("DELETE", "/api/contacts/{id}", None, False, False),
]


@pytest.mark.parametrize(("method", "path", "body", "agent", "reader"), DEEDS)
async def test_a_role_allows_what_it_says(
    stack: Stack, method: str, path: str, body: object, agent: bool, reader: bool
):
    known = await conversation(stack) if "{id}" in path else ""
    for role, may in (("agent", agent), ("read_only", reader)):
        id, token = await operator(stack, role)
        async with client(stack, token) as mine:
            answer = await mine.request(method, path.format(id=known), json=body)
            assert (answer.status_code != 403) == may, (role, answer.text)
            if may:
                assert answer.status_code < 300, answer.text
            else:
                assert role in answer.json()["detail"]
        await stack.http.delete(f"/api/tokens/{id}")


async def test_what_operators_may_do_in_the_simulator_is_what_they_may_do_elsewhere(stack: Stack):
    said = {"contact": "77010000123", "text": "hi"}
    for role, bots, status in (("read_only", [], 403), ("agent", ["default"], 403), ("agent", ["demo"], 200)):
        id, token = await operator(stack, role, bots)
        async with client(stack, token) as mine:
            for wire, account in (
                ("cloud-api", "sim-demo"),
                ("wappi", "simwappi-demo"),
                ("waha", "simwaha-demo"),
            ):
                answer = await mine.post(f"/simulator/{wire}/_control/{account}/messages", json=said)
                assert answer.status_code == status, (role, bots, wire)
            page = (await mine.get("/simulator")).text
            assert ('value="demo"' in page) == ("default" not in bots)
        await stack.http.delete(f"/api/tokens/{id}")
    await until(stack.idle)


@pytest.mark.parametrize(
    "profile",
    [
        {"consent": None},
        {"class_reason": "x"},
        {"undeliverable": "1"},
        {"Name": "x"},
        {"name": "x" * 1001},
        {"a b": "c"},
    ],
)
async def test_what_the_service_notes_itself_is_not_entered(stack: Stack, profile: dict[str, object]):
    known = await conversation(stack)
    answer = await stack.http.patch(f"/api/contacts/{known}", json={"profile": profile})
    assert answer.status_code == 422 and next(iter(profile)) in answer.text
    raw = b'{"profile": {"name": "\\ud800"}}'
    broken = await stack.http.patch(
        f"/api/contacts/{known}", content=raw, headers={"Content-Type": "application/json"}
    )
    assert broken.status_code == 422


async def test_a_cookie_with_another_kind_of_authorization_needs_the_page_s_token_too(stack: Stack):
    known = await conversation(stack)
    browser, _ = await logged_in(stack, API)
    for kind in ("Basic eA==", "Digest x", "bearer"):
        answer = await browser.post(f"/api/conversations/{known}/handoff", headers={"Authorization": kind})
        assert answer.status_code in (401, 403), kind
    await browser.aclose()


async def test_every_route_that_changes_something_is_closed_to_who_only_reads(stack: Stack):
    """Whatever routes there will be."""
    description = (await stack.http.get("/openapi.json")).json()
    id, token = await operator(stack, "read_only")
    count = 0
    async with client(stack, token) as mine:
        for path, methods in description["paths"].items():
            for method in methods.keys() & {"post", "put", "patch", "delete"}:
                if path.startswith("/api/"):
                    assert (await mine.request(method, re.sub(r"\{\w+\}", "x", path))).status_code == 403, (
                        path
                    )
                    count += 1
    assert count > 30
    await stack.http.delete(f"/api/tokens/{id}")


async def test_a_change_with_a_cookie_needs_the_page_s_token(stack: Stack):
    known = await conversation(stack)
    browser, csrf = await logged_in(stack, API)
    path = f"/api/conversations/{known}/handoff"
    assert (await browser.get(f"/api/conversations/{known}")).status_code == 200
    for headers in ({}, {"X-CSRF-Token": "guess"}, {"X-CSRF-Token": "ü"}):
        assert (
            await browser.post(path, headers={k: v.encode() for k, v in headers.items()})
        ).status_code == 403
    assert (await browser.post("/logout", data={"csrf": "guess"})).status_code == 403
    assert (await stack.conversation_of((await browser.get(f"/api/conversations/{known}")).json()["wa_id"]))[
        "owner"
    ] == "bot"
    assert (await browser.post(path, headers={"X-CSRF-Token": csrf})).json()["owner"] == "person"
    answer = await browser.post("/logout", data={"csrf": csrf})
    assert answer.headers["location"] == "/login"
    async with httpx.AsyncClient(base_url=stack.url, cookies=browser.cookies) as thief:
        assert (await thief.get(f"/api/conversations/{known}")).status_code == 401
    await browser.aclose()


async def test_a_cookie_is_for_this_server_s_pages_alone(stack: Stack):
    async with httpx.AsyncClient(base_url=stack.url) as browser:
        plain = (await browser.post("/login", data={"token": API})).headers["set-cookie"]
        assert (
            "HttpOnly" in plain and "SameSite=strict" in plain and "Secure" not in plain and API not in plain
        )
        proxied = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.9"}
        assert (
            "Secure"
            in (await browser.post("/login", data={"token": API}, headers=proxied)).headers["set-cookie"]
        )
        for target in ("//evil.example", "https://evil.example", "/\\evil.example"):
            answer = await browser.post("/login", data={"token": API, "next": target})
            assert answer.headers["location"] == "/dashboard"


async def test_a_revoked_operator_is_out_at_once(stack: Stack):
    id, token = await operator(stack, "agent")
    browser, _ = await logged_in(stack, token)
    assert (await browser.get("/api/me")).json()["role"] == "agent"
    assert (await browser.get("/dashboard/people")).status_code == 403
    await stack.http.delete(f"/api/tokens/{id}")
    assert (await browser.get("/api/me")).status_code == 401
    assert (await browser.get("/dashboard")).headers["location"].startswith("/login?next=")
    await browser.aclose()


async def test_guessing_tokens_is_slow(stack: Stack):
    guesser = {"X-Forwarded-For": "198.51.100.7"}  # the proxy on this machine says whose address it is
    async with httpx.AsyncClient(base_url=stack.url, headers=guesser) as browser:
        for _ in range(TRIES):
            assert (await browser.post("/login", data={"token": "guess"})).status_code == 401
        answer = await browser.post("/login", data={"token": "guess"})
        assert answer.status_code == 429 and "minutes" in answer.text
        answer = await browser.get("/api/me", headers={"Authorization": "Bearer guess"})
        assert answer.status_code == 429 and answer.headers["retry-after"] == "900"
        # a token that nobody guesses opens all the same: a guesser keeps nobody out
        assert (await browser.post("/login", data={"token": API})).status_code == 303


async def test_a_short_token_is_no_use_where_somebody_guesses(redis: Redis, tmp_path: Path):
    access = Access(Settings(_env_file=None, data_dir=tmp_path, api_token="short"), redis)
    for number in range(TRIES):
        assert await access.log_in(f"guess {number}", "198.51.100.9") is None
    for token in ("guess", "short"):
        with pytest.raises(TooMany):
            await access.log_in(token, "198.51.100.9")
    assert await access.log_in("short", "198.51.100.10")


async def test_an_operator_of_one_bot_sees_no_other(stack: Stack):
    known = await conversation(stack)
    id, token = await operator(stack, "agent", ["demo"])
    browser, _ = await logged_in(stack, token)
    assert known not in (await browser.get("/dashboard")).text
    assert (await browser.get(f"/dashboard/default/{known}")).status_code == 404
    assert (await browser.get(f"/api/conversations/{known}")).status_code == 404
    assert (await browser.get("/api/analytics?bot_id=default")).status_code == 404
    assert (await browser.get("/api/analytics")).json()["bots"] == ["demo"]
    await browser.aclose()
    await stack.http.delete(f"/api/tokens/{id}")


async def test_an_operator_writes_corrects_and_forgets_notes(stack: Stack):
    known = await conversation(stack)
    where, bot = (
        f"/api/contacts/{known}/notes",
        (await stack.http.get(f"/api/contacts/{known}")).json()["bot_id"],
    )
    for noted in ("allergic to nuts", "allergic to nuts and milk"):
        answer = await stack.http.put(where, json={"key": "Allergy!", "text": noted})
    (note,) = (await stack.http.get(where)).json()
    assert answer.json() == [note]
    assert (note["key"], note["text"], note["message_id"]) == (
        "allergy",
        "allergic to nuts and milk",
        "operator",
    )
    page = await stack.http.get(f"/dashboard/{bot}/{known}")
    assert "allergic to nuts and milk" in page.text
    assert (await stack.http.put(where, json={"key": "?", "text": "x"})).status_code == 422
    assert (await stack.http.put(where, json={"key": "allergy", "text": ""})).json() == []


async def test_what_people_change_is_on_record_without_words_or_numbers(stack: Stack):
    known = await conversation(stack)
    id, token = await operator(stack, "agent")
    contact = (await stack.http.get(f"/api/contacts/{known}")).json()["wa_id"]
    async with client(stack, token) as mine:
        await mine.get(f"/api/contacts/{known}")
        await mine.post(f"/api/conversations/{known}/messages", json={"text": "a secret word"})
        await mine.post(
            f"/api/conversations/{known}/messages", json={"text": ""}
        )  # refused: nothing was changed
        await mine.get(f"/api/contacts/{known}/export")  # hands out what is known of somebody
    lines = (await stack.http.get("/api/audit", params={"limit": 200})).json()["items"]
    mine_only = [line for line in lines if line["operator_id"] == id]
    assert [(line["action"], line["bot_id"], line["target"]) for line in mine_only] == [
        ("GET /api/contacts/{contact_id}/export", "default", known),
        ("POST /api/conversations/{conversation_id}/messages", "default", known),
    ]
    assert "secret word" not in str(lines) and contact not in str(lines) and token not in str(lines)
    await stack.http.delete(f"/api/tokens/{id}")


def test_a_token_file_that_others_read_is_not_put_on_the_network(tmp_path: Path):
    settings = Settings(_env_file=None, data_dir=tmp_path, host="0.0.0.0")
    assert exposed(settings) == ""  # there is none yet
    assert settings.operator_token and exposed(settings) == ""
    (tmp_path / "api_token").chmod(0o644)
    assert "chmod 600" in exposed(settings)
    assert exposed(Settings(_env_file=None, data_dir=tmp_path, host="127.0.0.1")) == ""
    short = Settings(_env_file=None, data_dir=tmp_path, host="0.0.0.0", api_token="given")
    assert "API_TOKEN" in exposed(short) and "24 characters" in exposed(short)
    assert exposed(Settings(_env_file=None, data_dir=tmp_path, host="0.0.0.0", api_token="x" * 24)) == ""


async def test_the_link_that_is_printed_opens_for_one_browser_once(stack: Stack):
    printed = re.search(r"Open\s+(http://127\.0\.0\.1:\d+/login/\S+)", stack.log.read_text())
    assert printed, stack.log.read_text()
    redis = Redis.from_url(f"unix://{stack.data_dir}/redis/socket?db=0")
    link = await login_link(Settings(_env_file=None, data_dir=stack.data_dir, port=stack.port), redis)
    await redis.aclose()
    async with (
        httpx.AsyncClient(base_url=stack.url) as browser,
        httpx.AsyncClient(base_url=stack.url) as thief,
    ):
        opened = await browser.get(link)
        assert opened.status_code == 303 and opened.headers["location"] == "/simulator"
        cookie = opened.headers["set-cookie"]
        assert "HttpOnly" in cookie and "SameSite=strict" in cookie
        assert (await browser.get("/simulator")).status_code == 200
        assert (await browser.get("/api/me")).json()["id"] == "api_token"
        again = await thief.get(link)
        assert again.headers["location"] == "/login?used=1" and "set-cookie" not in again.headers
        assert "login-link" in (await thief.get("/login?used=1")).text
        assert (await browser.get(link)).headers[
            "location"
        ] == "/simulator"  # pressed again in the same browser
        for wrong in ("x", "../x", "%00", "x" * 5000):
            assert "set-cookie" not in (await thief.get(f"/login/{wrong}")).headers


async def test_a_calendar_ends_with_the_token_of_whoever_reads_it(stack: Stack):
    id, token = await operator(stack, "read_only", ["demo"])
    async with client(stack, token) as mine, httpx.AsyncClient(base_url=stack.url) as calendar:
        feeds = (await mine.get("/api/calls")).json()["feeds"]
        theirs = (await stack.http.get("/api/calls")).json()["feeds"]
        assert set(feeds) == {"demo"} and feeds["demo"] != theirs["demo"]
        assert (await calendar.get(feeds["demo"])).status_code == 200
        assert (await calendar.get(feeds["demo"].replace("/demo/", "/default/"))).status_code == 404
        await stack.http.delete(f"/api/tokens/{id}")
        assert (await calendar.get(feeds["demo"])).status_code == 404
        assert (await calendar.get(theirs["demo"])).status_code == 200
        for wrong in ("x", "api_token-", f"api_token-{'0' * 40}", f"{id}-", "%C3%BC"):
            assert (await calendar.get(f"/calendar/demo/{wrong}.ics")).status_code == 404


async def test_whoever_owns_one_bot_names_no_model_and_no_budget_of_its_own(stack: Stack):
    id, token = await operator(stack, "owner", ["demo"])
    async with client(stack, token) as mine:
        for field, value in (
            ("model", "openai:dearest"),
            ("moderate_model", "openai:x"),
            ("daily_budget", 10_000),
            ("fallback_model", "x"),
        ):
            answer = await mine.patch("/api/bots/demo", json={field: value})
            assert answer.status_code == 403 and field in answer.text
        assert (await mine.patch("/api/bots/demo", json={"facts": "Open daily."})).status_code == 200
    await stack.http.patch("/api/bots/demo", json={"facts": None})
    await stack.http.delete(f"/api/tokens/{id}")


async def test_strangers_learn_from_metrics_and_health_how_it_is_and_not_whose_it_is(stack: Stack):
    async with httpx.AsyncClient(base_url=stack.url) as stranger:
        told = (await stranger.get("/metrics")).text
        health = (await stranger.get("/health")).json()
    assert 'salesgraph_messages_total{bot="all",direction="in"}' in told and 'bot="demo"' not in told
    assert not re.search(r"salesgraph_(cost|spent|tokens)", told)
    assert set(health) == {"status", "redis", "oldest_due_seconds"}
    mine = (await stack.http.get("/metrics")).text
    assert 'salesgraph_cost_dollars_total{bot="demo"}' in mine
    id, token = await operator(stack, "read_only", ["demo"])
    async with client(stack, token) as theirs:
        seen = (await theirs.get("/metrics")).text
    assert 'bot="demo"' in seen and 'bot="default"' not in seen
    await stack.http.delete(f"/api/tokens/{id}")


def test_a_log_holds_nobodys_number_in_full():
    event = {
        "detail": "input_value='77015550777@s.whatsapp.net'",
        "turn": "1234567890",
        "error": "code 131047",
    }
    assert without_numbers(None, "warning", event) == {
        "detail": "input_value='…77@s.whatsapp.net'",
        "turn": "1234567890",
        "error": "code 131047",
    }


def test_a_route_without_a_role_stops_the_start():
    routes = APIRouter(prefix="/api")

    @routes.get("/forgotten")
    async def forgotten() -> None: ...

    with pytest.raises(TypeError, match="/api/forgotten: say one of READER, AGENT and OWNER"):
        Roles(routes.routes)


def test_the_role_is_that_of_the_route():
    routes = APIRouter(prefix="/api")

    @routes.delete("/things/{thing_id}", dependencies=[OWNER])
    async def drop(thing_id: str) -> None: ...

    @routes.get("/things/{thing_id}", dependencies=[READER])
    async def see(thing_id: str) -> None: ...

    roles = Roles(routes.routes)
    assert roles.allow("owner", "DELETE", "/api/things/1") and not roles.allow(
        "agent", "DELETE", "/api/things/1"
    )
    assert roles.allow("read_only", "GET", "/api/things/1") and roles.allow(
        "read_only", "HEAD", "/api/things/1"
    )
