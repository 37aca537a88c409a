"""What customers of ten languages ask while no model answers."""

from __future__ import annotations

import pytest
from langchain_core.messages import HumanMessage, SystemMessage

from agent.language.detect import language_of
from agent.language.phrases import say
from agent.language.wishes import request_in
from agent.models.offline import offline_model
from agent.offline.asking import asks_price, questions_in


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
        ("Consegnate in Italia?", "it"),
        ("Avete i macinacaffè?", "it"),
        ("sconti?", "it"),
        ("prix ?", "fr"),
        ("Ouvert dimanche ?", "fr"),
        ("Ma machine fuit", "fr"),
        ("envío?", "es"),
        ("Preis?", "de"),
        ("Vocês entregam no Brasil?", "pt"),
        ("Posso parcelar?", "pt"),
        ("Жеткізу тегін бе", "kk"),
        ("kitna hai?", "hi"),
        ("fiyat?", "tr"),
        ("how much?", "en"),
    ],
)
def test_a_question_of_few_words_is_heard_in_its_language(said: str, language: str):
    assert language_of(said) == language


@pytest.mark.parametrize(
    "said",
    (
        "Posso comprare a rate? | Posso acquistare a rate la Aurora Duo? | ¿Puedo comprar en 12 cuotas? | "
        "Posso comprar parcelado? | Kann ich die Maschine in Raten kaufen? | Можно купить в рассрочку? | "
        "Хочу взять в рассрочку, это возможно? | Taksitle satın alabilir miyim? | "
        "Онлайн тапсырыс беруге бола ма? | ¿Puedo pedir por internet? | "
        "Kann ich die Mühle auch einzeln kaufen? | "
        "I would like some advice | Vorrei un consiglio | Quisiera un consejo | Bir tavsiye istiyorum | "
        "Ich möchte zwei Maschinen vergleichen | Мен өткен айда машина сатып алдым | "
        "I need a machine for 10 people, which one would you recommend? | "
        "Vorrei una macchina silenziosa, cosa mi consiglia?"
    ).split(" | "),
)
def test_how_one_may_buy_and_what_to_take_is_no_order(said: str):
    assert request_in(said) is None


@pytest.mark.parametrize(
    "said",
    (
        "Хочу взять в рассрочку Aurora Duo | Posso ordinare 2 macchine online? | "
        "I'd like to order two vases, which colour do you recommend? | Quiero comprar dos en cuotas"
    ).split(" | "),
)
def test_an_order_that_says_how_is_an_order(said: str):
    assert request_in(said) == "order"


@pytest.mark.parametrize("said", ["Mi máquina pierde agua", "Моя машина течёт", "मेरी मशीन लीक कर रही है"])
def test_a_leak_is_a_complaint_in_every_language(said: str):
    assert request_in(said) == "complaint"


def _asked(question: str, language: str, *passages: str) -> str:
    shown = "\n".join(passages)
    prompt = f"<language>{language}</language>\n{shown}"
    return str(offline_model().invoke([SystemMessage(prompt), HumanMessage(question)]).text)


PAYMENT = (
    '<passage document="d.pdf" page="1" language="{}" match="strong">\n'
    "You can pay by card. Instalments over 12 months are possible.\n</passage>"
)
COURSE = (
    '<passage document="p.csv" page="1" language="" match="weak">\n'
    "sku: CO-BAR; name: Home barista course; price: 25000; currency: KZT\n</passage>"
)


@pytest.mark.parametrize("noted", ["en", ""])
@pytest.mark.parametrize(
    ("question", "language"), [("Posso pagare a rate?", "it"), ("هل يمكن الدفع بالتقسيط؟", "ar")]
)
def test_a_quote_in_another_language_comes_with_a_word_in_ones_own(question: str, language: str, noted: str):
    reply = _asked(question, language, COURSE, PAYMENT.format(noted))
    assert reply.startswith(say("quoted", language)) and "Instalments" in reply and "barista" not in reply
    assert _asked("Avete un parcheggio?", "it", PAYMENT.format(noted)) == say("unknown", "it")
    assert say("quoted", "en") not in _asked("Can I pay in instalments?", "en", COURSE, PAYMENT.format(noted))
