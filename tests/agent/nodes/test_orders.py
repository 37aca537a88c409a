"""What is ordered or booked while no chat model answers, and what somebody asks who wants no messages."""

from __future__ import annotations

import pytest

from agent.language.phrases import say
from agent.language.wishes import request_in
from tests.support.shop.chatting import Chat


@pytest.mark.parametrize(
    ("said", "language"),
    [
        ("I want to order two blue vases", "en"),
        ("Хочу заказать две синие вазы", "ru"),
        ("Запишите меня на завтра, приеду посмотреть", "ru"),
        ("Vorrei ordinare due vasi blu", "it"),
        ("Quiero comprar dos jarrones azules", "es"),
        ("Ich möchte zwei blaue Vasen bestellen", "de"),
        ("मुझे दो फूलदान ऑर्डर करना है", "hi"),
    ],
)
async def test_an_order_without_a_model_is_a_task_and_confirmed_honestly(
    offline: Chat, said: str, language: str
):
    replies = await offline.says(said)
    state = await offline.state()
    assert said[:20] in state["task"] and replies[-1].endswith(say("order_noted", language))
    assert state.get("owner") != "person" and state["messages"][-1].text == replies[-1]


async def test_a_question_without_a_model_is_none(offline: Chat):
    assert await offline.says("How much is delivery?")
    assert not (await offline.state())["task"]


async def test_whoever_wants_no_messages_is_told_once_how_to_be_answered(offline: Chat):
    assert await offline.says("stop") == [say("stopped", "en")]
    stopped = {"profile": {"consent": "stopped", "language": "en"}}
    assert await offline.says("thanks", **stopped) == []
    assert await offline.says("do you have blue vases?", **stopped) == [say("write_start", "en")]
    assert await offline.says("hello?? blue vases?", **stopped) == []
    assert await offline.says("start", **stopped) == [say("started", "en")]
    assert await offline.says("STOP") == [say("stopped", "en")]
    assert await offline.says("and red bowls?", **stopped) == [say("write_start", "en")]


@pytest.mark.parametrize(
    ("said", "what"),
    [
        ("I want to order two blue vases", "order"),
        ("Позовите человека", "asks for a person"),
        ("cancelo mi pedido", "cancellation"),
    ],
)
async def test_what_somebody_who_wants_no_messages_asks_of_people_is_on_their_list(
    offline: Chat, said: str, what: str
):
    await offline.says("stop")
    stopped = {"profile": {"consent": "stopped", "language": "en"}}
    await offline.says(said, **stopped)
    assert f"({what}): {said}" in (await offline.state())["task"]
    await offline.says("thanks", **stopped)
    assert not (await offline.state())["task"]


CANCELLATIONS = (
    "Actually no, I don't want them any more | Could you cancel my order please? | I changed my mind | "
    "cancelo mi pedido | ya no lo quiero | передумала, отмените заказ | больше не надо, спасибо | "
    "тапсырысты болдырмаңыз | ألغ الطلب من فضلك | quero cancelar | "
    "doch nicht, ich will sie nicht mehr | Ich möchte die Bestellung doch stornieren | "
    "non la voglio più | finalement non | annulez ma commande | vazgeçtim, siparişi iptal edin | "
    "मेरा ऑर्डर रद्द कर दीजिए"
).split(" | ")
COMPLAINTS = (
    "My machine broke after one week, this is terrible service!! | I want my money back now | "
    "Верните мне деньги, это безобразие | Das ist eine Frechheit, ich warte seit drei Tagen! | "
    "La macchina non funziona | Es una vergüenza, se rompió en una semana | Quebrou no primeiro dia | "
    "C'est une honte, elle est cassée | Makine bozuldu, rezalet | मशीन टूट गयी | "
    "الماكينة لا يعمل فيها شيء | Ақшамды қайтарыңыз"
).split(" | ")
NOTHING_TO_DO = (
    "How do I cancel an order? | Can I return it if it breaks? | Can I cancel later? | "
    "Do you refund? | Если сломается, вернёте деньги? | Wie kann ich stornieren? | "
    "Please don't stop the delivery | Quanto costa? | What if it stopped working?"
).split(" | ")


@pytest.mark.parametrize("said", CANCELLATIONS)
def test_a_cancellation_is_none_of_the_orders(said: str):
    assert request_in(said) == "cancellation"


@pytest.mark.parametrize("said", COMPLAINTS)
def test_a_complaint_is_heard(said: str):
    assert request_in(said) == "complaint"


@pytest.mark.parametrize("said", NOTHING_TO_DO)
def test_a_question_asks_nothing_of_people(said: str):
    assert request_in(said) is None


DENIED = (
    "don't cancel my order | please do not cancel | не отменяйте заказ | Stornieren Sie bitte nicht! | "
    "ich will nicht stornieren | no cancelen mi pedido | no quiero cancelar | iptal etmeyin | "
    "it is not broken | Nothing to complain about, great service"
).split(" | ")
ORDERS_BESIDE = [
    "The old one broke, I want to buy a new one",
    "У меня сломалась старая, хочу купить новую",
    "never mind the colour, I'll take the blue one",
    "I cancelled my gym, now I want to order a bike",
    "I don't want the red one, I'll take the blue one",
]


@pytest.mark.parametrize("said", DENIED)
def test_a_no_to_it_is_no_cancellation_and_no_complaint(said: str):
    assert request_in(said) is None


@pytest.mark.parametrize("said", ORDERS_BESIDE)
def test_an_order_beside_something_else_is_an_order(said: str):
    assert request_in(said) == "order"


async def test_a_cancellation_and_a_complaint_reach_people_in_words_of_their_own(offline: Chat):
    assert await offline.says("I'll take two blue vases") == [say("order_noted", "en")]
    assert await offline.says("Actually no, I don't want them any more") == [say("order_noted", "en")]
    assert (await offline.state())["task"].startswith("takes back an order or a booking: Actually no")
    await offline.says("The vase arrived broken, I want my money back")
    assert (await offline.state())["task"].startswith("complains: The vase arrived broken")


async def test_an_order_in_pieces_is_one_and_says_what_was_spoken_of_before(offline: Chat):
    await offline.says("Where do your vases come from?")
    await offline.says("I want", "to buy", "two of them")
    task = (await offline.state())["task"]
    assert "I want / to buy / two of them" in task and "asked before: Where do your vases come from?" in task


async def test_a_name_is_not_made_of_an_order(offline: Chat):
    await offline.says("сколько стоит доставка?")
    await offline.says("Беру Pebble")
    assert "Беру" not in str((await offline.state())["profile"])


@pytest.mark.parametrize("wait", ["wait", "подождите", "Warten Sie bitte", "espere un momento"])
async def test_stop_and_wait_is_no_opt_out(offline: Chat, wait: str):
    await offline.says("stop", wait, "how much is delivery?")
    assert (await offline.state()).get("profile", {}).get("consent") != "stopped"


async def test_a_stop_among_other_messages_is_one(offline: Chat):
    await offline.says("how much is delivery?", "stop")
    assert (await offline.state())["profile"]["consent"] == "stopped"
