"""Prices in currencies with three decimals, such as Kuwait's, and with none."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge_base.goods.money import amounts_in, decimal_mark
from knowledge_base.load import read_file


@pytest.mark.parametrize(
    ("text", "currency", "prices"),
    [
        ("Item,Price\nTea,1.250 KWD\nGrill,12.750 KWD\n", "KWD", ["1.250", "12.750"]),
        ("Item,Price (BHD)\nTea,1.250\nGrill,12.750\n", "BHD", ["1.250", "12.750"]),
        ('Item,Price (OMR)\nTea,1.250\nOven,"1,250.500"\n', "OMR", ["1.250", "1250.500"]),
        ("Item;Prix (TND)\nBrik;3,500\nCouscous;18,750\n", "TND", ["3.500", "18.750"]),
        ("Producto;Precio CLP\nMartillo;12.990\nClavos;990\n", "CLP", ["12990", "990"]),
        ("Item,Price\nTea,1.250 EUR\nGrill,12.750 EUR\n", "EUR", ["1250", "12750"]),
    ],
)
def test_a_price_list_is_read_by_its_currency(tmp_path: Path, text: str, currency: str, prices: list[str]):
    (tmp_path / "list.csv").write_text(text, encoding="utf-8")
    document, _ = read_file(tmp_path / "list.csv")
    assert [(str(p.price), p.currency) for p in document.products] == [(price, currency) for price in prices]


def test_each_price_of_several_currencies_is_read_by_its_own(tmp_path: Path):
    (tmp_path / "list.csv").write_text("Item,Price\nTea,1.250 KWD\nLamp,1.250 EUR\n")
    document, _ = read_file(tmp_path / "list.csv")
    assert [str(product.price) for product in document.products] == ["1.250", "1250"]


@given(st.integers(0, 999_999), st.integers(0, 999))
def test_a_dinar_has_a_thousand_parts(whole: int, part: int):
    assert amounts_in(f"{whole}.{part:03} KWD") == [Decimal(f"{whole}.{part:03}")]
    column = [f"{whole}.{part:03}", "7.500"]
    assert decimal_mark(column, "KWD") == "."
