"""Lists as shops really write them: groups above lines, kinds of work, prices in words, columns that are
asked for."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from agent.offline.quoting import Passage as Shown
from agent.offline.quoting import Quotes, row_line
from knowledge_base.document import Document
from knowledge_base.goods.catalogue import Catalogue
from knowledge_base.reading import read


def document(folder: Path, name: str, text: str) -> Document:
    (folder / name).write_text(text, encoding="utf-8")
    return read(folder / name).document


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
