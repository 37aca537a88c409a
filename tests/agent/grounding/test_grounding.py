"""Whether a reply's promises are supported: replies in six languages, labelled by people who did not know the
checker."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from agent.grounding.evidence import Evidence, EvidenceText
from agent.grounding.verify import findings, unsupported_claims
from tests.agent.grounding.labelled import FOLDER, evidence

# The value stands in the documents, but for another thing, place or time, and no name of a product says so:
# passes. Those of `unseen.yaml` were labelled last, blind, half of them to be hard; the checker was mended
# only by its false alarms.
BEYOND = {f"mx-{number:03}" for number in (3, 4, 6, 32, 43, 80, 95)} | {
    f"bl-{number:03}"
    for number in map(
        int, "2 5 15 22 26 29 34 35 37 49 51 54 60 63 66 68 71 75 76 78 81 82 85 94 95 96".split()
    )
}
# Supported by a sum, a name or a refusal that the checker does not see through: written anew once, then
# answered by a person.
STOPPED = {"bl-023", "bl-027", "bl-028", "bl-038", "bl-042", "bl-045", "mx-019", "mx-023"}


def labelled() -> list[Any]:
    rows = []
    for path in sorted(FOLDER.glob("*.yaml")):
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
        rows += [pytest.param(row, data["shops"][row["shop"]], id=row["id"]) for row in data["replies"]]
    return rows


def test_the_set_is_large_and_in_six_languages():
    labels = [param.values[0]["label"] for param in labelled()]  # pyright: ignore[reportOptionalSubscript, reportIndexIssue, reportAttributeAccessIssue]
    assert len(labels) >= 380 and labels.count("unsupported") >= 180
    assert {path.stem for path in FOLDER.glob("*.yaml")} == {
        "en",
        "es",
        "hi",
        "it",
        "kk",
        "ru",
        "mixed",
        "unseen",
    }


@pytest.mark.parametrize(("row", "shop"), labelled())
def test_a_reply_is_judged_as_people_judge_it(row: dict[str, Any], shop: dict[str, Any]):
    found = findings(row["reply"], evidence(row, shop))
    assert all(finding.why for finding in found)
    wrong = [finding.why for finding in found if not finding.supported]
    if row["id"] in BEYOND:
        assert not wrong, "told apart now: take it off the list"
    elif row["id"] in STOPPED:
        assert wrong, "seen through now: take it off the list"
    elif row["label"] == "supported":
        assert not wrong
    else:
        assert wrong, row["why"]


@pytest.mark.parametrize(
    ("says", "reply"),
    [
        ("The lamp costs 1 500 ₸.", "1,5 тыс. тенге"),
        ("The lamp costs 1.500,00 €.", "It is 1500 euros"),
        ("₹1,50,000 only", "1.5 lakh rupees"),
        ("от 5 тыс. ₽", "от 5 000 рублей"),
        ("Price: ₹२,४९९", "Rs. 2499"),
        ("السعر ١٥٠٠ AED", "AED 1,500"),
        ("costs 12.50 £", "£12,50"),
        ("3 500 000 тг", "3,5 млн тенге"),
    ],
)
def test_amounts_are_compared_by_value(says: str, reply: str):
    assert not unsupported_claims(reply, Evidence([EvidenceText("passage", says)]))


@pytest.mark.parametrize(
    ("says", "reply"),
    [
        ("The lamp costs 1 500 ₸.", "1 500 рублей"),
        ("The lamp costs 1.500,00 €.", "It is 1.5 euros"),
        ("₹1,50,000 only", "₹15,000"),
        ("from 5 thousand tenge", "500 000 ₸"),
        ("delivery in 3-5 days", "delivery in 3 hours"),
        ("delivery in 1-2 days; returns within 3 days", "delivery in 2-3 days"),
        ("warranty 2 years", "warranty 2 months"),
        ("discount 10 pieces", "discount 10 %"),
    ],
)
def test_other_values_units_and_currencies_are_no_support(says: str, reply: str):
    assert unsupported_claims(reply, Evidence([EvidenceText("passage", says)]))


def test_a_number_within_a_name_is_supported_by_the_row_that_has_the_name():
    row = '[{"Item": "Laminate 33 class oak", "Stock": "60", "Price": "4350 EUR"}]'
    shop = Evidence([EvidenceText("the price list", row)])
    assert not unsupported_claims("*Laminate 33 class oak*: 4350 EUR", shop)
    assert unsupported_claims("*Laminate 34 class oak*: 4350 EUR", shop)
    assert unsupported_claims("It costs 33 EUR.", shop)


@pytest.mark.parametrize(
    ("reply", "holds"),
    [
        ("*Tyre Nordic* (Size: 195/65 R15, Pack: 200): 40 EUR", True),
        ("*Tyre Nordic* (Size: 195/60 R15): 40 EUR", False),
        ("*Tyre Nordic* (Pack: 20): 40 EUR", False),
    ],
)
def test_a_cell_of_a_row_is_supported_where_it_is_quoted_whole(reply: str, holds: bool):
    row = '[{"Name": "Tyre Nordic", "Size": "195/65 R15", "Pack": "200", "Price": "40 EUR"}]'
    shop = Evidence([EvidenceText("the price list", row)])
    assert (not unsupported_claims(reply, shop)) is holds


@pytest.mark.external_data
def test_nothing_makes_the_checker_fall_over(external_data: Path):
    rows = (external_data / "09_text" / "naughty_texts.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(rows) > 100
    for row in rows:
        text = json.loads(row)["text"][:1_500]
        findings(text, Evidence([EvidenceText("passage", text[:1_000])], text[:500]))
