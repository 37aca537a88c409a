"""Code holds a verifier to what it cites, whatever it answers."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.grounding.claims import claims_in
from agent.grounding.notary import Judged, doubts
from agent.grounding.numbered import evidence_lines, mended, sentences

EVIDENCE = evidence_lines(
    [
        ("n", "the clock", "Sunday, 29 November 2026, 15:00"),
        ("f", "facts", "Holzwerk, furniture. Delivery 39 €, free from 500 €."),
        (
            "t",
            "find_product",
            '[{"name": "Chair Lund", "stock": 14}, {"name": "Sofa Elbe", "price": "1 490 €"}]',
        ),
        (
            "p",
            "prices.pdf",
            "Chair Lund 129 €. Table Fjord from 749 €. Open 10:00-19:00. Students pay 10 % less.",
        ),
        ("p", "flats.pdf", "Two rooms, 63 m²: 36,5 млн тенге, 30 % at once."),
        ("t", "offers", '[{"name": "Shelf Kai", "price": "199 €", "valid_until": "2026-08-31"}]'),
        ("c", "the customer", "I have 100 € for 3 chairs"),
    ]
)


def judged(**said: Any) -> Judged:
    return Judged.model_validate({"n": 1, "status": "supported", **said})


def why(reply: str, *said: Judged, **more: Any) -> list[str]:
    return [doubt.why for doubt in doubts(sentences(reply), EVIDENCE, said, **more)]


def cite(id: str, quote: str) -> dict[str, str]:
    return {"id": id, "quote": quote}


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        ("The chair Lund costs 129 €.", judged(cite=[cite("p1.1", "Chair Lund 129 €")])),
        ("The chair Lund costs 129 €.", judged(cite=cite("[p1.1]", "chair  lund 129 €"))),
        ("Three chairs are 387 €.", judged(cite=[cite("p1.1", "Lund 129 €")], sum="3*129")),
        (
            "Three chairs are 387 € and delivery 39 €, 426 € in all.",
            judged(cite=[cite("p1.1", "129 €"), cite("f1.2", "Delivery 39 €")], sum="3*129; 3*129+39"),
        ),
        (
            "With 10 % off it would be 116,10 €.",
            judged(cite=[cite("p1.1", "129 €"), cite("p1.4", "10 % less")], sum="129-0.1*129"),
        ),
        ("There are 14 of them.", judged(cite=[cite("t1.1", "stock: 14")], live=True)),
        ("The sofa is 1.490 €.", judged(cite=[cite("t1.2", "1 490 €")])),
        ("We are open until 7 pm.", judged(cite=[cite("p1.3", "10:00-19:00")])),
        ("Four chairs: 4 × 129 € = 516 €.", judged(cite=[cite("p1.1", "Lund 129 €")], sum="4*129")),
        (
            "At once it is 10,95 млн тенге.",
            judged(cite=[cite("p2.1", "36,5 млн тенге, 30 % at once")], sum="0.3*36.5"),
        ),
        (
            "That is 579 тысяч тенге a square metre.",
            judged(cite=[cite("p2.1", "63 m²: 36,5 млн тенге")], sum="36.5/63"),
        ),
        (
            "That is 579 тысяч тенге a square metre.",
            judged(cite=[cite("p2.1", "63 m²: 36,5 млн тенге")], sum="36,5*1000/63"),
        ),
        ("In 12 parts it is about 124 €.", judged(cite=[cite("t1.2", "1 490 €")], sum="1.490/12")),
        ("The Fjord is from 749 €.", judged(cite=[cite("p1.2", "Table Fjord from 749 €")])),
        ("Shall I put three chairs aside for you?", judged(status="no_claim")),
        ("So you have 100 €.", judged(cite=[cite("c1.1", "I have 100 €")])),
    ],
)
def test_what_follows_from_what_is_cited_passes(reply: str, said: Judged):
    assert why(reply, said) == []


@pytest.mark.parametrize(
    ("reply", "said", "reason"),
    [
        (
            "The chair costs 99 €.",
            judged(cite=[cite("p1.1", "Chair Lund 129 €")]),
            "“99 €” does not stand in what it cites",
        ),
        (
            "The chair costs 129 €.",
            judged(cite=[cite("p1.1", "Chair Lund 99 €")]),
            "what it cites does not stand there",
        ),
        (
            "The chair costs 129 €.",
            judged(cite=[cite("p9.9", "Chair Lund 129 €")]),
            "what it cites does not stand there",
        ),
        (
            "The chair costs 129 €.",
            judged(cite=[cite("p1.1", "Chair Lund 129 €"), cite("p1.2", "oak")]),
            "what it cites does not stand there",
        ),
        ("The chair costs 129 €.", judged(cite=[]), "what it cites does not stand there"),
        (
            "The chair costs 129 $.",
            judged(cite=[cite("p1.1", "129 €")]),
            "“129 $” does not stand in what it cites",
        ),
        (
            "Three chairs are 330 €.",
            judged(cite=[cite("p1.1", "129 €")], sum="3*110"),
            "“330 €” does not stand in what it cites",
        ),
        (
            "Three chairs are 380 €.",
            judged(cite=[cite("p1.1", "129 €")], sum="3*129"),
            "“380 €” does not stand in what it cites",
        ),
        (
            "At once it is 10,95 тысяч тенге.",
            judged(cite=[cite("p2.1", "36,5 млн тенге, 30 % at once")], sum="0.3*36.5*1000"),
            "“10,95 тысяч тенге” does not stand in what it cites",
        ),
        (
            "It is 36,5 тенге.",
            judged(cite=[cite("p2.1", "36,5 млн тенге")]),
            "“36,5 тенге” does not stand in what it cites",
        ),
        (
            "It is 500 €.",
            judged(cite=[cite("p1.1", "129 €")], sum="__import__('os')"),
            "“500 €” does not stand in what it cites",
        ),
        (
            "It is 500 €.",
            judged(cite=[cite("p1.1", "129 €")], sum="9**9**9"),
            "“500 €” does not stand in what it cites",
        ),
        (
            "The shelf is 199 €.",
            judged(cite=[cite("t2.1", "price: 199 €")]),
            "what it cites is not valid any more",
        ),
        (
            "It is in stock.",
            judged(cite=[cite("p1.1", "Chair Lund")], live=True),
            "no tool has said in this turn what is there now",
        ),
        ("It is made of oak.", judged(status="not_stated", differs=["missing"]), "missing"),
        ("It is free on Sunday.", judged(status="contradicted", differs=None), "contradicted"),
        ("Hello, it costs 77 €!", judged(status="no_claim"), "“77 €” stands nowhere"),
        ("The chair is 129 €.", judged(n=2), "it was not judged"),
    ],
)
def test_what_does_not_is_stopped_whatever_the_verifier_says(reply: str, said: Judged, reason: str):
    assert why(reply, said, today="2026-11-29") == [reason]


A = [cite("p1.1", "Chair Lund 129 €")]
B = cite("f1.2", "Delivery 39 €, free from 500 €.")
# (a reply whose figure stands nowhere, what a verifier says of it)
LIES: list[tuple[str, Judged]] = [
    ("The chair costs 99 €.", judged(cite=A, sum="9*11")),
    ("It is 60 €.", judged(cite=A, sum="60")),
    ("It costs 1 2 0 0 €.", judged(cite=A, sum="1;2;0")),
    ("It costs 2\u200b39 €.", judged(cite=[cite("f1.2", "Delivery 39 €")], sum="2")),
    ("Three chairs are 387 $.", judged(cite=A, sum="3*129")),
    ("The chair costs 29 €.", judged(cite=[cite("p1.1", "29 €")])),
    ("The sofa costs 490 €.", judged(cite=[cite("t1.2", "490 €")])),
    ("The chair costs 129 $.", judged(cite=[cite("p1.1", "129")])),
    ("It is 36,5 тенге.", judged(cite=[cite("p2.1", "36,5")])),
    ("The shelf is 31 €.", judged(cite=[cite("t2.1", "2026-08-31")])),
    ("The shelf is 19 €.", judged(cite=[cite("p1.3", "10:00-19:00")])),
    ("It is only _999 €_ today.", judged(cite=A)),
    ("It is EUR999.", judged(status="no_claim")),
    ("It costs 1️⃣2️⃣0️⃣0️⃣ €.", judged(cite=A)),
    ("The shelf is 199 €.", judged(status="no_claim")),
    ("The shelf: is 199 € fine?", judged(status="no_claim")),
    ("The chair is 129 €.", judged(status="no_claim")),
    ("It costs ninety-nine euros.", judged(cite=A, sum="9")),
    # counts that nobody named
    ("The chair costs 258 €.", judged(cite=A, sum="2*129")),
    ("The chair costs 903 €.", judged(cite=A, sum="7*129")),
    ("The chair costs 64,50 €.", judged(cite=A, sum="129/2")),
    ("The chair costs 12 900 €.", judged(cite=A, sum="100*129")),
    ("The chair costs 1,29 €.", judged(cite=A, sum="129/100")),
    ("The chair costs 516 €.", judged(cite=A, sum="(1+1+1+1)*129")),
    ("The chair costs 130 €.", judged(cite=A, sum="129+1")),
    ("The chair costs 258 €.", judged(cite=A, sum="129+129")),
    ("The chair costs 258 €.", judged(cite=[*A, *A], sum="(129+39)+(129-39)")),
    ("The chair costs 1 290 €.", judged(cite=[*A, cite("p1.4", "10 % less")], sum="129/0.1")),
    ("The chair costs 1 290 €.", judged(cite=[*A, cite("p1.4", "10 % less")], sum="129/10*100")),
    # a price is no count, no share and no span of time
    ("The chair costs 5 031 €.", judged(cite=[*A, B], sum="129*39")),
    ("The chair costs 50,31 €.", judged(cite=[*A, B], sum="129*0.39")),
    ("You save 78 %.", judged(cite=[B], sum="39*2")),
    ("You save 39 %.", judged(cite=[B], sum="39")),
    ("Delivery takes 39 days.", judged(cite=[B], sum="39")),
    ("We open at 12:54.", judged(cite=A, sum="6*129")),
    ("It comes on 3 September.", judged(cite=A, sum="7*129")),
    # figures of a sentence that is said to claim nothing
    ("Delivery takes 77 days.", judged(status="no_claim")),
    ("We are open until 23:45.", judged(status="no_claim")),
    ("It comes on 3 September.", judged(status="no_claim")),
    ("The shelf is 77 cm wide.", judged(status="no_claim")),
]


@pytest.mark.parametrize(("reply", "said"), LIES)
def test_no_trick_brings_a_price_through(reply: str, said: Judged):
    assert why(reply, said, today="2026-11-29")


def test_what_a_customer_writes_breaks_nothing():
    for text in ("[" * 4_000, '{"a":' * 2_000, "1€\n" * 1_300, " ".join(f"{n}.5k" for n in range(100, 600))):
        known = [*EVIDENCE, *evidence_lines([("c", "the customer", text), ("t", "a tool", text)])]
        parts = sentences("The chair is 129 €.\n" * 10)
        sums = ";".join(["3*40"] * 60)
        said = [judged(n=part.n, cite=A, sum=sums) for part in parts]
        assert doubts(parts, known, said) == []


def test_one_long_answer_of_a_tool_hides_nothing_behind_it():
    told = [
        ("t", "a tool", '{"rows": "' + "a" * 24_000 + '"}'),
        ("p", "prices", "Chair 129 €"),
        ("c", "them", "hi"),
    ]
    assert [line.id for line in evidence_lines(told)] == ["t1.1", "p1.1", "c1.1"]


def test_the_earliest_end_of_an_offer_counts():
    rows = {"offers": [{"p": "99 €", "valid_until": "2027-01-01"}, {"p": "88 €", "Valid_Until": "2020-1-1"}]}
    known = evidence_lines([("t", "offers", json.dumps(rows))])
    for price, right in (("99", True), ("88", False)):
        said = [judged(cite=[cite(f"t1.{1 if right else 2}", f"p: {price} €")])]
        found = doubts(sentences(f"It is {price} €."), known, said, today="2026-11-29")
        assert (found == []) is right


def test_a_quote_is_found_as_people_type_it():
    known = evidence_lines([("p", "page", "we’re open 10:00–19:00, delivery < 3 days")])
    for quote in ("we're open 10:00-19:00", "delivery ‹ 3 days"):
        said = [judged(cite=[cite("p1.1", quote)])]
        assert doubts(sentences("We are here for you."), known, said) == []


def test_what_the_customer_says_proves_no_price():
    said = judged(cite=[cite("c1.1", "100 € for 3 chairs")])
    assert why("Three chairs are 100 €.", said, vetoed={"100 €"}) == ["only the customer has said so"]


def test_of_two_judgements_the_stricter_counts():
    kind = judged(cite=[cite("p1.1", "Chair Lund 129 €")])
    assert why("The chair is 129 €.", kind, judged(status="contradicted")) == ["contradicted"]


IDS = st.sampled_from(["f1.1", "f1.2", "t1.1", "t1.2", "p1.1", "p1.2", "p2.1", "c1.1", "x", ""])
QUOTES = st.sampled_from([line.text for line in EVIDENCE] + ["129 €", "39 €", "777 €", "It costs 777 €", ""])
ANSWERS = st.lists(
    st.builds(
        Judged,
        n=st.integers(0, 4),
        status=st.sampled_from(["no_claim", "supported", "contradicted", "not_stated"]),
        cite=st.lists(st.fixed_dictionaries({"id": IDS, "quote": QUOTES}), max_size=3),
        sum=st.sampled_from(
            ["", "129*6+3", "700+77", "777", "3*129", "2*39", "39+738", "1490/2+32", "0.1*777"]
        ),
        live=st.booleans(),
    ),
    max_size=6,
)
PRICES = [129, 39, 500, 749, 1490, 199, 100, 777, 12, 250]


@given(answers=ANSWERS, said=st.lists(st.sampled_from(PRICES), min_size=1, max_size=3))
def test_no_price_reaches_anybody_that_stands_nowhere(answers: list[Judged], said: list[int]):
    """Whatever a verifier answers: wrong ids, invented quotes, rows swapped, sentences left out."""
    reply = " ".join(f"That one costs {price} €." for price in said)
    parts = sentences(reply)
    wrong = doubts(parts, EVIDENCE, answers)
    sent = mended(reply, parts, {doubt.sentence.n for doubt in wrong}, "I will check.")
    known = {
        claim.values
        for line in EVIDENCE
        for claim in claims_in(line.text, every=True)
        if claim.kind == "money"
    }
    known |= {(387.0,), (78.0,)}  # the sums among them that rest on what is cited
    assert all(claim.values in known for claim in claims_in(sent) if claim.kind == "money")
    assert ("I will check." in sent) is bool(wrong)


SHOP = evidence_lines(
    [("p", "prices", "Chair 129 €. Table 749 €. Students pay 10 % less."), ("c", "them", "How much?")]
)
TERMS = st.sampled_from(
    ["129", "749", "10", "10%", "0.1", "0.9", "100", "1", "2", "3", "7", "12", "30", "1000"]
)
SUMS = st.recursive(
    TERMS, lambda inner: st.tuples(inner, st.sampled_from("+-*/"), inner).map("({0[0]}{0[1]}{0[2]})".format)
)


@given(SUMS, st.sampled_from([129, 749]), st.integers(2, 12), st.booleans())
def test_no_sum_makes_so_many_of_what_nobody_counted(sum: str, price: int, count: int, parts: bool):
    """Also where the verifier is handed the true expression."""
    total = price / count if parts else price * count
    said = judged(
        cite=[cite("p1.1", "Chair 129 €."), cite("p1.2", "Table 749 €."), cite("p1.3", "10 % less")]
    )
    for tried in (sum, f"{price}{'/' if parts else '*'}{count}", "+".join([str(price)] * count)):
        reply = sentences(f"That costs {total:.2f} €.")
        assert doubts(reply, SHOP, [said.model_copy(update={"sum": tried})]), tried


@given(st.text(max_size=300))
def test_a_reply_that_nothing_is_wrong_with_stays_as_it_is(reply: str):
    parts = sentences(reply)
    assert [part.n for part in parts] == list(range(1, len(parts) + 1))
    assert all(reply[part.start : part.end] == part.text for part in parts)
    assert all(a.end <= b.start for a, b in itertools.pairwise(parts))


@pytest.mark.parametrize(
    ("reply", "parts"),
    [
        ("Sure! It costs 5 тыс. тенге. Shall I book?", ["Sure!", "It costs 5 тыс. тенге.", "Shall I book?"]),
        ("1. Lamp 5 €\n2. Desk 9 €\n\nWhich one?", ["1. Lamp 5 €", "2. Desk 9 €", "Which one?"]),
        ("We open Sa. 10-18 Uhr. Bis bald!", ["We open Sa. 10-18 Uhr.", "Bis bald!"]),
        ("हाँ। कीमत 500 ₹ है।", ["हाँ।", "कीमत 500 ₹ है।"]),
        ("Цена 5 тыс. ₸ в месяц. Берёте?", ["Цена 5 тыс. ₸ в месяц.", "Берёте?"]),
        ("Dr. Müller is in. It costs ca. €5 each.", ["Dr. Müller is in. It costs ca. €5 each."]),
        ("Write to a.b@c.de or call. Bye", ["Write to a.b@c.de or call.", "Bye"]),
    ],
)
def test_a_sentence_ends_where_it_ends(reply: str, parts: list[str]):
    assert [part.text for part in sentences(reply)] == parts


def test_only_the_wrong_sentence_goes():
    reply = "Hello! The chair is 129 €. It is made of oak.\n- Free delivery\n- Lund 129 €"
    assert (
        mended(reply, sentences(reply), {3, 4}, "I will check.")
        == "Hello! The chair is 129 €. I will check.\n- Lund 129 €"
    )


@pytest.mark.parametrize(
    ("evidence", "reply", "quote"),
    [
        ("Promoção: branqueamento 240 €, até 31 de agosto de 2025.", "Está a 240 €.", "branqueamento 240 €"),
        ("Summer price 240 € until 31 August 2025.", "It is 240 €.", "Summer price 240 €"),
        ("Акция: 240 € до 31 августа 2025 года.", "Сейчас 240 €.", "240 €"),
        ("Aktion: 240 € bis 31.08.2025", "Es kostet 240 €.", "Aktion: 240 €"),
        ("Hasta el 31 de agosto de 2025: 240 €", "Cuesta 240 €.", "240 €"),
    ],
)
def test_an_offer_ends_on_the_day_that_stands_in_its_text(evidence: str, reply: str, quote: str):
    known, said = evidence_lines([("p", "offers", evidence)]), [judged(cite=[cite("p1.1", quote)])]
    assert doubts(sentences(reply), known, said, today="2025-08-31") == []
    assert [doubt.why for doubt in doubts(sentences(reply), known, said, today="2025-10-13")] == [
        "what it cites is not valid any more"
    ]


@pytest.mark.parametrize(
    ("evidence", "reply", "quote", "sum"),
    [
        ("vélo électrique 35 €", "Deux jours font 70 €.", "vélo électrique 35 €", "2*35"),
        ("Free: 2025-10-14 16:30", "16.30 boş.", "2025-10-14 16:30", ""),
        ("10 тренувань 5 200 грн.", "Одне тренування виходить 520 грн.", "10 тренувань 5 200 грн", "5200/10"),
    ],
)
def test_figures_are_read_as_people_write_them(evidence: str, reply: str, quote: str, sum: str):
    known = evidence_lines([("p", "prices", evidence), ("c", "the customer", "Combien pour deux jours ?")])
    said = [judged(cite=[cite("p1.1", quote)], sum=sum)]
    assert doubts(sentences(reply), known, said) == []
    assert doubts(
        sentences(reply.replace("70", "75").replace("16.30", "15.30").replace("520", "530")), known, said
    )
