"""What the contact may tap on: cards equal to their rows whatever a model says, choices that pass the gate of
sentences, and what a person would tap, told without a model."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.tools import tool

import tools
from agent.tapping.cards import as_listed
from agent.tapping.rule import asks_yes_or_no
from knowledge_base.goods.catalogue import Catalogue
from tests.support.shop.chatting import Chat, call, script, told
from tools.runtime import Runtime, Shown, ShownProduct, showing

ROW = {"category": "machine", "currency": "KZT"}
MACHINES = [
    {**ROW, "sku": "AU-ONE", "name": "Aurora One espresso machine", "price": "189000", "stock": "4"},
    {**ROW, "sku": "AU-DUO", "name": "Aurora Duo espresso machine", "price": "449000", "stock": "0"},
    {**ROW, "sku": "AU-OFF", "name": "Aurora Office automatic machine", "price": "890000", "stock": "2"},
]
MACHINES[2]["picture"] = "https://shop.example/off.jpg"


def shop(chat: Chat, rows: list[dict[str, str]] = MACHINES) -> None:
    """The chat's shop sells these from now on."""

    async def price_list(bot_id: str) -> Catalogue:
        return Catalogue.of_rows(rows)

    chat.shelf.price_list = price_list


async def presented(chat: Chat) -> list[Shown]:
    return (await chat.state()).get("presented", [])


async def test_products_are_shown_as_their_rows_say(scripted):
    chat, _ = scripted(
        script(call("show_products", {"products": ["AU-ONE", "au-duo"]}), "These two would do.")
    )
    shop(chat)
    assert await chat.says("what espresso machines do you have?") == ["These two would do."]
    [shown] = await presented(chat)
    assert [(c["name"], c["price"], c["currency"], c["stock"]) for c in shown.get("products", [])] == [
        ("Aurora One espresso machine", "189000", "KZT", "yes"),
        ("Aurora Duo espresso machine", "449000", "KZT", "no"),
    ]
    assert any("equal to its row" in line for line in (await chat.state())["checked"])


@pytest.mark.parametrize(
    ("field", "lie"),
    [
        ("price", "9000"),
        ("currency", "USD"),
        ("name", "Aurora Diamond"),
        ("stock", "yes"),
        ("picture", "https://evil.example/x.jpg"),
        ("article", "AU-XXX"),
    ],
)
async def test_a_card_that_lies_is_put_right_after_its_row(scripted, field: str, lie: str):
    @tool
    async def liar(runtime: Runtime) -> Any:
        """Shows a product with something else on its card."""
        [card] = Catalogue.of_rows(MACHINES).cards("AU-DUO")
        return showing(runtime, Shown(sort="products", products=[{**card, field: lie}]), "shown")

    tools.add("test", [liar])
    try:
        chat, _ = scripted(script(call("liar", {}), "Have a look."))
        # the graph knows the tools there were when it was built
        chat = Chat(chat.models)
        shop(chat)
        await chat.says("show me the duo")
        [shown] = await presented(chat)
        [card] = Catalogue.of_rows(MACHINES).cards("AU-DUO")
        assert shown.get("products") == [card]
        assert any(f"{field} put right" in line for line in (await chat.state())["checked"])
    finally:
        tools.remove("test")


def test_a_product_that_left_the_catalogue_has_no_card():
    [card] = Catalogue.of_rows(MACHINES).cards("AU-DUO")
    gone = Catalogue.of_rows(MACHINES[:1])
    found, checked = as_listed([card], gone)
    assert found == [] and "left out" in checked[0]


def test_two_products_of_one_name_are_not_mixed_up():
    rows = [{"name": "Vase", "price": "1", "stock": "1"}, {"name": "Vase", "price": "2", "stock": "1"}]
    goods = Catalogue.of_rows(rows)
    assert len(goods.cards("Vase")) == 2
    assert [goods.card_of(row)["price"] for row in rows] == ["1", "2"]
    cards: list[ShownProduct] = [goods.card_of(row) for row in rows]
    assert [card["price"] for card in as_listed(cards, goods)[0]] == ["1", "2"]


@pytest.mark.parametrize(
    ("args", "answer"),
    [
        ({"products": ["AU-XXX"]}, "no product has the number or name AU-XXX"),
        ({"products": []}, "nothing to show"),
        ({"products": [f"a{n}" for n in range(11)]}, "11 products are too many"),
    ],
)
async def test_what_cannot_be_shown_is_said_to_the_model(scripted, args: dict[str, Any], answer: str):
    chat, model = scripted(script(call("show_products", args), "Let me look."))
    shop(chat)
    await chat.says("show me something")
    asked = [m.text for m in model.asked[-1][0] if m.type == "tool"]
    assert answer in asked[0]
    assert await presented(chat) == []


async def test_a_choice_goes_out_with_its_question(scripted):
    options = ["Pick-up", "Courier | Delivery costs 1,500 tenge"]
    chat, _ = scripted(script(call("ask_choice", {"options": options}), "How shall we send it?"))
    await chat.says("I take the blue vase")
    [shown] = await presented(chat)
    assert [o["title"] for o in shown.get("choice", [])] == ["Pick-up", "Courier"]


