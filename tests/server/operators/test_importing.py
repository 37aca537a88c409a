"""A chat from a phone becomes a conversation, a list of people becomes contacts; first dry, then once."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage
from redis.asyncio import Redis
from typer.testing import CliRunner

from agent.profile import CustomField
from channels.chat_export import parse_export
from server.bots.bot import BotRuntime, build_bot, runtime_of
from server.cli.imports import import_commands
from server.config.settings import Settings
from server.operators import importing
from server.operators.importing import NotImported
from server.outreach.consent import suppressed
from server.store.contacts import OPERATOR
from tests.support.stack import Stack, text, webhook
from tests.support.waiting import until

CHAT = """31.12.2023, 23:58 - Messages and calls are end-to-end encrypted.
31.12.2023, 23:59 - Айгуль: Здравствуйте! Сколько стоит ваза?
01.01.2024, 10:00 - Shop: 900 ₸
за штуку
01.01.2024, 10:01 - Айгуль: <Без медиафайлов>
"""


@pytest.fixture
def runtime(redis: Redis, tmp_path: Path) -> BotRuntime:
    settings = Settings(_env_file=None, data_dir=tmp_path)  # pyright: ignore[reportCallIssue]
    fields = [CustomField(name="cups", type="number").model_dump()]
    return runtime_of(
        build_bot(
            settings, {"id": "shop", "custom_fields": fields, "hours": {"timezone": "Asia/Almaty"}}, {}
        ),
        redis,
    )


async def test_a_chat_is_stored_once_and_in_order(runtime: BotRuntime):
    export = parse_export(CHAT)
    report, last, conversation = await importing.import_exported_chat(
        runtime, export, "+7 701 555 01 01", "Shop"
    )
    assert (report.taken, conversation) == (3, "") and await runtime.conversations.count() == 0
    assert [r.line for r in report.refused] == [1]
    report, last, conversation = await importing.import_exported_chat(
        runtime, export, "+7 701 555 01 01", "Shop", dry=False
    )
    assert (report.taken, report.known) == (3, 0)
    entries = await runtime.conversations.transcript(conversation)
    assert [(e.author, e.text) for e in entries] == [
        ("contact", "Здравствуйте! Сколько стоит ваза?"),
        ("person", "900 ₸\nза штуку"),
        ("contact", "[file]"),
    ]
    assert entries[0].at == 1704045540000  # 23:59 by the clock of Almaty, then UTC+6
    assert [type(m) for m in last] == [HumanMessage, AIMessage, HumanMessage]
    contact = await runtime.conversations.contact(conversation)
    assert contact and (contact.wa_id, contact.name, contact.profile["language"]) == (
        "77015550101",
        "Айгуль",
        "ru",
    )
    again, last, _ = await importing.import_exported_chat(runtime, export, "77015550101", "Shop", dry=False)
    assert (again.taken, again.known, last) == (0, 3, [])
    assert len(await runtime.conversations.transcript(conversation)) == 3


async def test_a_chat_goes_before_what_was_said_here_and_never_in_between(runtime: BotRuntime, redis: Redis):
    report, _, conversation = await importing.import_exported_chat(
        runtime, parse_export(CHAT), "+77015550101", "Shop", dry=False
    )
    later = parse_export("02.01.2024, 10:00 - Shop: later\n")
    with pytest.raises(NotImported, match="wrong order"):
        await importing.import_exported_chat(runtime, later, "+77015550101", "Shop", dry=False)
    earlier = parse_export("01.12.2023, 10:00 - Shop: earlier\n")
    report, _, _ = await importing.import_exported_chat(runtime, earlier, "+77015550101", "Shop", dry=False)
    assert report.taken == 1
    assert next(e.text for e in await runtime.conversations.transcript(conversation)) == "earlier"


@pytest.mark.parametrize(
    ("text", "phone", "us", "words"),
    [
        (CHAT, "+77015550101", "Nobody", "Айгуль, Shop"),
        (CHAT, "12345", "Shop", "country code"),
        (CHAT + "02.01.2024, 10:00 - Dana: hi\n", "+77015550101", "Shop", "group"),
    ],
)
async def test_what_cannot_be_one_conversation_is_refused_whole(
    runtime: BotRuntime, text: str, phone: str, us: str, words: str
):
    with pytest.raises(NotImported, match=words):
        await importing.import_exported_chat(runtime, parse_export(text), phone, us, dry=False)
    assert await runtime.conversations.count() == 0


async def test_a_long_chat_keeps_its_end(redis: Redis, tmp_path: Path):
    settings = Settings(_env_file=None, data_dir=tmp_path, transcript_messages=50)  # pyright: ignore[reportCallIssue]
    runtime = runtime_of(build_bot(settings, {"id": "shop"}, {}), redis)
    text = "\n".join(
        f"01.01.2024, {n // 60:02}:{n % 60:02} - {'A' if n % 2 else 'Shop'}: m{n}" for n in range(300)
    )
    report, last, conversation = await importing.import_exported_chat(
        runtime, parse_export(text), "+77015550101", "Shop", dry=False
    )
    assert [e.text for e in await runtime.conversations.transcript(conversation)] == [
        f"m{n}" for n in range(250, 300)
    ]
    assert "last 50" in report.notes[-1] and len(last) == importing.REMEMBERED


PEOPLE = """Phone;Name;Фамилия;E-mail;class;cups;consent;Notes
+7 701 555 01 01;Aigul;Смит;aigul@example.com;client;12;;vip
8 702 555 02 02;Dana;;;;;yes;
;Nobody;;;;;;
+7 701 555 01 01;Again;;;;;;
12;Short;;;;;;
+77015550303;Bad;;not an address;;;;
+77015550304;Bad;;;friend;;;
+77015550305;Bad;;;;many;;
+77015550306;a;b;;;;;;;extra
"""


async def test_people_are_taken_and_every_refused_row_says_why(runtime: BotRuntime, redis: Redis):
    found, report = importing.people(PEOPLE, runtime, "KZ")
    assert [(p.number, p.stopped) for p in found] == [("77015550101", False), ("77025550202", True)]
    assert found[0].facts == {
        "name": "Aigul",
        "last_name": "Смит",
        "email": "aigul@example.com",
        "class": "client",
        "cups": "12",
    }
    assert [(r.line, r.field) for r in report.refused] == [
        (4, "phone"),
        (5, "phone"),
        (6, "phone"),
        (7, "email"),
        (8, "class"),
        (9, "cups"),
        (10, "row"),
    ]
    assert "line 2" in report.refused[1].why and "Notes" in report.notes[0]
    assert await runtime.conversations.count() == 0
    stored = await importing.contacts(redis, runtime, found)
    assert (stored.taken, stored.known) == (2, 0)
    assert [row.wa_id for row in await suppressed(redis, runtime.conversations)] == ["77025550202"]
    again = await importing.contacts(redis, runtime, found)
    assert (again.taken, again.known) == (0, 2)


async def test_a_file_neither_overwrites_an_operator_nor_takes_an_opt_out_back(
    runtime: BotRuntime, redis: Redis
):
    found, _ = importing.people("phone,name\n+77025550202,Dana\n", runtime)
    await importing.contacts(redis, runtime, [importing.ImportedContact(1, "77025550202", {}, True)])
    (_, conversation), *_ = await runtime.conversations.page(1)
    await runtime.conversations.learn(conversation, {"name": "Danara"}, OPERATOR)
    await importing.contacts(redis, runtime, found)
    contact = await runtime.conversations.contact(conversation)
    assert contact and contact.profile["name"] == "Danara" and contact.stopped


@pytest.mark.parametrize("text", ["", "name,email\nA,b@example.com\n", "\n"])
def test_a_file_without_numbers_is_refused_whole(runtime: BotRuntime, text: str):
    with pytest.raises(NotImported, match="phone"):
        importing.people(text, runtime)


def test_a_number_without_its_country_asks_for_the_region(runtime: BotRuntime):
    _, report = importing.people("phone\n8 702 555 02 02\n", runtime)
    assert "--region" in report.refused[0].why


async def test_the_commands_and_what_the_agent_remembers(
    stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("DATA_DIR", str(stack.data_dir))
    monkeypatch.setenv("CHAT_MODEL", "offline")
    chat, people = tmp_path / "_chat.txt", tmp_path / "people.csv"
    chat.write_text(CHAT)
    people.write_text("phone,name\n+77085550102,Dana\nwrong,x\n")

    async def run(*arguments: str) -> Any:
        return await asyncio.to_thread(CliRunner().invoke, import_commands, list(arguments))

    contact = "+77085550101"
    dry = await run("chat", str(chat), "--contact", contact, "--us", "Shop", "--bot", "default", "--dry-run")
    assert dry.exit_code == 0 and "3 would be stored" in dry.output, dry.output
    done = await run("chat", str(chat), "--contact", contact, "--us", "Shop", "--bot", "default")
    assert "3 stored" in done.output and "2023-12-31 to 2024-01-01" in done.output, done.output
    mine, cursor = "", ""
    while not mine:  # the chat is of long ago: others are shown before it
        asked = {"bot_id": "default", "limit": "200", **({"cursor": cursor} if cursor else {})}
        page = (await stack.http.get("/api/contacts", params=asked)).json()
        mine = next((row["id"] for row in page["items"] if row["wa_id"] == contact.lstrip("+")), "")
        cursor = page["next_cursor"]
        assert mine or cursor
    seen = (await stack.http.get(f"/api/conversations/{mine}")).json()
    assert next(m["text"] for m in seen["messages"]) == "Здравствуйте! Сколько стоит ваза?"
    answer = await stack.post(webhook(text(contact.lstrip("+"), "А две?", "wamid.moved-in")))
    assert answer.status_code == 200
    await until(lambda: [r for r in stack.model.sales_calls() if "А две?" in str(r["messages"])])
    said = [str(m["content"]) for m in stack.model.sales_calls()[-1]["messages"]]
    assert any("900 ₸" in text for text in said)
    await until(stack.idle)
    listed = await run("contacts", str(people), "--bot", "demo", "--dry-run")
    assert listed.exit_code == 1 and "line 3 phone: wrong is no valid number" in listed.output, listed.output
    for wrong in (
        ("chat", str(people), "--contact", contact),
        ("contacts", str(chat)),
        ("chat", str(chat), "--contact", contact, "--dates", "xyz"),
    ):
        assert (await run(*wrong)).exit_code in (1, 2)
    nobody = await run("contacts", str(people), "--bot", "nobody")
    assert nobody.exit_code == 2 and "there is no bot" in nobody.output
