"""Pages of a PDF, however they are turned and wherever a table breaks."""

from __future__ import annotations

from pathlib import Path

import pytest

from knowledge_base.reading import read_apart
from tests.knowledge_base.files import (
    pdf_lines,
    pdf_table,
    texts,
)


@pytest.mark.parametrize("angle", [0, 90, 180, 270])
def test_a_turned_page_is_read_line_by_line(tmp_path: Path, angle: int):
    lines = ["Hotel rates 2026", "Single room 60 EUR", "Double room 85 EUR", "Suite 150 EUR"]
    reading = read_apart(pdf_lines(tmp_path / "rates.pdf", lines, angle))
    assert texts(reading)[1:] == ["Single room: 60 EUR", "Double room: 85 EUR", "Suite: 150 EUR"]


def test_a_table_over_several_pages_of_a_pdf_keeps_cells_of_several_lines_together(tmp_path: Path):
    rows = [
        (f"T-{n}", f"Porcelain tile for floors, white and glossy, number {n}", "60x60", f"{n}.50", n)
        for n in range(100, 190)
    ]
    path = pdf_table(
        tmp_path / "tiles.pdf", "Tiles, prices in EUR", [("Article", "Name", "Size", "Price", "Stock"), *rows]
    )
    products = read_apart(path).document.products
    assert [p.article for p in products] == [row[0] for row in rows]
    assert [p.name for p in products] == [row[1] for row in rows]
    assert {p.currency for p in products[:20]} == {"EUR"}
