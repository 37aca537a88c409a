"""Plain text: lines that are text, and lines that are a list of prices."""

from __future__ import annotations

from pathlib import Path

from knowledge_base.reading import read_apart
from tests.knowledge_base.files import (
    pdf_lines,
    texts,
    written,
)


def test_short_lines_are_text_and_a_list_of_prices_is_products(tmp_path: Path):
    path = written(tmp_path / "salon.txt", "Haircut 25 EUR\n\nColouring 60 EUR\n\nManicure 30 EUR\n")
    reading = read_apart(path)
    assert texts(reading) == ["Haircut: 25 EUR", "Colouring: 60 EUR", "Manicure: 30 EUR"]
    assert [(p.name, str(p.price), p.currency) for p in reading.document.products][:1] == [
        ("Haircut", "25", "EUR")
    ]
    salon = "Салон Лилия\n\nЧасы работы\nПн-Пт 10:00-20:00\n\nАдрес\nул. Абая 10, Алматы\n"
    reading = read_apart(written(tmp_path / "salon-ru.txt", salon))
    assert reading.coverage.share == 1.0
    assert any("10:00-20:00" in text for text in texts(reading))


def test_a_dotted_menu_keeps_the_price_with_its_dish(tmp_path: Path):
    lines = [
        "Trattoria Sole",
        *(
            f"{dish} {'.' * 40} {price}"
            for dish, price in (("Margherita", "8.50"), ("Marinara", "7.00"), ("Diavola", "9.00"))
        ),
    ]
    reading = read_apart(pdf_lines(tmp_path / "menu.pdf", lines))
    assert "Margherita: 8.50" in texts(reading)
