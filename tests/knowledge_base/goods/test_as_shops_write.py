"""Lists as shops really write them: groups above lines, kinds of work, prices in words, columns that are
asked for."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from agent.offline.quoting import Quotes, row_line
from agent.offline.quoting import ShownPassage as Shown
from knowledge_base.document import Document
from knowledge_base.goods.catalogue import Catalogue
from knowledge_base.reading import read_apart


def document(folder: Path, name: str, text: str) -> Document:
    (folder / name).write_text(text, encoding="utf-8")
    return read_apart(folder / name).document


WORK = """Вид работ;Встроенный;Отдельный;Срок
Духовки;;;
Замена двери;от 5 500 до 7 000 руб.;от 4 500 до 6 000 руб.;1–2 дня
Замена лампы;900 руб.;700 руб.;1 час
Плиты;;;
Замена ручки;500 руб.;400 руб.;1 час
"""


def test_a_row_of_prices_in_words_is_no_header(tmp_path: Path):
    found = document(tmp_path, "a.csv", WORK).products
    assert [(p.name, p.category) for p in found] == [
        ("Замена двери", "Духовки"),
        ("Замена лампы", "Духовки"),
        ("Замена ручки", "Плиты"),
    ]
    assert found[1].prices == {"Встроенный": "900 руб.", "Отдельный": "700 руб."}


def test_a_reduction_that_is_over_does_not_end_the_list(tmp_path: Path):
    text = "Lamp - 9 EUR\nChair - 20 EUR\nDesk - 90 EUR\n\n10 % off all prices until 31.12.2025.\n"
    assert not any(p.last_day for p in document(tmp_path, "a.txt", text).products)


def test_the_line_above_the_first_price_names_its_group(tmp_path: Path):
    text = (
        "We bake to order.\n\nApple cake\nsmall (8 persons): 18 EUR\nlarge (20 persons): 40 EUR\n"
        "Savoury (at least 12 of each)\nPatties – 0.95 EUR / piece (fish, milk)\nRolls – 0.85 EUR / piece\n"
    )
    found = document(tmp_path, "a.txt", text).products
    assert [(p.name, p.category) for p in found] == [
        ("small (8 persons)", "Apple cake"),
        ("large (20 persons)", "Apple cake"),
        ("Patties", "Savoury (at least 12 of each)"),
        ("Rolls", "Savoury (at least 12 of each)"),
    ]
    assert "fish, milk" in " ".join(found[2].fields.values())


def test_two_lists_side_by_side_are_two(tmp_path: Path):
    head = "SALON;;;;;\nService;Short;Long;;Product;PVP\n"
    text = f"{head}Cut;18 €;26 €;;Shampoo;9,90 €\nColour;40 €;60 €;;Oil;14 €\n"
    found = document(tmp_path, "a.csv", text).products
    assert [p.name for p in found] == ["Cut", "Colour", "Shampoo", "Oil"]
    assert found[0].prices == {"Short": "18 €", "Long": "26 €"} and str(found[3].price) == "14"


def test_a_question_may_ask_for_a_column(tmp_path: Path):
    text = "Modell;Preis;Lieferzeit\nLuna;90 EUR;4 Wochen\nMars;80 EUR;2 Wochen\n"
    found = Catalogue(document(tmp_path, "a.csv", text).products).find("Luna Lieferzeit")
    assert not found.missing and [row["Modell"] for row in found.rows] == ["Luna"]


def test_a_row_is_called_by_its_name_and_not_by_its_number(tmp_path: Path):
    rows = document(
        tmp_path, "a.csv", "Art.-Nr.;Modell;Farbe;Preis\nL-1;Luna;grau;90 EUR\nL-2;Mars;rot;8 EUR\n"
    )
    assert row_line(rows.rows[0], "de").startswith("*Luna*: 90 EUR")
    named = {"Handle": "vase", "Title": "Blue vase", "Option1 Name": "Size", "Variant Price": "9 EUR"}
    assert row_line(named, "en").startswith("*Blue vase*")


def test_a_question_in_a_document_heads_its_answer():
    text = "Q: What does a full groom cost?\nA: 45 EUR for small dogs.\nQ: Do you groom cats?\nA: No, dogs."
    quotes = Quotes(lambda said: np.array([float("cost" in said), 1.0]), [Shown("en", True, text)], "en")
    assert quotes.answer("What does a groom cost?") == "A: 45 EUR for small dogs."


def test_amounts_below_a_title_with_a_currency_are_prices_by_their_headers(tmp_path: Path):
    head = "Hire of machines, prices in EUR;;;\nRef.;Machine;4 hours;Weekend\n"
    text = f"{head}M1;Drill;18,00;42,00\nM2;Saw;9,00;–\n"
    found = document(tmp_path, "a.csv", text).products
    assert found[0].prices == {"4 hours": "18,00", "Weekend": "42,00"} and found[0].currency == "EUR"
    tiles = "Art.-Nr.;Bezeichnung;€/m2;m2/Karton\nF-1;Terra;24,90;1,08\nF-2;Luna;30,90;1,08\n"
    assert [(p.name, str(p.price), p.unit) for p in document(tmp_path, "b.csv", tiles).products] == [
        ("Terra", "24.90", "m2"),
        ("Luna", "30.90", "m2"),
    ]


def test_a_package_is_called_by_its_first_line_and_what_it_cost_before_is_no_product(tmp_path: Path):
    text = "LIGHT\n1 hour\n15 photos\n65 EUR\n\nSTANDARD\n2 hours\n35 photos\n119 EUR\nвместо 135 EUR\n"
    found = document(tmp_path, "a.txt", text).products
    assert [(p.name, str(p.price)) for p in found] == [("LIGHT", "65"), ("STANDARD", "119")]
    assert "15 photos" in " ".join(found[0].fields.values())


def test_a_second_price_on_a_line_is_no_part_of_the_name(tmp_path: Path):
    text = "Plugs 4 cyl: 1 000 руб, 6 cyl 1 800 руб\nOil 900р\nBrakes from 1 800 to 3 200 руб\n"
    found = document(tmp_path, "a.txt", text).products
    assert [(p.name, str(p.price), bool(p.doubt)) for p in found] == [
        ("Plugs 4 cyl", "1000", True),
        ("Oil", "900", False),
        ("Brakes", "1800", False),
    ]


def test_two_menus_with_dots_side_by_side_are_parted(tmp_path: Path):
    dots = "." * 12
    lines = (f"Soup {n} {dots} {n},00 Cake {n} {dots} {n},50" for n in range(4, 8))
    found = document(tmp_path, "a.txt", "\n".join(lines)).products
    assert {(p.name, str(p.price)) for p in found} >= {
        ("Soup 4", "4.00"),
        ("Cake 4", "4.50"),
        ("Cake 7", "7.50"),
    }
