"""A conversation of production becomes a saved one: nobody is left in it, and it plays as it went."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from server.bots.bot import Bot, build_bot
from server.config.settings import Settings
from server.replay.export import Exported, Transcript, export_conversation
from server.replay.masking import Mask, people_in
from server.replay.runs import KeptConversation, documents, played
from server.replay.saved import BadConversation, parse_conversation
from server.store.records import Contact, Entry

pytestmark = pytest.mark.slow

HOUR = 3_600_000
AT = 1_772_420_400_000  # Monday 2 March 2026, 08:00 in Almaty
BOT = build_bot(
    Settings.model_construct(),
    {"id": "shop", "business": "Aurora Coffee, машины", "price_prompt": "Price first."},
    {},
)
ANNA = Contact(
    id="c",
    bot_id="shop",
    wa_id="77011234567",
    name="Анна Петрова",
    profile={
        "name": "Анна",
        "last_name": "Петрова",
        "phone": "+77011234567",
        "email": "anna@mail.ru",
        "class": "client",
    },
    sources={"name": "m1", "last_name": "m1", "phone": "m3", "email": "m3"},
)


def entry(author: Any, text: str, at: float, id: str, **more: Any) -> Entry:
    return Entry(id=id, author=author, text=text, at=AT + int(at * HOUR), **more)


TALK = [
    entry("contact", "Здравствуйте, это Анна Петрова", 0, "m1"),
    entry("contact", "сколько стоит доставка по Алматы?", 0.001, "m2"),
    entry(
        "bot",
        "Здравствуйте, Анна! Доставка по Алматы стоит 1 500 ₸.",
        0.002,
        "t1:0",
        turn_id="t1",
        model="openai:x",
    ),
    entry(
        "contact",
        "",
        2,
        "m3",
        kind="audio",
        heard="мой телефон +7 701 123 45 67, почта anna@mail.ru, живу на ул. Абая 15",
    ),
    entry("bot", "Спасибо, Анна, записал.", 2.001, "t2:0", turn_id="t2", model="openai:x"),
    entry("person", "Анна, это Тимур, я вам позвоню: https://calls.kz/timur", 3, "p1"),
    entry("contact", "хорошо", 3.1, "m4"),
    entry("contact", "а чек дадите?", 30, "m5"),
    entry("bot", "О чеке уточню у коллеги, Анна.", 30.001, "t4:0", turn_id="t4", model="openai:x"),
]


async def export(entries: list[Entry], contact: Contact = ANNA, bad: str = "", bot: Bot = BOT) -> Exported:
    return await export_conversation(
        "talk", Transcript(contact, entries), bot, documents(None), Mask(["Тимур", contact.name]), bad
    )


async def test_it_plays_as_it_went_with_nobody_in_it():
    made_ = await export(TALK)
    assert made_.differs == []
    saved = parse_conversation(made_.file, "talk")
    went, _ = await played(KeptConversation(Path("talk.yaml"), saved, made_.tape))
    assert went.passed, went.shown()
    anna = made_.replaced["name", "анна"]
    assert [turn.reply for turn in went.turns] == [
        f"Здравствуйте, {anna}! Доставка по Алматы стоит 1 500 ₸.",
        f"Спасибо, {anna}, записал.",
        "",
        "",
        "",
        f"О чеке уточню у коллеги, {anna}.",
    ]
    assert [bool(turn.hand_back) for turn in saved.turns] == [False, False, False, False, True, False]
    assert (
        went.turns[1].profile["phone"] == "+12025550101"
        and went.turns[1].profile["email"] == "someone1@example.com"
    )
    assert saved.turns[1].after == 120 and saved.bot["price_prompt"] == "Price first."
    text = made_.file + yaml.safe_dump(
        [dict(made_.tape.calls), dict(made_.tape.passages)], allow_unicode=True
    )
    for gone in ("Анн", "Петров", "Тимур", "701", "anna", "Абая", "calls.kz"):
        assert gone not in text
    assert not [raw for kind, raw in people_in(made_.file)]
    assert {kind for kind, _ in made_.replaced} == {"name", "phone", "email", "address", "link"}


async def test_a_cart_and_its_order_go_with_it():
    sells = build_bot(Settings.model_construct(), {"id": "shop", "orders": {"taking": True}}, {})
    order = {"catalogue_id": "1", "items": [{"retailer_id": "AU-DUO", "quantity": 2}]}
    talk = [
        entry("contact", "2 x AU-DUO at 449000 KZT", 0, "m1", kind="order", order=order),
        entry("bot", "Ваша корзина:", 0.01, "t1:0", turn_id="t1", model="cart"),
        entry("contact", "Заказать", 0.1, "m2", kind="button", choice="cart:confirm:1"),
        entry("bot", "Спасибо!", 0.11, "t2:0", turn_id="t2", model="cart"),
    ]
    made = await export(talk, bot=sells)
    saved = parse_conversation(made.file, "talk")
    assert [(said.order, said.payload) for turn in saved.turns for said in turn.user or ()] == [
        ("2 x AU-DUO", ""),
        (None, "cart:confirm:1"),
    ]
    went, _ = await played(KeptConversation(Path("talk.yaml"), saved, made.tape))
    assert "Total: 898000 KZT" in went.turns[0].cart and "Its number is 1" in went.turns[1].cart


async def test_a_bad_reply_is_a_failing_test_at_once():
    made_ = await export(TALK, bad="уточню у коллеги")
    went, _ = await played(
        KeptConversation(Path("talk.yaml"), parse_conversation(made_.file, "talk"), made_.tape)
    )
    (problem,) = went.turns[-1].problems
    assert problem.startswith("reply has 'уточню у коллеги'")


async def test_words_that_were_not_said_make_no_failing_test():
    with pytest.raises(BadConversation, match="does not have 'дорого'"):
        await export(TALK, bad="дорого")
    with pytest.raises(BadConversation, match="does not have"):
        await export([*TALK[:3], *TALK[5:6]], bad="Тимур")
    named = await export(TALK[:3], bad="Здравствуйте, Анна")
    assert "Анн" not in named.file


async def test_a_colleague_may_have_the_last_word():
    made_ = await export(TALK[:6])
    went, _ = await played(
        KeptConversation(Path("talk.yaml"), parse_conversation(made_.file, "talk"), made_.tape)
    )
    assert went.passed and made_.differs == []


async def test_places_cards_and_corrections_stay_at_home():
    talk = [
        *TALK[:2],
        entry("contact", "Марат Ахметов +7 701 000 00 00", 0.0011, "m8", kind="contacts"),
        entry("contact", "43.238949, 76.889709", 0.0012, "m9", kind="location"),
        entry("contact", "исправлено", 0.0013, "m10", kind="edit"),
        TALK[2],
    ]
    made_ = await export(talk)
    (turn,) = parse_conversation(made_.file, "talk").turns
    assert [each.kind for each in turn.user or []] == ["text", "text", "contacts", "location"]
    assert "Марат" not in made_.file and "43.2" not in made_.file and "исправлено" not in made_.file


async def test_the_prompts_of_then_are_used_again():
    talk = [*TALK[:2], TALK[2].model_copy(update={"prompts": ["sell@1", "objection@2", "problem@3"]})]
    made_ = await export(talk)
    went, _ = await played(
        KeptConversation(Path("talk.yaml"), parse_conversation(made_.file, "talk"), made_.tape)
    )
    assert {"objection", "problem"} <= {name.partition("@")[0] for name in went.turns[0].prompts}


async def test_a_silence_is_as_long_as_it_was():
    talk = [
        *TALK[:3],
        entry("contact", "ещё вопрос", 65.7, "m6"),
        entry("bot", "Да?", 65.71, "t6:0", turn_id="t6"),
    ]
    saved = parse_conversation((await export(talk)).file, "talk")
    assert saved.turns[1].after == round(65.7 * 60)


async def test_what_this_graph_would_not_say_is_told():
    invented = replace_text(TALK[:3], "Для вас доставка стоит 777 ₸.")
    made_ = await export(invented)
    (line,) = made_.differs
    assert line.startswith("turn 1: it was 'Для вас доставка стоит 777 ₸.'; this graph makes of it")


def replace_text(entries: list[Entry], text: str) -> list[Entry]:
    return [*entries[:-1], entries[-1].model_copy(update={"text": text})]


async def test_a_conversation_in_which_nobody_wrote_is_none():
    with pytest.raises(BadConversation, match="nobody wrote"):
        await export(TALK[2:3])


async def test_a_touch_is_a_silence():
    following = replace(
        BOT,
        outreach=build_bot(
            Settings.model_construct(),
            {
                "id": "x",
                "outreach": {"enabled": True, "intervals": [3]},
                "hours": {"timezone": "Asia/Almaty", "holidays": "none"},
            },
            {},
        ).outreach,
    )
    talk = [*TALK[:3], entry("bot", "Вы ещё с нами, Анна?", 3.1, "t9:0", turn_id="t9", touch=1)]
    mask = Mask(["Анна Петрова"])
    made_ = await export_conversation("touched", Transcript(ANNA, talk), following, documents(None), mask)
    saved = parse_conversation(made_.file, "touched")
    assert saved.turns[1].silence and saved.bot["outreach"]["enabled"]
    assert made_.differs == []
