"""What a verifier works out is read as people write it: a share of a hundred, the nights between two dates, a
time before closing; and what nobody said does not come through by it."""

from __future__ import annotations

import pytest

from agent.grounding.notary import Judged, doubts
from agent.grounding.numbered import evidence_lines, sentences

EVIDENCE = evidence_lines(
    [
        ("f", "facts", "Tyre house. New customers get 10% off. Brake pads M2 for sale."),
        ("p", "prices.pdf", "Eco tyre 68 €. Studio 85 € a night, cleaning 35 €. Open until 23:00."),
        ("p", "pool.pdf", "The pool closes 30 minutes before the club."),
        ("c", "the customer", "4 Eco tyres? And the studio from 12 to 15 September? A friend got 40% off"),
    ]
)
PRICE, OFF = {"id": "p1.1", "quote": "Eco tyre 68 €"}, {"id": "f1.2", "quote": "10% off"}
NIGHT = {"id": "p1.2", "quote": "Studio 85 € a night, cleaning 35 €"}
DATES = {"id": "c1.2", "quote": "from 12 to 15 September"}
CLOSING = [{"id": "p1.3", "quote": "until 23:00"}, {"id": "p2.1", "quote": "30 minutes before"}]


def why(
    reply: str, cite: list[dict[str, str]], sum: str = "", status: str = "supported", veto: str = ""
) -> list[str]:
    said = Judged.model_validate({"n": 1, "status": status, "cite": cite, "sum": sum})
    found = doubts(sentences(reply), EVIDENCE, [said], today="2026-09-01", vetoed={veto})
    return [doubt.why for doubt in found]


@pytest.mark.parametrize(
    ("reply", "cite", "sum"),
    [
        ("Four are 244.80 € less 10%.", [PRICE, OFF], "4*68*(1-10/100)"),
        ("Four go from 272 to 244.80, less 10%.", [PRICE, OFF], "4*68; 4*68*(1-10/100)"),
        ("You get ten per cent off.", [OFF], ""),
        ("Two pieces are 136 €.", [PRICE], "2*68"),
        ("Three nights at 85 € are 255 €, 290 € with cleaning.", [NIGHT, DATES], "(15-12)*85; (15-12)*85+35"),
        ("You can swim until 22:30.", CLOSING, "23:00-0:30"),
        ("We have the pads \u041c2.", [{"id": "f1.3", "quote": "Brake pads M2"}], ""),
    ],
)
def test_what_is_worked_out_passes(reply: str, cite: list[dict[str, str]], sum: str):
    assert why(reply, cite, sum) == []


@pytest.mark.parametrize(
    ("reply", "cite", "sum"),
    [
        ("Four are 204 € less 25%.", [PRICE, OFF], "4*68*(1-25/100)"),
        ("You get fifteen per cent off.", [OFF], ""),
        ("Five pieces are in stock.", [PRICE], "5*68"),
        ("Four nights are 340 €.", [NIGHT, DATES], "(16-12)*85"),
        ("You can swim until 22:45.", CLOSING, "23:00-0:15"),
        ("You can swim until 22:30.", CLOSING[:1], "23:00-0:30"),
        ("You can swim until 22:30.", CLOSING, "2-1"),
    ],
)
def test_what_nobody_said_does_not(reply: str, cite: list[dict[str, str]], sum: str):
    assert why(reply, cite, sum)


def test_a_discount_is_denied_with_the_customers_own_figure():
    assert why("I am afraid there is no 40% off.", [], status="no_claim") == []
    assert why("There is no 10% off.", [], status="no_claim") != []
    assert why("40% off is fine.", [], status="no_claim", veto="40%") != []
