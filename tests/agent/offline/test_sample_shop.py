"""What customers of ten languages ask the sample shop while no model answers."""

from __future__ import annotations

import re

import pytest
from langchain_core.messages import HumanMessage
from langgraph.checkpoint.memory import InMemorySaver

from agent.context import Context
from agent.documents import folder
from agent.graph import build
from agent.language.phrases import say
from agent.language.wishes import request_in
from agent.models.chat import Models
from agent.models.offline import offline_model
from agent.offline.asking import asks_price, questions_in


@pytest.fixture(scope="module")
def graph():
    return build(Models(offline_model()), folder(None), InMemorySaver())


async def asked(graph, said: str) -> str:
    """The reply to a first message."""
    config = {"configurable": {"thread_id": said}}
    turn = {"messages": [HumanMessage(said, id="m")], "bot_id": "default", "turn_id": "1"}
    answer = await graph.ainvoke(turn, config, context=Context(business="Aurora Coffee", model="offline"))
    return "\n".join(answer["replies"])


@pytest.mark.parametrize(
    "said",
    [
        "I'd like to put my name down for the barista class this Saturday",
        "Mandatemi per favore tre pacchi di Ethiopia Guji",
        "Pode marcar uma visita para quinta-feira às 11h?",
        "Cumartesi kursuna kayıt olmak istiyorum",
        "Ертең сіздерге барып кофемашиналарды көрейін деп едім",
    ],
)
def test_a_place_a_parcel_and_a_visit_are_heard(said: str):
    assert request_in(said) == "order"


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        ("my mill got stuck after two weeks, what can you do about it?", "complaint"),
        ("Ma machine fuit depuis ce matin, je fais comment ?", "complaint"),
        ("У меня машина протекает, что делать?", "complaint"),
        ("The old one broke, how much is a new one?", None),
        ("What do you do if it leaks?", None),
        ("Is it broken?", None),
    ],
)
def test_a_thing_that_broke_is_a_complaint_with_a_question_behind_it_too(said: str, wanted: str | None):
    assert request_in(said) == wanted


def test_how_much_it_is_goes_with_what_was_asked_before():
    assert questions_in("Oi, vocês têm moedor elétrico? Quanto custa?") == [
        "vocês têm moedor elétrico? Quanto custa?"
    ]
    assert len(questions_in("Do you have a grinder? How much is the Aurora Duo?")) == 2


def test_how_long_something_lasts_is_no_price():
    assert not asks_price("Combien de temps dure le cours de barista ?")
    assert asks_price("C'est combien ?")


@pytest.mark.parametrize(
    ("said", "language"),
    [
        ("Come posso pagare?", "it"),
        ("Dá pra devolver se eu não gostar?", "pt"),
        ("Kapıda nakit ödeyebilir miyim?", "tr"),
    ],
)
async def test_english_is_quoted_before_a_language_they_may_not_read(graph, said: str, language: str):
    assert not re.search("[а-я]", await asked(graph, said), re.I)


async def test_delivery_that_is_offered_is_a_question_on_delivery(graph):
    said = "Est-ce que la livraison est offerte à partir d'un certain montant ?"
    reply = await asked(graph, said)
    assert "50,000" in reply and say("no_discount", "fr") not in reply


async def test_nothing_is_said_not_to_be_there_that_was_named_in_another_script(graph):
    reply = await asked(graph, "مرحبا، كم سعر طاحونة Pebble؟")
    assert "38 000" in reply.replace("\u00a0", " ") and "لا يوجد" not in reply


@pytest.mark.parametrize(
    ("said", "not_goods"),
    [
        ("Salve, quanto viene il chilo di Brazil Santos?", "viene"),
        ("Quero comprar uma Aurora One, como faço?", "faço"),
    ],
)
async def test_a_word_that_names_no_goods_is_not_looked_for(graph, said: str, not_goods: str):
    assert f"«{not_goods}" not in await asked(graph, said)
