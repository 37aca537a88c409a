"""What stands above prices: groups of columns, measures in a second row, the money of all of them."""

from __future__ import annotations

from pathlib import Path

from fpdf import FPDF

from knowledge_base.document import Product
from knowledge_base.goods.corrections import Corrections, Edit, corrected, product_key
from knowledge_base.reading import read_apart
from tests.knowledge_base.files import word_document


def read(folder: Path, name: str, text: str) -> list[Product]:
    (folder / name).write_text(text, encoding="utf-8")
    return read_apart(folder / name).document.products


def test_a_group_above_the_same_columns_is_part_of_their_names(tmp_path: Path):
    page = FPDF()
    page.add_page()
    page.set_font("Helvetica", size=10)
    page.text(15, 20, "Rooms, prices per night in Euro")
    page.text(75, 30, "Low season")
    page.text(135, 30, "High season")
    rows = [("Room", "Weekday", "Weekend", "Weekday", "Weekend")]
    rows += [
        ("Single", "69,00", "79,00", "89,00", "99,00"),
        ("Suite", "189,00", "209,00", "249,00", "289,00"),
    ]
    rows += [("Double", "99,00", "109,00", "129,00", "149,00")]
    for number, row in enumerate(rows):
        for x, cell in zip((15, 60, 90, 120, 150), row, strict=True):
            page.text(x, 37 + 7 * number, cell)
    page.output(str(tmp_path / "rooms.pdf"))
    suite = read_apart(tmp_path / "rooms.pdf").document.products[1]
    assert (suite.name, suite.currency) == ("Suite", "EUR")
    assert suite.prices == {
        "Low season Weekday": "189,00",
        "Low season Weekend": "209,00",
        "High season Weekday": "249,00",
        "High season Weekend": "289,00",
    }


def test_measures_in_a_second_row_of_headers_are_no_prices(tmp_path: Path):
    found = read(
        tmp_path,
        "a.html",
        "<table><tr><th rowspan=2>Treatment<th colspan=2>Price (£)</tr><tr><th>30 min<th>60 min</tr>"
        "<tr><td>Massage<td>35<td>60</tr><tr><td>Physiotherapy<td>45<td>80</tr></table>",
    )
    assert [p.name for p in found] == ["Massage", "Physiotherapy"]
    assert found[0].prices == {"Price (£) 30 min": "35", "Price (£) 60 min": "60"}


def test_a_line_about_all_prices_says_their_currency(tmp_path: Path):
    grid = [("Bike", "Half day", "Full day"), ("City bike", "12", "18"), ("E-bike", "30", "45")]
    text = [("Heading 1", "Bike rental"), ("Normal", "All prices in GBP. Helmets are included.")]
    word_document(tmp_path / "bikes.docx", text, grid)
    found = read_apart(tmp_path / "bikes.docx").document.products
    assert [(p.name, p.currency) for p in found] == [("City bike", "GBP"), ("E-bike", "GBP")]
    assert found[1].prices == {"Half day": "30", "Full day": "45"}
    blanks = "CAR WASH PRICES (USD)\n\nService     Small car    SUV\nFull wash   25    32\nWax    35    45\n"
    wash = read(tmp_path, "a.txt", blanks + "Express    12    15\n")
    assert wash[0].prices == {"Small car": "25", "SUV": "32"} and wash[0].currency == "USD"


def test_rows_of_two_tables_on_one_page_are_not_mixed_up(tmp_path: Path):
    text = "Tea | Price\n--|--\nGreen tea | 5 EUR\n\nCups:\n\nCup | Price\n--|--\nBlue cup | 9 EUR\n"
    found = read(tmp_path, "a.md", text)
    edits = {product_key(found[0]): {"price": Edit(value="7 EUR", was="5 EUR")}}
    now = corrected({"a.md": found}, Corrections(edits=edits))
    assert len(now.instead) == 1 and {(p.page, p.row) for p in found} == {(1, 2), (1, 4)}
