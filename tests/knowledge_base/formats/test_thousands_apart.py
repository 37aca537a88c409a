"""Figures with a comma in a file whose delimiter is one, and without quotation marks."""

from __future__ import annotations

from pathlib import Path

import pytest

from knowledge_base.load import read_file


@pytest.mark.parametrize(
    ("text", "prices"),
    [
        ('Item,Price\nShampoo,\u00a51,980\nBalm,"\u00a512,500"\n', ["1980", "12500"]),
        ("Lamp,Price,Stock\nDesk lamp,1,980,4\nShade,990,3\n", ["1980", "990"]),
        ("Lamp,Price,Stock\nDesk lamp,1,980,4,\nShade,990,3\n", ["1980", "990"]),
        ("Spring list\nLamp,Price\nDesk lamp,1,980\nShade,990\n", ["1980", "990"]),
        ("Item,Price,Weight\nNail,5,100\nBolt,7,250\n", ["5", "7"]),
    ],
)
def test_thousands_come_together_again(tmp_path: Path, text: str, prices: list[str]):
    (tmp_path / "list.csv").write_text(text, encoding="utf-8")
    document, _ = read_file(tmp_path / "list.csv")
    assert [str(product.price) for product in document.products] == prices
    assert document.problems == []


@pytest.mark.parametrize(
    "text",
    [
        "Lamp,Price,Stock\nDesk lamp,12,500,110\nShade,990,3\n",
        "Lamp,Price 2026\nDesk lamp,12,500\nShade,990\n",
    ],
)
def test_where_it_is_not_plain_which_cells_belong_together_the_owner_is_told(tmp_path: Path, text: str):
    (tmp_path / "list.csv").write_text(text)
    document, _ = read_file(tmp_path / "list.csv")
    assert any("quotation marks" in problem for problem in document.problems)
