"""What customers of ten languages ask while no model answers."""

from __future__ import annotations

import pytest

from agent.language.wishes import request_in
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
