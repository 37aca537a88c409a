"""The simulator is a world of its own: nothing done on a simulated number touches a real contact, whoever's
digits it uses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis

from channels.base import LinkChange, Message, Parsed, Preference, StatusUpdate, TemplateStatus
from channels.emulators.numbers import SIMULATED, bot_of_number, is_simulated
from server.bots.routing import WebhookScope
from server.conversations.callbacks import callback
from server.outreach.consent import suppressed
from server.pipeline.intake import receive
from server.store.keys import key
from tests.support.office import NUMBER, Office
from tests.support.people.customers import fresh, write
from tests.support.stack import Stack, text, webhook
from tests.support.waiting import until

PEOPLE = ("77010000001", "77010000002")
REAL = [NUMBER]
PLAYED = [f"{prefix}default" for prefix in SIMULATED.values()]

# (what happens, on which simulated number, with whose digits, with which words)
DEEDS = st.lists(
    st.tuples(
        st.sampled_from(
            [
                "text",
                "echo",
                "reaction",
                "edit",
                "status",
                "own echo",
                "opt out",
                "opt in",
                "link",
                "template",
                "lid",
            ]
        ),
        st.sampled_from(PLAYED),
        st.sampled_from(PEOPLE),
        st.sampled_from(["hello", "stop", "/reset", "/history", "a person please"]),
    ),
    min_size=1,
    max_size=12,
)


def door_of(office: Office, account: str) -> WebhookScope:
    channel = office.router.channel("default", account)
    assert channel is not None
    return WebhookScope(channel, {account: office.runtime.bot}, {account: channel})


async def everything(redis: Redis, conversations: list[str]) -> dict[bytes, Any]:
    """All that Redis holds of conversations, and all lists of the bot they stand in."""
    found: dict[bytes, Any] = {}
    async for name in redis.scan_iter(match=key("default", "*")):
        kind = await redis.type(name)
        if any(one.encode() in name for one in conversations):
            found[name] = await redis.dump(name)
        elif kind == b"zset":
            found[name] = [await redis.zscore(name, one) for one in conversations]
        elif kind == b"set":
            found[name] = await redis.smismember(name, conversations)  # pyright: ignore[reportGeneralTypeIssues]
    return found


def parsed(what: str, account: str, who: str, words: str, number: int, known: dict[str, str]) -> Parsed:
    made = Parsed()
    message_id = f"simulated-{number}"
    if what in ("text", "echo", "reaction", "edit"):
        kind: Any = what
        made.messages.append(Message(id=message_id, account=account, kind=kind, wa_id=who, text=words))
    elif what == "lid":
        made.messages.append(
            Message(id=message_id, account=account, kind="text", user_id=f"{who}@lid", text=words)
        )
    elif what == "own echo":  # under the id of what was really sent
        made.messages.append(
            Message(id=f"sent-to-{who}", account=account, kind="echo", wa_id=who, text=words, ours=True)
        )
    elif what == "status":
        told = {
            "callback": callback(known[who], "reply:0"),
            "contact": who,
            "error_code": 131026,
            "failure": "contact",
        }
        made.statuses.append(StatusUpdate(id=f"sent-to-{who}", account=account, status="failed", **told))
    elif what == "link":
        made.links.append(LinkChange(account=account, state="failed"))
    elif what == "template":
        made.templates.append(TemplateStatus(name="come_back", language="en", status="REJECTED"))
    else:
        made.preferences.append(
            Preference(account=account, wa_id=who, stopped=what == "opt out", timestamp=number)
        )
    return made


@given(deeds=DEEDS)
@settings(max_examples=40, phases=[Phase.generate, Phase.shrink])
async def test_nothing_done_on_a_simulated_number_changes_a_real_contact(
    redis: Redis, tmp_path: Path, deeds: list[tuple[str, str, str, str]]
):
    await redis.flushdb()
    office = Office(redis, tmp_path)
    runtimes = {"default": office.runtime}
    real: dict[str, str] = {}
    for who in PEOPLE:
        await receive(
            Parsed(messages=[Message(id=f"m-{who}", account=NUMBER, kind="text", wa_id=who, text="hello")]),
            door_of(office, NUMBER),
            runtimes,
        )
        real[who] = await office.reply(who)
        await office.runtime.conversations.note_sent(real[who], "reply:0", f"sent-to-{who}")
    before = await everything(redis, list(real.values()))
    assert len(before) > 10
    for number, (what, account, who, words) in enumerate(deeds):
        await receive(parsed(what, account, who, words, number, real), door_of(office, account), runtimes)
    after = await everything(redis, list(real.values()))
    assert {name: value for name, value in after.items() if name in before} == before
    for who, conversation in real.items():
        contact = await office.runtime.conversations.contact(conversation)
        assert contact is not None and contact.account == NUMBER and contact.wa_id == who
    assert not await redis.exists(key("default", "templates"))
    assert await suppressed(redis, office.runtime.conversations) == []
    # and the other way round: what a real person does changes nobody simulated
    for account in PLAYED:
        for who in PEOPLE:
            found = await office.runtime.conversations.known(account, who)
            assert found not in real.values()


def test_no_real_number_is_taken_for_a_simulated_one():
    assert [is_simulated(account) for account in (*REAL, *PLAYED)] == [False, True, True, True]
    assert [bot_of_number(account) for account in (*REAL, *PLAYED)] == ["", "default", "default", "default"]


async def test_whoever_plays_a_customer_neither_reads_nor_silences_nor_diverts_her(stack: Stack):
    contact, message_id = fresh()
    await stack.post(webhook(text(contact, "my secret address is Abay 10", message_id)))
    await until(lambda: stack.replies(contact))
    await until(stack.idle)
    mine = (await stack.conversation_of(contact))["id"]
    wires = (("sim-default", "cloud-api"), ("simwappi-default", "wappi"), ("simwaha-default", "waha"))
    for account, wire in wires:
        phone = f"{stack.url}/simulator/{wire}"
        for words in ("/history", "stop", "/reset"):
            await write(phone, account, contact, words)
        await write(phone, account, contact, "I take over", business=True)
        await until(stack.idle)
        path = f"/simulator/{wire}/_control/{account}/messages"
        shown = await stack.http.get(path, params={"contact": contact})
        assert shown.json() and "Abay 10" not in shown.text
    seen = (await stack.http.get(f"/api/conversations/{mine}")).json()
    assert (seen["owner"], seen["account"]) == ("bot", "106540352242922")
    assert seen["profile"].get("consent") is None and len(seen["messages"]) == 2
    rows = (await stack.http.get("/api/contacts", params={"limit": 200})).json()["items"]
    accounts = sorted(row["account"] for row in rows if row["wa_id"] == contact)
    assert accounts == [
        "106540352242922",
        "simwaha-default",
    ]  # who plays her on three wires is one and the same
    before = len(stack.replies(contact))
    await stack.http.post(f"/api/conversations/{mine}/messages", json={"text": "The Duo is here"})
    await until(lambda: len(stack.replies(contact)) == before + 1)
    assert stack.replies(contact)[-1] == "The Duo is here"