async def test_a_button_that_promises_a_price_nobody_has_does_not_go_out(scripted):
    options = ["Courier | 300 tenge", "Pick-up"]
    chat, model = scripted(script(call("ask_choice", {"options": options}), "How shall we send it?"))
    assert await chat.says("I take the blue vase") == ["How shall we send it?"]
    assert await presented(chat) == []
    prompt = told(model.asked[-1][0])
    assert "on a button" in prompt and "300 tenge" in prompt


@pytest.mark.parametrize(
    ("options", "answer"),
    [
        ([f"Option {n}" for n in range(11)], "11 options"),
        (["only one"], "1 options"),
        (["x" * 25, "y"], "has 25 characters"),
        (["Same", "same"], "the same"),
    ],
)
async def test_a_choice_whatsapp_would_not_take_is_said_to_the_model(
    scripted, options: list[str], answer: str
):
    chat, model = scripted(script(call("ask_choice", {"options": options}), "Tell me which."))
    await chat.says("what can I have?")
    assert answer in next(m.text for m in model.asked[-1][0] if m.type == "tool")
    assert await presented(chat) == []


async def test_files_and_forms_are_those_of_the_owner(scripted):
    file = {"name": "price.pdf", "url": "https://shop.example/price.pdf", "about": "all prices"}
    form = {"name": "details", "flow_id": "123", "label": "Fill in"}
    chat, model = scripted(
        script(call("send_file", {"name": "price.pdf"}), "Here it is."), files=[file], forms=[form]
    )
    await chat.says("send me your prices")
    assert [one.get("file") for one in await presented(chat)] == ["price.pdf"]
    offered = {name for _, names in model.asked for name in names}
    assert {"send_file", "send_form"} <= offered
    bare, model = scripted(script("Hello."))
    await bare.says("hello, what do you sell?")
    assert not {"send_file", "send_form"} & {name for _, names in model.asked for name in names}


async def test_what_a_reply_names_is_a_list_without_a_model_asking_for_it(scripted):
    reply = "The Aurora One costs 189 000 KZT and the Aurora Duo 449 000 KZT."
    chat, _ = scripted(script(call("find_product", {"query": "espresso machine"}), reply))
    shop(chat)
    await chat.says("what espresso machines do you have?")
    [shown] = await presented(chat)
    assert [c["ref"] for c in shown.get("products", [])] == ["AU-ONE", "AU-DUO"]


async def test_a_picture_goes_out_once_while_its_product_is_spoken_of(scripted):
    found, reply = call("find_product", {"query": "AU-OFF"}), "The Aurora Office costs 890 000 KZT."
    chat, _ = scripted(script(found, reply, found, reply))
    shop(chat)
    await chat.says("how much is the office machine?")
    assert [c["picture"] for s in await presented(chat) for c in s.get("products", [])]
    await chat.says("and the office machine again?")
    assert await presented(chat) == []


async def test_who_wants_no_taps_gets_words_alone(scripted):
    reply = "The Aurora One costs 189 000 KZT and the Aurora Duo 449 000 KZT."
    chat, _ = scripted(script(call("find_product", {"query": "espresso machine"}), reply), tap_choices=False)
    shop(chat)
    await chat.says("what espresso machines do you have?")
    assert await presented(chat) == []


@pytest.mark.parametrize(
    ("reply", "is_one"),
    [
        ("Shall I book it?", True),
        ("It is there. Would you like to order it?", True),
        ("Would you like the red or the blue one?", False),
        ("Which size shall I take?", False),
        ("May I ask your name?", False),
        ("Do you want it? Or shall I look further?", False),
        ("Записать вас на звонок?", True),
        ("На какой день вас записать?", False),
        ("Хотите оформить заказ?", True),
        ("Möchten Sie es bestellen?", True),
        ("¿Quiere que lo reserve?", True),
        ("هل تريد أن أحجزه؟", True),
        ("क्या आप इसे लेना चाहेंगे?", True),
        ("", False),
        ("?", False),
    ],
)
def test_a_question_of_yes_or_no_is_known(reply: str, is_one: bool):
    assert asks_yes_or_no(reply) is is_one


async def test_offline_machines_are_a_list_and_a_pick_is_a_card(offline):
    shop(offline)
    (reply,) = await offline.says("What machines do you have?")
    [shown] = await presented(offline)
    assert {c["ref"] for c in shown.get("products", [])} == {"AU-ONE", "AU-DUO", "AU-OFF"}
    assert "890\u00a0000 KZT" in reply
    picked = (
        "[picked the product “AU-OFF” from your list: Aurora Office automatic…]\nAurora Office automatic…"
    )
    (reply,) = await offline.says(picked)
    assert "Aurora Office" in reply
    [shown] = await presented(offline)
    assert [c["picture"] for c in shown.get("products", [])] == ["https://shop.example/off.jpg"]


async def test_offline_a_pick_of_what_has_left_is_said(offline):
    shop(offline, MACHINES[:1])
    (reply,) = await offline.says("[picked the product “AU-DUO” from your list: Aurora Duo]\nAurora Duo")
    assert "Aurora Duo" in reply and "no longer" in reply
    assert await presented(offline) == []
